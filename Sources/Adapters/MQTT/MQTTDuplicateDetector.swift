import BridgeCore
import Synchronization

/// Makes a key for each message of QoS 1, and decides whether a message that the broker may have sent before can be a duplicate.
///
/// The key consists of session, packet identifier, topic and body: without a session at the broker, nothing is a
/// duplicate. No other message has the identifier of an unacknowledged one. The broker redelivers an acknowledged
/// message when its PUBACK was lost. But a broker that reuses the lowest free identifier gives the same one to the next
/// message. So acknowledged messages count only if the broker has shown that it counts its identifiers up, as mosquitto
/// does; other brokers may deliver messages twice. Outlives the connections of its source. Thread-safe; used only by
/// the session's thread.
final class MQTTDuplicateDetector: Sendable {
    /// The stored state of a session, also across restarts.
    struct Session: Equatable {
        /// Random; regenerated to invalidate earlier keys.
        var number = UInt64.random(in: 1 ... .max)
        /// Whether the broker has assigned an identifier although lower ones were free.
        var countsUp = false
    }

    private struct State {
        var session = Session()
        /// The identifier of the last new message.
        var last: Int32 = 0
        /// Keys of messages that are not acknowledged, including those of earlier connections.
        var unacknowledged: Set<UInt64> = []
        /// The keys that were received on this connection.
        var taken: [UInt64] = []
        /// How many messages have arrived since the broker was asked to confirm our acknowledgements; `nil` before
        /// that.
        var sinceQuestion: Int32?
        var isAnswered = false
    }

    private let state = Mutex(State())

    var session: Session { self.state.withLock(\.session) }

    /// Takes the state of a detector that is no longer used; ``begin(_:)`` drops it if the session is another one.
    func adopt(_ other: MQTTDuplicateDetector) {
        let adopted = other.state.withLock { $0 }
        self.state.withLock { $0 = adopted }
    }

    /// Records a new connection.
    ///
    /// - Parameter session: the stored state of a resumed session; `nil` for a new one.
    func begin(_ session: Session?) {
        self.state.withLock { state in
            if session == nil || session?.number != state.session.number {
                state = State()
                if let session { state.session = session }
            }
            state.taken.removeAll()
            state.sinceQuestion = nil
            state.isAnswered = false
        }
    }

    /// Makes the key of a message.
    ///
    /// - Parameter isRepeated: whether the broker marks it as a possible redelivery.
    /// - Returns: also whether the message is a duplicate if its key is known.
    func key(
        _ identifier: Int32, topic: String, body: UnsafeRawBufferPointer, isRepeated: Bool
    ) -> (key: UInt64, mayBeRepeated: Bool) {
        self.state.withLock { state in
            if !isRepeated { Self.observe(identifier, &state) }
            var hash = Fingerprint()
            hash.add(state.session.number)
            hash.add(UInt64(UInt32(bitPattern: identifier)))
            hash.add(topic)
            hash.add(body)
            let key = hash.value
            let mayBeRepeated = isRepeated && (state.session.countsUp || state.unacknowledged.contains(key))
            // With a broker that counts up, every key is sufficient.
            if !state.session.countsUp {
                state.unacknowledged.insert(key)
                state.taken.append(key)
            }
            if let count = state.sinceQuestion { state.sinceQuestion = count &+ 1 }
            return (key, mayBeRepeated)
        }
    }

    /// Learns from a new message how the broker assigns identifiers.
    private static func observe(_ identifier: Int32, _ state: inout State) {
        let isWrapped = state.last > 60_000 && identifier < 5_000
        if identifier <= state.last, !isWrapped {
            // The broker does not count up, or has restarted: its earlier identifiers mean nothing.
            if state.session.countsUp { state.session = Session() }
        } else if state.isAnswered, let count = state.sinceQuestion, identifier > count + 1 {
            // The broker had our acknowledgements, so only messages received since can have an identifier.
            state.session.countsUp = true
        }
        state.last = identifier
    }

    /// Records that all received messages are about to be acknowledged.
    ///
    /// - Returns: whether to request an answer right after the acknowledgements, to learn how the broker counts.
    func acknowledging() -> Bool {
        self.state.withLock { state in
            state.unacknowledged.subtract(state.taken)
            state.taken.removeAll(keepingCapacity: true)
            guard !state.session.countsUp, state.sinceQuestion == nil, state.unacknowledged.isEmpty else { return false }
            state.sinceQuestion = 0
            return true
        }
    }

    /// The broker has answered.
    func answered() {
        self.state.withLock { $0.isAnswered = true }
    }
}
