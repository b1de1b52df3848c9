import Synchronization

/// What a publisher has sent, and what its peer has acknowledged.
///
/// Thread-safe.
final class Publications: Sendable {
    private struct State {
        var attempts: [NumberedMessage: Int] = [:]
        var acknowledged: Set<NumberedMessage> = []
    }

    private let state = Mutex(State())

    /// Notes that messages are about to be sent.
    func sending(_ messages: [NumberedMessage]) {
        self.state.withLock { state in
            for message in messages { state.attempts[message, default: 0] += 1 }
        }
    }

    /// Notes that the peer has taken messages.
    func acknowledged(_ messages: [NumberedMessage]) {
        self.state.withLock { $0.acknowledged.formUnion(messages) }
    }

    /// How often each was sent.
    var attempts: [NumberedMessage: Int] { self.state.withLock { $0.attempts } }
    /// How many messages are acknowledged.
    var count: Int { self.state.withLock { $0.acknowledged.count } }
    /// How many messages had to be sent more than once.
    var repeated: Int { self.state.withLock { $0.attempts.values.count { $0 > 1 } } }
}
