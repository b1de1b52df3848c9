/// The boundaries of the parts of a message's head, and its facts that libmosquitto does not know.
///
/// The library gets every message as one of QoS 0, with at most one subscription identifier: acknowledgements are ours
/// (``MQTTOutgoingPackets``), and it supports only one, although a broker may send several (MQTT 5 §3.3.4).
struct MQTTMessageHead: Equatable {
    /// The beginning of the topic.
    let start: Int
    /// The end of the topic.
    let topicEnd: Int
    /// The beginning of the properties, or else of the payload.
    let fixedEnd: Int
    /// The beginning of the payload.
    let end: Int
    /// How long the payload is.
    let payload: Int
    /// The packet identifier; `nil` at QoS 0.
    let identifier: Int?
    /// Subscription identifiers beyond the first.
    let repeated: [Range<Int>]

    /// Appends the head as the library gets it.
    func append(_ bytes: UnsafeRawBufferPointer, to result: inout [UInt8]) {
        guard self.identifier != nil || !self.repeated.isEmpty else {
            result += UnsafeRawBufferPointer(rebasing: bytes[..<self.end])
            return
        }
        let topic = UnsafeRawBufferPointer(rebasing: bytes[self.start..<self.topicEnd])
        // Without the quality of service and the DUP flag.
        result.append(bytes[0] & 0xf1)
        guard !self.repeated.isEmpty else {
            let properties = UnsafeRawBufferPointer(rebasing: bytes[self.fixedEnd..<self.end])
            Self.append(topic.count + properties.count + self.payload, to: &result)
            result += topic
            result += properties
            return
        }
        // The list begins with its length, which ends with a byte below 128.
        var next = (bytes[self.fixedEnd...].firstIndex { $0 < 0x80 } ?? self.fixedEnd) + 1
        var properties: [UInt8] = []
        for range in self.repeated {
            properties += bytes[next..<range.lowerBound]
            next = range.upperBound
        }
        properties += bytes[next..<self.end]
        var length: [UInt8] = []
        Self.append(properties.count, to: &length)
        Self.append(topic.count + length.count + properties.count + self.payload, to: &result)
        result += topic
        result += length
        result += properties
    }

    /// Appends a variable byte integer (MQTT 5 §1.5.5).
    static func append(_ value: Int, to result: inout [UInt8]) {
        var value = value
        while value >= 0x80 {
            result.append(UInt8(value & 0x7f) | 0x80)
            value >>= 7
        }
        result.append(UInt8(value))
    }
}
