import NIOCore

/// One MQTT control packet in its wire format (MQTT 3.1.1 §2, MQTT 5 §2).
struct MQTTPacket {
    let first: UInt8
    let body: [UInt8]

    var type: UInt8 { self.first >> 4 }
    var qos: UInt8 { (self.first >> 1) & 3 }

    /// Removes every complete packet from the front of the buffer.
    static func all(of bytes: inout [UInt8]) -> [MQTTPacket] {
        var result: [MQTTPacket] = []
        var start = 0
        while let (packet, end) = self.packet(in: bytes, at: start) {
            result.append(packet)
            start = end
        }
        bytes.removeFirst(start)
        return result
    }

    /// Removes the first packet from the front of the buffer; `nil` when it is incomplete.
    static func next(of bytes: inout [UInt8]) -> MQTTPacket? {
        guard let (packet, end) = self.packet(in: bytes, at: 0) else { return nil }
        bytes.removeFirst(end)
        return packet
    }

    private static func packet(in bytes: [UInt8], at start: Int) -> (MQTTPacket, end: Int)? {
        guard let (length, body) = self.number(in: bytes, at: start + 1), body + length <= bytes.count else { return nil }
        return (MQTTPacket(first: bytes[start], body: Array(bytes[body..<(body + length)])), body + length)
    }

    /// A variable byte integer (MQTT 5 §1.5.5); `nil` when it is incomplete or longer than four bytes.
    private static func number(in bytes: [UInt8], at start: Int) -> (Int, end: Int)? {
        var value = 0
        for (shift, index) in zip(stride(from: 0, to: 28, by: 7), start...) {
            guard index < bytes.count else { return nil }
            value |= Int(bytes[index] & 0x7f) << shift
            if bytes[index] < 0x80 { return (value, index + 1) }
        }
        return nil
    }

    // MARK: What a client receives

    /// The packet identifier of packets whose body begins with it.
    var identifier: UInt16 { UInt16(self.body[0]) << 8 | UInt16(self.body[1]) }

    /// The return codes of a SUBACK (MQTT 3.1.1 §3.9.3, MQTT 5 §3.9.3).
    func subscribeCodes(version: UInt8) -> [UInt8] {
        guard version == 5, let (length, start) = Self.number(in: self.body, at: 2) else { return Array(self.body.dropFirst(2)) }
        return Array(self.body[(start + length)...])
    }

    /// The message of a PUBLISH (MQTT 5 §3.3).
    func message(version: UInt8) -> MQTTPeer.Message {
        var index = 0
        let topic = self.text(at: &index)
        if self.qos > 0 { index += 2 }
        var user: [(name: String, value: String)] = []
        var others: [UInt8: [UInt8]] = [:]
        if version == 5, let (length, start) = Self.number(in: self.body, at: index) {
            (user, others) = self.properties(in: start..<(start + length))
            index = start + length
        }
        return MQTTPeer.Message(
            topic: topic, payload: ByteBuffer(bytes: self.body[index...]), qos: self.qos, retain: self.first & 1 == 1,
            duplicate: self.first & 8 == 8, userProperties: user, properties: others
        )
    }

    /// The PUBACK for a PUBLISH with QoS 1 (MQTT 5 §3.4).
    func acknowledgement(version: UInt8) -> [UInt8] {
        let start = 2 + Int(self.body[0]) << 8 + Int(self.body[1])
        return [0x40, 2, self.body[start], self.body[start + 1]]
    }

    private func text(at index: inout Int) -> String {
        let length = Int(self.body[index]) << 8 | Int(self.body[index + 1])
        defer { index += 2 + length }
        return String(decoding: self.body[(index + 2)..<(index + 2 + length)], as: UTF8.self)
    }

    private func properties(in range: Range<Int>) -> (user: [(name: String, value: String)], others: [UInt8: [UInt8]]) {
        var user: [(name: String, value: String)] = []
        var others: [UInt8: [UInt8]] = [:]
        var index = range.lowerBound
        while index < range.upperBound {
            let identifier = self.body[index]
            index += 1
            var start = index
            switch identifier {
            case 0x26:
                let name = self.text(at: &index)
                user.append((name, self.text(at: &index)))
                continue
            case 0x01: index += 1
            case 0x02: index += 4
            case 0x23: index += 2
            case 0x0b: index = Self.number(in: self.body, at: index)?.end ?? range.upperBound
            default:
                _ = self.text(at: &index)
                start += 2
            }
            others[identifier] = Array(self.body[start..<index])
        }
        return (user, others)
    }

    // MARK: What a client sends

    static func connect(_ options: MQTTPeer.Options) -> [UInt8] {
        var flags: UInt8 = options.cleanSession ? 2 : 0
        if options.username != nil { flags |= 0x80 }
        if options.password != nil { flags |= 0x40 }
        var body = self.text("MQTT") + [options.version, flags, 0, 0]
        if options.version == 5 {
            // Session expiry: none for a clean start, else never (MQTT 5 §3.1.2.11.2).
            body += options.cleanSession ? [0] : [5, 0x11, 0xff, 0xff, 0xff, 0xff]
        }
        body += self.text(options.clientID)
        if let username = options.username { body += self.text(username) }
        if let password = options.password { body += self.text(password) }
        return [0x10] + self.number(body.count) + body
    }

    static func subscribe(_ filters: [String], qos: UInt8, packet: UInt16, version: UInt8) -> [UInt8] {
        var body = [UInt8(packet >> 8), UInt8(packet & 0xff)]
        if version == 5 { body.append(0) }
        for filter in filters { body += self.text(filter) + [qos] }
        return [0x82] + self.number(body.count) + body
    }

    static func appendPublish(
        _ payload: ByteBuffer, topic: String, qos: UInt8, retain: Bool, packet: UInt16, version: UInt8,
        userProperties: [(name: String, value: String)], properties more: [UInt8], to bytes: inout [UInt8]
    ) {
        var head = self.text(topic)
        if qos > 0 { head += [UInt8(packet >> 8), UInt8(packet & 0xff)] }
        if version == 5 {
            let properties: [UInt8] = userProperties.flatMap { [UInt8(0x26)] + self.text($0.name) + self.text($0.value) } + more
            head += self.number(properties.count) + properties
        }
        bytes.append(0x30 | qos << 1 | (retain ? 1 : 0))
        bytes += self.number(head.count + payload.readableBytes)
        bytes += head
        bytes += payload.readableBytesView
    }

    private static func text(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8)
        return [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xff)] + bytes
    }

    private static func number(_ value: Int) -> [UInt8] {
        var value = value
        var result: [UInt8] = []
        repeat {
            let digit = UInt8(value & 0x7f)
            value >>= 7
            result.append(value > 0 ? digit | 0x80 : digit)
        } while value > 0
        return result
    }
}
