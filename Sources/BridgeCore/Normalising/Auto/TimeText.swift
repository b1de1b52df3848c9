extension Timestamp {
    /// The range in which a number or text counts as a time.
    private static let plausible = Timestamp(milliseconds: 946_684_800_000)..<Timestamp(milliseconds: 4_102_444_800_000)

    /// Whether the time is from 2000 to 2099: another number is probably something else.
    var isPlausible: Bool { Self.plausible.contains(self) }

    /// Parses a time as senders write it.
    ///
    /// RFC 3339, also without seconds, with a space, a comma before the fraction, an offset without colon, ` UTC`, or without any zone, which then is
    /// UTC; RFC 9110 §5.6.7 (`Sat, 28 Nov 2026 18:00:00 GMT`); seconds, milliseconds, microseconds or nanoseconds since 1970.
    ///
    /// - Returns: `nil` for any other text.
    init?(lenient text: String) {
        guard let first = text.utf8.first, text.utf8.count <= 48 else { return nil }
        if let time = Timestamp(rfc3339: text) {
            self = time
            return
        }
        if text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) {
            guard let time = Double(text).flatMap({ JSONFields.timestamp($0) }) else { return nil }
            self = time
            return
        }
        let bytes = Self.withSeconds(Array(text.utf8))
        guard let time = (0x30...0x39).contains(first) ? Self.calendar(bytes) : Self.http(bytes) else { return nil }
        self = time
    }

    /// A date and time of ISO 8601 with its seconds, which are 0 where it ends at the minutes; any other text unchanged.
    static func withSeconds(_ bytes: [UInt8]) -> [UInt8] {
        let colon = UInt8(ascii: ":")
        guard bytes.count >= 16, bytes[4] == UInt8(ascii: "-"), bytes[13] == colon, bytes.count == 16 || bytes[16] != colon else {
            return bytes
        }
        return bytes[..<16] + Array(":00".utf8) + bytes[16...]
    }

    /// A date and time of ISO 8601 that is not of RFC 3339.
    private static func calendar(_ bytes: [UInt8]) -> Timestamp? {
        guard bytes.count >= 19 else { return nil }
        var text = String(decoding: bytes[..<19], as: UTF8.self)
        var rest = bytes[19...]
        if rest.first == UInt8(ascii: ".") || rest.first == UInt8(ascii: ",") {
            let digits = rest.dropFirst().prefix { (0x30...0x39).contains($0) }
            guard !digits.isEmpty else { return nil }
            text += "." + String(decoding: digits, as: UTF8.self)
            rest = rest[digits.endIndex...]
        }
        let zone = String(decoding: rest.filter { $0 != UInt8(ascii: ":") }, as: UTF8.self).split(separator: " ").first.map(
            String.init)
        switch zone {
        case nil, "UTC", "GMT", "Z", "z": text += "Z"
        case let zone?:
            let digits = zone.dropFirst()
            guard zone.hasPrefix("+") || zone.hasPrefix("-"), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                return nil
            }
            guard digits.count == 2 || digits.count == 4 else { return nil }
            text += "\(zone.prefix(3)):\(digits.count == 4 ? String(digits.suffix(2)) : "00")"
        }
        return Timestamp(rfc3339: text)
    }

    /// An HTTP date (RFC 9110 §5.6.7), with `+0000` for `GMT` too (RFC 5322 §3.3).
    private static func http(_ bytes: [UInt8]) -> Timestamp? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: " ")
        guard parts.count == 6, parts[0].hasSuffix(","), let month = months.firstIndex(of: String(parts[2])), parts[4].count == 8
        else {
            return nil
        }
        let day = parts[1].count == 1 ? "0\(parts[1])" : String(parts[1])
        let zone = ["GMT", "UTC", "Z"].contains(parts[5]) ? "Z" : "\(parts[5].prefix(3)):\(parts[5].suffix(2))"
        return Timestamp(rfc3339: "\(parts[3])-\(month < 9 ? "0" : "")\(month + 1)-\(day)T\(parts[4])\(zone)")
    }
}
