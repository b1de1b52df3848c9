import BridgeCore
import CJq

/// Owns one libjq interpreter with one compiled program.
///
/// Used by one thread at a time, under its expression's lock.
final class JQHandle {
    /// The interpreter; ``JQEvaluation`` may order it to stop from another thread.
    let state: JQState

    /// - Throws: ``ExpressionError`` with libjq's messages.
    init(_ program: String) throws(ExpressionError) {
        guard let pointer = jq_init() else { throw ExpressionError("jq has no memory for another expression") }
        let complaints = Complaints()
        jq_set_error_cb(
            pointer,
            { context, message in
                // Unretained: `complaints` outlives the compilation below, the only time this is called.
                Unmanaged<Complaints>.fromOpaque(context!).takeUnretainedValue().messages.append(
                    JQHandle.text(of: jq_format_error(message)))
            },
            Unmanaged.passUnretained(complaints).toOpaque()
        )
        let isCompiled = withExtendedLifetime(complaints) { jq_compile(pointer, program) } != 0
        jq_set_error_cb(pointer, { _, message in jv_free(message) }, nil)
        guard isCompiled else {
            var dead: OpaquePointer? = pointer
            jq_teardown(&dead)
            throw JQMessages.error(from: complaints.messages)
        }
        self.state = JQState(pointer: pointer)
    }

    deinit {
        var pointer: OpaquePointer? = self.state.pointer
        jq_teardown(&pointer)
    }

    /// The text of a string value, which is freed.
    static func text(of value: jv) -> String {
        defer { jv_free(value) }
        let bytes = UnsafeRawBufferPointer(start: jv_string_value(value), count: Int(jv_string_length_bytes(jv_copy(value))))
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Collects what the compiler says.
    private final class Complaints {
        var messages: [String] = []
    }
}

/// A pointer to a libjq interpreter.
///
/// Safe because whoever holds the expression's lock is the only one to use it, with one exception: ``JQEvaluation`` calls `jq_halt`,
/// which does nothing but set three fields that the interpreter reads before each of its steps.
struct JQState: @unchecked Sendable {
    let pointer: OpaquePointer
}
