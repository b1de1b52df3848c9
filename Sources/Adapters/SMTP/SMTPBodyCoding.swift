/// How a text becomes the body of a mail: in lines of at most 76 ASCII characters (RFC 2045 §6.7 and §6.8).
enum SMTPBodyCoding: String, Sendable {
    /// For texts that are mostly ASCII.
    case quotedPrintable = "quoted-printable"
    /// For all others, and those with very long lines of data.
    case base64

    private static let line = 76

    /// The coding that makes a text shorter.
    static func best(for text: String) -> SMTPBodyCoding {
        var encoded = 0
        var count = 0
        for byte in text.utf8 {
            count += 1
            if !self.isLiteral(byte), byte != 0x20, byte != 0x0A, byte != 0x0D { encoded += 1 }
        }
        return encoded * 6 > count ? .base64 : .quotedPrintable
    }

    /// The text with the line ends of mails, encoded; it ends with a line end.
    func encode(_ text: String) -> [UInt8] {
        let lines = Self.lines(of: text)
        switch self {
        case .quotedPrintable:
            var result: [UInt8] = []
            for line in lines { Self.quote(line, to: &result) }
            return result
        case .base64:
            var bytes = Array(lines.joined(separator: [0x0D, 0x0A]))
            bytes += [0x0D, 0x0A]
            return Self.base64Lines(bytes)
        }
    }

    /// The lines of a text, which end with LF, CR LF or CR.
    private static func lines(of text: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(text.utf8)
        var lines: [ArraySlice<UInt8>] = []
        var start = 0
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 0x0A || bytes[index] == 0x0D else {
                index += 1
                continue
            }
            lines.append(bytes[start..<index])
            if bytes[index] == 0x0D, index + 1 < bytes.count, bytes[index + 1] == 0x0A { index += 1 }
            index += 1
            start = index
        }
        if start < bytes.count || lines.isEmpty { lines.append(bytes[start...]) }
        return lines
    }

    private static func isLiteral(_ byte: UInt8) -> Bool { byte > 32 && byte < 127 && byte != UInt8(ascii: "=") }

    private static let digits = Array("0123456789ABCDEF".utf8)

    /// One line as lines that end with a soft line break, but the last one.
    private static func quote(_ line: ArraySlice<UInt8>, to result: inout [UInt8]) {
        var column = 0
        for (index, byte) in zip(line.indices, line) {
            // White space at the end of a line would be removed on the way.
            let isLast = index == line.endIndex - 1
            let isPlain = isLiteral(byte) || (byte == 0x20 || byte == 0x09) && !isLast
            let width = isPlain ? 1 : 3
            if column + width > (isLast ? self.line : self.line - 1) {
                result += [UInt8(ascii: "="), 0x0D, 0x0A]
                column = 0
            }
            if isPlain {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "="), self.digits[Int(byte >> 4)], self.digits[Int(byte & 15)]]
            }
            column += width
        }
        result += [0x0D, 0x0A]
    }

    private static func base64Lines(_ bytes: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: self.line / 4 * 3) {
            result += self.base64(bytes[start..<min(start + self.line / 4 * 3, bytes.count)]).utf8
            result += [0x0D, 0x0A]
        }
        return result
    }

    /// Bytes in one line of base64, with padding (RFC 4648 §4).
    static func base64(_ bytes: some Collection<UInt8>) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let group = rest.prefix(3)
            rest = rest.dropFirst(3)
            var value = 0
            for byte in group { value = value << 8 | Int(byte) }
            value <<= 8 * (3 - group.count)
            for position in 0..<4 {
                let isPadding = position > group.count
                result.append(isPadding ? UInt8(ascii: "=") : alphabet[value >> (18 - 6 * position) & 63])
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
