import BridgeCore
import Synchronization

/// Makes the key that tells a message of QoS 1 from the source's other recent ones.
///
/// Packet identifier, topic and body. That identifies a message only with brokers that count their identifiers up, as mosquitto does: one
/// that uses the lowest free identifier gives the same to two messages in a row, and the second, lost on the way and sent again, would be
/// taken for the first. So there are no keys any more once an identifier did not grow; messages may then come twice.
struct MQTTPacketIdentifiers {
    /// Whether this source's broker was seen to use identifiers again.
    ///
    /// Outlives the connection.
    final class Reuse: Sendable {
        private let wasSeen = Mutex(false)

        var isSeen: Bool { self.wasSeen.withLock { $0 } }

        func see() { self.wasSeen.withLock { $0 = true } }
    }

    private let reuse: Reuse
    private var isReused: Bool
    private var last: Int32 = 0

    init(_ reuse: Reuse) {
        self.reuse = reuse
        self.isReused = reuse.isSeen
    }

    /// - Returns: `nil` when the identifier says nothing.
    mutating func key(_ identifier: Int32, topic: String, body: UnsafeRawBufferPointer, isRepeated: Bool) -> UInt64? {
        // Those that are sent again have the identifiers they had.
        if !isRepeated, !self.isReused {
            let isWrapped = self.last > 60_000 && identifier < 5_000
            if identifier <= self.last, !isWrapped {
                self.isReused = true
                self.reuse.see()
            }
            self.last = identifier
        }
        guard !self.isReused else { return nil }
        var hash = Fingerprint()
        hash.add(UInt64(UInt32(bitPattern: identifier)))
        hash.add(topic)
        hash.add(body)
        return hash.value
    }
}
