/// Checks what a broker sends, packet by packet, before libmosquitto sees any of it.
///
/// libmosquitto 2.0 ends the process on some packets that no broker should send, such as one with an unknown property.
/// So it gets only valid MQTT: structure, lengths, properties (MQTT 5 §2.2.2.2), texts (§1.5.4) and the order of
/// packets. A valid message that the library cannot take is skipped and reported.
///
/// A state machine without I/O: the owner keeps the bytes, and asks with ``next(_:)`` what to do with those at the front.
struct MQTTPacketValidator {
    /// The treatment of the first bytes.
    enum Step: Equatable {
        /// The decision needs this many bytes.
        case wait(until: Int)
        /// This many bytes may pass.
        case pass(Int)
        /// This many bytes are replaced, because libmosquitto would end the connection on them.
        case replace(Int, with: [UInt8])
        /// The head of a message, to be forwarded as ``MQTTMessageHead`` writes it; the payload follows.
        case message(MQTTMessageHead)
        /// This many bytes must not pass; they begin a message, or belong to the last one.
        case drop(Int, MQTTOmission?)
    }

    /// The largest message that is taken, in bytes of its packet.
    static let largestMessage = 64 << 20
    /// The largest packet of any other kind, and the largest list of properties of a message.
    static let largestControl = 256 << 10

    private let version: MQTTVersion
    private let takesMessages: Bool
    private let largest: Int
    private var hasBegun = false
    /// The outstanding bytes of a message's payload.
    private var payload = 0
    /// Whether that payload belongs to a skipped message.
    private var isDropping = false
    /// The client id that the CONNACK assigns (MQTT 5 §3.2.2.3.7); `nil` for none.
    private(set) var assignedClientID: String?
    /// The Server Reference of the CONNACK or DISCONNECT, unmodified (MQTT 5 §4.11); `nil` for none.
    private(set) var serverReference: String?

    /// - Parameters:
    ///   - takesMessages: false for a client that subscribes to nothing.
    ///   - largest: see ``largestMessage``.
    init(
        version: MQTTVersion, takesMessages: Bool = true, largest: Int = MQTTPacketValidator.largestMessage
    ) {
        self.version = version
        self.takesMessages = takesMessages
        self.largest = largest
    }

    /// Validates the next bytes, beginning after those of the previous result.
    ///
    /// - Throws: ``MQTTViolation``; the connection must end then.
    mutating func next(_ bytes: UnsafeRawBufferPointer) throws(MQTTViolation) -> Step {
        if self.payload > 0 {
            let count = min(self.payload, bytes.count)
            self.payload -= count
            guard count > 0 else { return .wait(until: 1) }
            return self.isDropping ? .drop(count, nil) : .pass(count)
        }
        guard let first = bytes.first else { return .wait(until: 2) }
        let kind = try self.kind(of: first)
        guard let (length, start) = try Self.length(bytes, kind) else { return .wait(until: bytes.count + 1) }
        if kind == .publish { return try self.publish(bytes, from: start, length: length) }
        guard length <= Self.largestControl else {
            throw MQTTViolation("\(kind.name): \(length) bytes are more than the \(Self.largestControl) that are allowed")
        }
        guard bytes.count >= start + length else { return .wait(until: start + length) }
        var reader = MQTTFieldReader(bytes, from: start, to: start + length, packet: kind.name)
        let found = try self.check(kind, &reader)
        // In these packets, only properties contain text.
        guard !reader.hasUnusualText else {
            let violation = reader.violation("a text holds control characters or non-characters")
            throw MQTTViolation(violation.description, remedy: MQTTPropertyRules.remedy)
        }
        guard reader.isAtEnd else { throw reader.violation("\(reader.left) bytes are left over") }
        self.hasBegun = true
        if let range = found.serverReference { self.serverReference = String(decoding: bytes[range], as: UTF8.self) }
        guard let range = found.assignedClientID else { return .pass(start + length) }
        // The identifier and the length precede it.
        self.assignedClientID = String(decoding: bytes[(range.lowerBound + 3)..<range.upperBound], as: UTF8.self)
        return .replace(
            start + length, with: Self.connack(UnsafeRawBufferPointer(rebasing: bytes[..<(start + length)]), start, range))
    }

    // MARK: The fixed header

