import BridgeTesting
import Synchronization

/// Forwards packets between a client and a broker, and records them.
///
/// Thread-safe.
final class MQTTProxy: Sendable {
    private let proxy: TCPProxy
    private let sent: Sent
    private let answered: Sent

    init(broker: Int) throws {
        let (sent, answered) = (Sent(), Sent())
        self.sent = sent
        self.answered = answered
        self.proxy = try TCPProxy(server: broker) {
            sent.note($1, of: $0)
        } observeServer: {
            answered.note($1, of: $0)
        }
    }

    var port: Int { self.proxy.port }
    /// How many connections there were.
    var connections: Int { self.proxy.connections }

    /// The packets of a type that clients have sent so far: 4 is PUBACK, 8 SUBSCRIBE, 10 UNSUBSCRIBE, 12 PINGREQ, 14 DISCONNECT.
    func sent(_ type: UInt8) -> Int { self.sent.count(of: type) }

    /// The packets of a type that the broker has sent so far: 3 is PUBLISH, 9 SUBACK, 11 UNSUBACK.
    func answered(_ type: UInt8) -> Int { self.answered.count(of: type) }

    /// Passes nothing on any more, and keeps every connection.
    func silence() { self.proxy.silence() }

    /// Cuts every connection.
    func cut() { self.proxy.cut() }

    /// Resets new connections.
    func refuse() { self.proxy.set(.refuse) }

    /// Connects new connections with the broker, as at first.
    func forward() { self.proxy.set(.forward) }

    /// Accepts connections and answers nothing.
    func swallow() { self.proxy.set(.swallow) }

    private final class Sent: Sendable {
        private struct State {
            var types: [UInt8] = []
            var rest: [Int: [UInt8]] = [:]
        }

        private let state = Mutex(State())

        func count(of type: UInt8) -> Int { self.state.withLock { $0.types.count { $0 == type } } }

        func note(_ bytes: ArraySlice<UInt8>, of connection: Int) {
            self.state.withLock { state in
                var rest = state.rest[connection, default: []] + bytes
                state.types += Self.takeTypes(of: &rest)
                state.rest[connection] = rest
            }
        }

        /// Takes the complete packets off the front (MQTT 5 §2.1).
        private static func takeTypes(of bytes: inout [UInt8]) -> [UInt8] {
            var types: [UInt8] = []
            var start = 0
            while true {
                var length = 0
                var index = start + 1
                var isComplete = false
                while index < bytes.count, !isComplete {
                    length |= Int(bytes[index] & 0x7f) << (7 * (index - start - 1))
                    isComplete = bytes[index] < 0x80
                    index += 1
                }
                guard isComplete, index + length <= bytes.count else { break }
                types.append(bytes[start] >> 4)
                start = index + length
            }
            bytes.removeFirst(start)
            return types
        }
    }
}
