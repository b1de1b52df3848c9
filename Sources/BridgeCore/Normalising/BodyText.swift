package import NIOCore

/// The characters of a body: UTF-8 without a byte order mark, whatever the sender used (WHATWG Encoding §4).
package enum BodyText {
    /// The body as UTF-8.
    ///
    /// UTF-16 is recognised by its byte order mark or its name, Latin-1 by its name (as browsers do, it stands for Windows-1252). A
    /// body of another charset stays as it is.
    ///
    /// - Parameters:
    ///   - body: any bytes.
    ///   - contentType: the media type with its parameters, such as `text/plain; charset=iso-8859-1`.
    package static func utf8(_ body: ByteBuffer, contentType: String?) -> ByteBuffer {
        let bytes = body.readableBytesView
        guard let first = bytes.first else { return body }
        if first == 0xEF, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
            return body.getSlice(at: body.readerIndex + 3, length: bytes.count - 3) ?? body
        }
        if first == 0xFF, bytes.starts(with: [0xFF, 0xFE]) { return self.utf16(bytes.dropFirst(2), isBig: false) }
        if first == 0xFE, bytes.starts(with: [0xFE, 0xFF]) { return self.utf16(bytes.dropFirst(2), isBig: true) }
        guard let contentType, contentType.utf8.count > 10, let charset = self.charset(of: contentType) else { return body }
        switch charset {
        case _ where self.latin.contains(charset):
            return bytes.allSatisfy { $0 < 0x80 } ? body : self.windows1252(bytes)
        case "utf-16", "utf-16le", "utf16": return self.utf16(bytes[...], isBig: false)
        case "utf-16be": return self.utf16(bytes[...], isBig: true)
        default: return body
        }
    }

    /// Names of Latin-1 and of what passes for it.
    private static let latin: Set<String> = [
        "iso-8859-1", "latin1", "windows-1252", "cp1252", "l1", "iso8859-1", "iso-8859-15", "latin-1",
    ]

    /// Whether bodies in a charset are read.
    ///
    /// - Parameter charset: in lower case.
    static func knows(charset: String) -> Bool {
        self.latin.contains(charset)
            || ["utf-8", "utf8", "us-ascii", "utf-16", "utf-16le", "utf16", "utf-16be"].contains(charset)
    }

    /// The value of the parameter `charset` in lower case (RFC 9110 §8.3.2).
    private static func charset(of contentType: String) -> String? {
        guard contentType.hasByte(UInt8(ascii: ";")) else { return nil }
        for parameter in contentType.lowercased().split(separator: ";").dropFirst() {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].trimmed == "charset" else { continue }
            return String(parts[1].trimmed.filter { $0 != "\"" })
        }
        return nil
    }

    private static func utf16(_ bytes: ByteBufferView.SubSequence, isBig: Bool) -> ByteBuffer {
        var units: [UInt16] = []
        units.reserveCapacity(bytes.count / 2)
        var rest = bytes
        while let first = rest.popFirst(), let second = rest.popFirst() {
            units.append(isBig ? UInt16(first) << 8 | UInt16(second) : UInt16(second) << 8 | UInt16(first))
        }
        return ByteBuffer(string: String(decoding: units, as: UTF16.self))
    }

    /// The characters of 0x80 to 0x9F in Windows-1252 (WHATWG Encoding, index windows-1252).
    private static let upper: [UInt16] = [
        0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
        0x90,
        0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
    ]

    private static func windows1252(_ bytes: ByteBufferView) -> ByteBuffer {
        let units = bytes.map { (0x80...0x9F).contains($0) ? self.upper[Int($0) - 0x80] : UInt16($0) }
        return ByteBuffer(string: String(decoding: units, as: UTF16.self))
    }
}
