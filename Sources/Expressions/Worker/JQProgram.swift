import CJq
import CSandbox

/// One compiled program and its interpreter, in the worker.
///
/// Used by the worker's only thread.
final class JQProgram {
    /// The interpreter.
    private let state: OpaquePointer
    private let variables: JQVariables

    /// - Parameters:
    ///   - variables: those that the program unpacks after the event.
    ///   - complaints: the compiler's messages.
    /// - Returns: `nil` when it does not compile.
    init?(_ text: String, variables: JQVariables, complaints: inout [String]) {
        guard let state = jq_init() else { return nil }
        // libjq 1.6 leaves its own one uninitialised and calls it.
        jq_set_nomem_handler(state, { _ in csandbox_leave(UInt32(csandbox_memory.rawValue)) }, nil)
        let list = Complaints()
        jq_set_error_cb(
            state,
            { context, message in
                // Unretained: `list` outlives the compilation below, the only time this is called.
                Unmanaged<Complaints>.fromOpaque(context!).takeUnretainedValue().messages.append(
                    JQValue.text(of: jq_format_error(message)))
            },
            Unmanaged.passUnretained(list).toOpaque()
        )
        let isCompiled = withExtendedLifetime(list) { jq_compile(state, text) } != 0
        jq_set_error_cb(state, { _, message in jv_free(message) }, nil)
        complaints = list.messages
        self.state = state
        self.variables = variables
        // The interpreter is ended by `deinit` in either case.
        guard isCompiled else { return nil }
    }

    deinit {
        var state: OpaquePointer? = self.state
        jq_teardown(&state)
    }

    /// The first result for an event.
    ///
    /// - Parameter isLast: whether no other program reads the event after this one, which may then change it in place.
    /// - Returns: a value for the caller to free, or what is wrong with the event.
    func evaluate(_ input: JQInput, isLast: Bool) -> Result<jv, JQInput.Unreadable> {
        input.arguments(self.variables, isLast: isLast).map { arguments in
            jq_start(self.state, arguments, 0)
            return jq_next(self.state)
        }
    }

    /// Collects the compiler's messages.
    private final class Complaints {
        var messages: [String] = []
    }
}
