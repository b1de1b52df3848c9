/// A part of what `retained: first_time` has seen, small enough for one cursor.
struct MQTTRetainedPage: Equatable {
    /// Keeps the text below the 4096 bytes of a cursor: 18 bytes each, in base64.
    static let capacity = 168

    /// Orders the pages by age.
    let sequence: UInt64
    /// By the hash of the topic.
    var topics: [UInt64: MQTTRetainedMemory.Seen] = [:]

    init(sequence: UInt64) {
        self.sequence = sequence
    }

    /// Parses a page; `nil` for other texts, or a page of another broker.
    init?(_ text: String, broker: UInt64) {
        let parts = text.split(separator: " ")
        guard parts.count == 4, parts[0] == "retained", UInt64(parts[1], radix: 16) == broker,
            let sequence = UInt64(parts[2]), let bytes = [UInt8](base64: String(parts[3])), bytes.count % 18 == 0
        else { return nil }
        self.sequence = sequence
        for start in stride(from: 0, to: bytes.count, by: 18) {
            func number(_ place: Int) -> UInt64 {
                bytes[(start + 6 * place)..<(start + 6 * place + 6)].reduce(0) { $0 << 8 | UInt64($1) }
            }
            self.topics[number(0)] = MQTTRetainedMemory.Seen(retained: number(1), live: number(2))
        }
    }

    /// - Parameter broker: the identity of the broker of these topics.
    func text(broker: UInt64) -> String {
        var bytes: [UInt8] = []
        for (topic, seen) in self.topics {
            for number in [topic, seen.retained, seen.live] {
                for shift in stride(from: 40, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: number >> shift)) }
            }
        }
        let base64 = bytes.withUnsafeBytes { String(base64: $0) }
        return "retained \(String(broker, radix: 16)) \(self.sequence) \(base64)"
    }
}
