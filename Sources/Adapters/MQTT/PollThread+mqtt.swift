import BridgeCore
import PollThread

extension PollThread {
    /// Calls `body` with a thread of its own for a session with a broker; a cancellation wakes the thread.
    ///
    /// The session must have left the thread when `body` returns, which ends it.
    ///
    /// - Parameter name: the kernel keeps the first 15 bytes.
    /// - Throws: ``ComponentError`` where the process lacks what a thread needs; what `body` throws.
    static func run<Value>(
        _ name: String, for address: MQTTAddress, isolation: isolated (any Actor)? = #isolation,
        _ body: (PollThread) async throws -> Value
    ) async throws -> Value {
        let thread: PollThread
        do {
            thread = try PollThread(name: name)
        } catch {
            throw ComponentError(.inputOutput, "cannot start a thread for \(address)", cause: error)
        }
        defer { thread.stop() }
        return try await withTaskCancellationHandler {
            try await body(thread)
        } onCancel: {
            thread.wake()
        }
    }
}
