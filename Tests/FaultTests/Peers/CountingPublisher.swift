import BridgeTesting
import Testing

/// Publishes numbered messages to a source's peer, independently of the program, and repeats each until it is acknowledged.
protocol CountingPublisher: Sendable {
    /// What was sent.
    var publications: Publications { get }

    /// Sends messages once, in order, and waits for the peer's answers.
    ///
    /// - Returns: those that are not acknowledged, in order: the peer may have them or not.
    func send(_ messages: [NumberedMessage]) async -> [NumberedMessage]
}

extension CountingPublisher {
    /// Sends messages until each is acknowledged.
    func publish(_ messages: [NumberedMessage]) async throws {
        var rest = messages
        try await eventually(within: .seconds(60), "the peer takes \(rest.first?.text ?? "")") {
            rest = await self.send(rest)
            return rest.isEmpty
        }
    }
}
