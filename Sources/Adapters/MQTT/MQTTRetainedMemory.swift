import BridgeCore
import Synchronization

/// What `retained: first_time` has seen: for each topic the body that last came as a retained message, and the one that last came live.
///
/// A broker sends its retained messages anew at each new subscription; those that are remembered are no news. In memory only: over a
/// restart of the program it is the broker's session that keeps them from coming again. Thread-safe behind its lock.
final class MQTTRetainedMemory: Sendable {
    /// How many topics are remembered; of more than that, the oldest half is forgotten and comes again.
    static let capacity = 65_536

    private struct Seen {
        var retained: UInt64?
        var live: UInt64?
    }

    private struct State {
        var recent: [UInt64: Seen] = [:]
        var older: [UInt64: Seen] = [:]
    }

    private let state = Mutex(State())

    /// Notes a retained message.
    ///
    /// - Returns: false when it is known.
    func isNews(topic: String, body: UnsafeRawBufferPointer) -> Bool {
        let hash = Self.hash(body)
        return self.change(topic) { seen in
            // A message that came live may have been published to be kept: MQTT 3.1.1 does not tell then.
            defer { seen.retained = hash }
            return seen.retained != hash && seen.live != hash
        }
    }

    /// Notes a message that came when it was published.
    func note(topic: String, body: UnsafeRawBufferPointer) {
        let hash = Self.hash(body)
        self.change(topic) { $0.live = hash }
    }

    private func change<Value>(_ topic: String, _ body: (inout Seen) -> Value) -> Value {
        var hash = Fingerprint()
        hash.add(topic)
        let key = hash.value
        return self.state.withLock { state in
            if state.recent.count >= Self.capacity / 2, state.recent[key] == nil {
                state.older = state.recent
                state.recent = [:]
            }
            var seen = state.recent[key] ?? state.older[key] ?? Seen()
            defer { state.recent[key] = seen }
            return body(&seen)
        }
    }

    private static func hash(_ body: UnsafeRawBufferPointer) -> UInt64 {
        var hash = Fingerprint()
        hash.add(body)
        return hash.value
    }
}
