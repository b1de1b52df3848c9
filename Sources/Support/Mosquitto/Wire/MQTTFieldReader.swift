/// Reads the fields of one packet in order (MQTT 5 §1.5), and never beyond the packet's end.
struct MQTTFieldReader {
    /// The validity of a text (MQTT 5 §1.5.4).
    enum TextQuality {
        /// Every client accepts it.
        case plain
        /// It is UTF-8, with a control character or non-character that libmosquitto ends the connection for.
        case unusual
        /// It is not UTF-8, or contains NUL.
        case malformed
    }

    let bytes: UnsafeRawBufferPointer
    private(set) var index: Int
    private(set) var end: Int
    /// The name of the packet, for messages.
    let packet: String
    /// Whether a text that was read is ``TextQuality/unusual``.
    private(set) var hasUnusualText = false

    init(_ bytes: UnsafeRawBufferPointer, from index: Int, to end: Int, packet: String) {
        self.bytes = bytes
        self.index = index
        self.end = end
        self.packet = packet
    }

    var isAtEnd: Bool { self.index == self.end }
    var left: Int { self.end - self.index }

    /// Runs `body` with the packet's end moved forward to `count` bytes from here, and moves it back.
    mutating func within(
        _ count: Int, _ what: String, _ body: (inout MQTTFieldReader) throws(MQTTViolation) -> Void
    ) throws(MQTTViolation) {
        try self.require(count, what)
        let end = self.end
        self.end = self.index + count
        try body(&self)
        self.end = end
    }

    mutating func byte(_ what: String) throws(MQTTViolation) -> UInt8 {
        try self.require(1, what)
        defer { self.index += 1 }
        return self.bytes[self.index]
    }

    mutating func short(_ what: String) throws(MQTTViolation) -> Int {
        try self.require(2, what)
        defer { self.index += 2 }
        return Int(self.bytes[self.index]) << 8 | Int(self.bytes[self.index + 1])
    }

    mutating func long(_ what: String) throws(MQTTViolation) -> UInt32 {
        let high = UInt32(try self.short(what))
        return high << 16 | UInt32(try self.short(what))
    }

    /// A variable byte integer in its shortest form (MQTT 5 §1.5.5).
    mutating func variable(_ what: String) throws(MQTTViolation) -> Int {
        var value = 0
        for shift in stride(from: 0, to: 28, by: 7) {
            let byte = try self.byte(what)
            value |= Int(byte & 0x7f) << shift
            if byte < 0x80 {
                guard byte != 0 || shift == 0 else { throw self.violation("\(what) is longer than it need be") }
                return value
            }
        }
        throw self.violation("\(what) has more than four bytes")
    }

    mutating func skipBinary(_ what: String) throws(MQTTViolation) {
        let count = try self.short(what)
        try self.require(count, what)
        self.index += count
    }

    /// A text; its range within ``bytes``.
    @discardableResult
    mutating func text(_ what: String) throws(MQTTViolation) -> Range<Int> {
        let count = try self.short(what)
        try self.require(count, what)
        let range = self.index..<(self.index + count)
        self.index += count
        switch Self.quality(UnsafeRawBufferPointer(rebasing: self.bytes[range])) {
        case .plain: break
        case .unusual: self.hasUnusualText = true
        case .malformed: throw self.violation("\(what) is not UTF-8 without NUL")
        }
        return range
    }

    func violation(_ text: String) -> MQTTViolation { MQTTViolation("\(self.packet): \(text)") }

    private func require(_ count: Int, _ what: String) throws(MQTTViolation) {
        guard count <= self.left else { throw self.violation("\(what) reaches beyond the end of the packet") }
    }

    /// Decodes by the table of well-formed sequences (Unicode §3.9, table 3-7).
    static func quality(_ bytes: UnsafeRawBufferPointer) -> TextQuality {
        var result = TextQuality.plain
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            index += 1
            if first < 0x80 {
                if first == 0 { return .malformed }
                if first < 0x20 || first == 0x7f { result = .unusual }
                continue
            }
            let (count, low, high): (Int, UInt8, UInt8)
            switch first {
            case 0xc2...0xdf: (count, low, high) = (1, 0x80, 0xbf)
            case 0xe0: (count, low, high) = (2, 0xa0, 0xbf)
            case 0xed: (count, low, high) = (2, 0x80, 0x9f)
            case 0xe1...0xef: (count, low, high) = (2, 0x80, 0xbf)
            case 0xf0: (count, low, high) = (3, 0x90, 0xbf)
            case 0xf1...0xf3: (count, low, high) = (3, 0x80, 0xbf)
            case 0xf4: (count, low, high) = (3, 0x80, 0x8f)
            default: return .malformed
            }
            guard bytes.count - index >= count, (low...high).contains(bytes[index]) else { return .malformed }
            var scalar = UInt32(first) & (0x3f >> UInt32(count))
            for offset in 0..<count {
                let byte = bytes[index + offset]
                guard byte & 0xc0 == 0x80 else { return .malformed }
                scalar = scalar << 6 | UInt32(byte & 0x3f)
            }
            index += count
            guard let scalar = Unicode.Scalar(scalar), MQTTText.isHarmless(scalar) else {
                result = .unusual
                continue
            }
        }
        return result
    }
}
