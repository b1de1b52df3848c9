import BridgeCore
import Synchronization

/// Makes the key that tells a message of QoS 1 from the source's other recent ones, and says whether one that the broker may have sent
/// before can have been here before.
///
/// The key is made of session, packet identifier, topic and body: where the broker has kept no session, nothing that comes was here. A
/// message that we have not acknowledged has its identifier to itself. One that we have may come again, when the acknowledgement was lost;
/// but a broker that uses the lowest free identifier gives the same to the next message, which may be lost on the way and sent again.
/// So acknowledged ones count only with a broker that has shown that it counts its identifiers up, as mosquitto does; with others messages
/// may come twice. Outlives the connections of its source. Thread-safe behind its lock; in fact the thread of the session uses it.
final class MQTTPacketIdentifiers: Sendable {
    /// What is known of a session, over restarts too.
    struct Session: Equatable {
        /// Drawn by lot, a new one where keys of before must not count.
        var number = UInt64.random(in: 1 ... .max)
        /// The broker has given an identifier though lower ones were free.
        var countsUp = false
    }

    private struct State {
        var session = Session()
        /// Of the last message that came for the first time.
        var last: Int32 = 0
        /// Keys of what was not acknowledged, on earlier connections neither.
        var unacknowledged: Set<UInt64> = []
        /// Those of them that have come on this connection.
        var taken: [UInt64] = []
        /// How many messages have come since the broker was asked to confirm that it has our acknowledgements; `nil` before that.
        var sinceQuestion: Int32?
        var isAnswered = false
    }

    private let state = Mutex(State())

    var session: Session { self.state.withLock(\.session) }

    /// There is a connection.
    ///
    /// - Parameter session: what is known of the one that goes on; `nil` for a new one.
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
    /// - Parameter isRepeated: the broker says that it may have sent it before.
    /// - Returns: also whether the message is the one of before when the key is known.
    func key(
        _ identifier: Int32, topic: String, body: UnsafeRawBufferPointer, isRepeated: Bool
    ) -> (key: UInt64, mayBeRepeated: Bool) {
        self.state.withLock { state in
            if !isRepeated { Self.look(at: identifier, &state) }
            var hash = Fingerprint()
            hash.add(state.session.number)
            hash.add(UInt64(UInt32(bitPattern: identifier)))
            hash.add(topic)
            hash.add(body)
            let key = hash.value
            let mayBeRepeated = isRepeated && (state.session.countsUp || state.unacknowledged.contains(key))
            // Of a broker that counts up every key says enough.
            if !state.session.countsUp {
                state.unacknowledged.insert(key)
                state.taken.append(key)
            }
            if let count = state.sinceQuestion { state.sinceQuestion = count &+ 1 }
            return (key, mayBeRepeated)
        }
    }

    /// Learns how the broker gives identifiers, of a message that comes for the first time.
    private static func look(at identifier: Int32, _ state: inout State) {
        let isWrapped = state.last > 60_000 && identifier < 5_000
        if identifier <= state.last, !isWrapped {
            // It does not count, or has begun anew: its identifiers of before say nothing.
            if state.session.countsUp { state.session = Session() }
        } else if state.isAnswered, let count = state.sinceQuestion, identifier > count + 1 {
            // It had our acknowledgements, so that no more than what has come since can have an identifier.
            state.session.countsUp = true
        }
        state.last = identifier
    }

    /// Everything that has come is about to be acknowledged.
    ///
    /// - Returns: whether to ask the broker for an answer right behind the acknowledgements, to learn how it counts.
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