    private func kind(of first: UInt8) throws(MQTTViolation) -> MQTTPacketKind {
        if !self.hasBegun, let hint = Self.otherProtocol(first) { throw MQTTViolation(hint) }
        guard let kind = MQTTPacketKind(rawValue: first >> 4), kind != .disconnect || self.version == .five else {
            throw MQTTViolation("\(MQTTPacketKind.name(of: first >> 4)): no broker may send this to us")
        }
        guard kind != .publish || self.takesMessages else {
            throw MQTTViolation("PUBLISH: nothing was subscribed to; the session may belong to another program")
        }
        guard kind == .publish || first & 0x0f == 0 else {
            throw MQTTViolation("\(kind.name): the flags are \(first & 0x0f), and 0 is reserved")
        }
        guard self.hasBegun == (kind != .connack) else {
            throw MQTTViolation(self.hasBegun ? "CONNACK: there was one already" : "\(kind.name): CONNACK must come first")
        }
        return kind
    }

    /// The protocol that a first byte suggests, if it is not MQTT.
    private static func otherProtocol(_ first: UInt8) -> String? {
        switch first {
        case 0x15, 0x16: "it speaks TLS; write mqtts:// or another port"
        case UInt8(ascii: "H"): "it speaks HTTP; write the broker's port for MQTT"
        default: nil
        }
    }

    /// The remaining length (§2.1.4) and where it ends; `nil` while it is incomplete.
    private static func length(
        _ bytes: UnsafeRawBufferPointer, _ kind: MQTTPacketKind
    ) throws(MQTTViolation) -> (Int, Int)? {
        var value = 0
        for index in 1...4 {
            guard index < bytes.count else { return nil }
            value |= Int(bytes[index] & 0x7f) << (7 * (index - 1))
            if bytes[index] < 0x80 { return (value, index + 1) }
        }
        throw MQTTViolation("\(kind.name): the remaining length has more than four bytes")
    }

    // MARK: Messages

