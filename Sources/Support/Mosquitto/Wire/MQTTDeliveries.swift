/// Facts about messages that libmosquitto does not know, for those that it has not reported yet, in order.
///
/// Confined to the thread of the connection.
final class MQTTDeliveries {
    /// Facts about a message that the library does not know.
    struct Delivery: Equatable {
        /// The packet identifier; 0 at QoS 0.
        let identifier: UInt16
        /// The broker may have sent it before (MQTT 5 §3.3.1.1).
        let isDuplicate: Bool
        /// The size of its packet without the fixed header, so that topic and properties count too.
        var size = 0
    }

    private var waiting: [Delivery] = []
    private var next = 0

    /// The library is given a message.
    func append(_ delivery: Delivery) { self.waiting.append(delivery) }

    /// The library reports the next one.
    func take() -> Delivery? {
        guard self.next < self.waiting.count else { return nil }
        defer {
            self.next += 1
            if self.next == self.waiting.count {
                self.waiting.removeAll(keepingCapacity: true)
                self.next = 0
            }
        }
        return self.waiting[self.next]
    }
}