    /// Checks a message except its payload, which may be large and passes as it arrives.
    private mutating func publish(
        _ bytes: UnsafeRawBufferPointer, from start: Int, length: Int
    ) throws(MQTTViolation) -> Step {
        let end = start + length
        let qos = (bytes[0] >> 1) & 3
        guard qos < 2 else {
            throw MQTTViolation(
                qos == 3
                    ? "PUBLISH: there is no quality of service 3"
                    : "PUBLISH: quality of service 2 was not requested; the session may belong to another program, so write another client_id"
            )
        }
        guard length >= 2 else { throw MQTTViolation("PUBLISH: the topic reaches beyond the end of the packet") }
        guard bytes.count >= start + 2 else { return .wait(until: start + 2) }
        let topicEnd = start + 2 + (Int(bytes[start]) << 8 | Int(bytes[start + 1]))
        let fixedEnd = topicEnd + (qos > 0 ? 2 : 0)
        guard fixedEnd <= end else { throw MQTTViolation("PUBLISH: the topic reaches beyond the end of the packet") }
        guard bytes.count >= fixedEnd else { return .wait(until: fixedEnd) }

        var reader = MQTTFieldReader(bytes, from: start, to: end, packet: MQTTPacketKind.publish.name)
        let topic = try reader.text("the topic")
        guard !topic.isEmpty else { throw reader.violation("the topic is empty, and we allow no aliases") }
        guard !bytes[topic].contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") }) else {
            throw reader.violation("the topic holds a wildcard")
        }
        let identifier = qos > 0 ? try reader.short("the packet identifier") : nil
        guard identifier != 0 else { throw reader.violation("the packet identifier is 0") }
        func omission(_ reason: MQTTOmission.Reason) -> MQTTOmission {
            MQTTOmission(reason: reason, topic: String(decoding: bytes[topic], as: UTF8.self), identifier: identifier, size: end)
        }
        guard end <= self.largest else { return self.drop(fixedEnd, of: end, omission(.size(self.largest))) }
        var repeated: [Range<Int>] = []
        if self.version == .five {
            // The list must be there as a whole before it is judged.
            guard let (count, listStart) = try Self.propertyLength(bytes, from: fixedEnd, to: end) else {
                return .wait(until: bytes.count + 1)
            }
            guard listStart + count <= end else {
                throw reader.violation("the property list reaches beyond the end of the packet")
            }
            guard count <= Self.largestControl else { return self.drop(listStart, of: end, omission(.properties)) }
            guard bytes.count >= listStart + count else { return .wait(until: listStart + count) }
            repeated = try MQTTPropertyRules.read(&reader, of: .publish).repeated
        }
        guard !reader.hasUnusualText else { return self.drop(reader.index, of: end, omission(.text)) }
        self.payload = end - reader.index
        self.isDropping = false
        return .message(
            MQTTMessageHead(
                start: start, topicEnd: topicEnd, fixedEnd: fixedEnd, end: reader.index, payload: self.payload,
                identifier: identifier,
                repeated: repeated
            )
        )
    }

    /// The length of the properties and where its own bytes end; `nil` while it is incomplete.
    private static func propertyLength(
        _ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int
    ) throws(MQTTViolation) -> (Int, Int)? {
        var reader = MQTTFieldReader(bytes, from: start, to: min(end, bytes.count), packet: MQTTPacketKind.publish.name)
        let isWhole = bytes.count >= min(end, start + 4) || bytes[min(start, bytes.count)...].contains { $0 < 0x80 }
        guard isWhole else { return nil }
        let count = try reader.variable("the property length")
        return (count, reader.index)
    }

    private mutating func drop(_ count: Int, of end: Int, _ omission: MQTTOmission) -> Step {
        self.payload = end - count
        self.isDropping = true
        return .drop(count, omission)
    }

    // MARK: Other packets

    private func check(
        _ kind: MQTTPacketKind, _ reader: inout MQTTFieldReader
    ) throws(MQTTViolation) -> MQTTPropertyRules.Found {
        switch kind {
        case .connack: return try self.checkConnack(&reader)
        case .puback:
            try Self.checkIdentifier(&reader)
            guard self.version == .five, !reader.isAtEnd else { break }
            _ = try reader.byte("the reason code")
            if !reader.isAtEnd { return try MQTTPropertyRules.read(&reader, of: kind) }
        case .suback, .unsuback:
            try Self.checkIdentifier(&reader)
            if self.version == .five { try MQTTPropertyRules.read(&reader, of: kind) }
            if kind == .suback || self.version == .five { try self.checkCodes(kind, &reader) }
        case .disconnect:
            guard !reader.isAtEnd else { break }
            _ = try reader.byte("the reason code")
            if !reader.isAtEnd { return try MQTTPropertyRules.read(&reader, of: kind) }
        case .pingresp, .publish: break
        }
        return MQTTPropertyRules.Found()
    }

    /// MQTT 5 §3.2, MQTT 3.1.1 §3.2.
    private func checkConnack(_ reader: inout MQTTFieldReader) throws(MQTTViolation) -> MQTTPropertyRules.Found {
        let flags = try reader.byte("the flags")
        guard flags <= 1 else { throw reader.violation("the flags are \(flags)") }
        let reason = try reader.byte("the reason code")
        guard flags == 0 || reason == 0 else { throw reader.violation("a refusal resumes no session") }
        // An old broker answers a CONNECT of MQTT 5 in its own version.
        guard self.version == .five, !(reader.isAtEnd && reason == 1) else { return MQTTPropertyRules.Found() }
        return try MQTTPropertyRules.read(&reader, of: .connack)
    }

    /// A CONNACK without the assigned client id, which libmosquitto accepts only if it sent none itself.
    ///
    /// - Parameters:
    ///   - start: where the flags are.
    ///   - range: the property to remove.
    private static func connack(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ range: Range<Int>) -> [UInt8] {
        // After the flags and the reason; the length of the list ends with a byte below 128.
        let list = (bytes[(start + 2)...].firstIndex { $0 < 0x80 } ?? start + 2) + 1
        var length: [UInt8] = []
        MQTTMessageHead.append(bytes.count - list - range.count, to: &length)
        var result = [bytes[0]]
        MQTTMessageHead.append(2 + length.count + bytes.count - list - range.count, to: &result)
        result += bytes[start..<(start + 2)]
        result += length
        result += bytes[list..<range.lowerBound]
        result += bytes[range.upperBound...]
        return result
    }

    private static func checkIdentifier(_ reader: inout MQTTFieldReader) throws(MQTTViolation) {
        guard try reader.short("the packet identifier") != 0 else { throw reader.violation("the packet identifier is 0") }
    }

    /// MQTT 5 §3.9.3 and §3.11.3, MQTT 3.1.1 §3.9.3.
    private func checkCodes(_ kind: MQTTPacketKind, _ reader: inout MQTTFieldReader) throws(MQTTViolation) {
        guard !reader.isAtEnd else { throw reader.violation("there is no reason code") }
        while !reader.isAtEnd {
            let code = try reader.byte("a reason code")
            let isKnown =
                switch (kind, self.version) {
                case (.suback, .three): code <= 2 || code == 0x80
                case (.suback, .five): code <= 2 || code >= 0x80
                default: code == 0 || code == 0x11 || code >= 0x80
                }
            guard isKnown else { throw reader.violation("\(code) is not a reason code") }
        }
    }
}
