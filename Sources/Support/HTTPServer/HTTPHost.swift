/// A valid value of `Host` or `:authority`: `uri-host [ ":" port ]` (RFC 9110 §7.2, RFC 3986 §3.2.2).
struct HTTPHost {
    /// In lower case, without brackets and the final dot.
    let name: String

    /// Parses a value; `nil` if it is malformed, which gets a 400 (RFC 9112 §3.2).
    init?(_ field: String) {
        let bytes = field.utf8
        let host: Substring.UTF8View
        var rest: Substring.UTF8View
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = bytes[bytes.index(after: bytes.startIndex)..<end]
            rest = bytes[bytes.index(after: end)...]
            guard Self.isAddress(host) else { return nil }
        } else {
            let end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            host = bytes[..<end]
            rest = bytes[end...]
            guard !host.isEmpty, Self.isName(host) else { return nil }
        }
        if let first = rest.popFirst() {
            // The port may be empty (RFC 3986 §3.2.3).
            guard first == UInt8(ascii: ":"), rest.allSatisfy({ (48...57).contains($0) }) else { return nil }
            guard rest.isEmpty || Int(Substring(rest)).map({ $0 <= 65535 }) ?? false else { return nil }
        }
        let name = Substring(host).lowercased()
        self.name = String(name.hasSuffix(".") ? name.dropLast() : name[...])
    }

    /// `IPv6address` or `IPvFuture`; a zone may follow the address, as sent by some clients (RFC 6874 §2).
    private static func isAddress(_ text: Substring.UTF8View) -> Bool {
        if let first = text.first, first | 32 == UInt8(ascii: "v") {
            let parts = text.dropFirst().split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 && !parts[0].isEmpty && parts[0].allSatisfy(Self.isHexadecimal) && !parts[1].isEmpty
                && parts[1].allSatisfy { Self.isPlain($0) || $0 == UInt8(ascii: ":") }
        }
        let parts = text.split(separator: UInt8(ascii: "%"), maxSplits: 1, omittingEmptySubsequences: false)
        guard parts[0].contains(UInt8(ascii: ":")), HTTPNetwork.bytes(of: String(Substring(parts[0]))) != nil else {
            return false
        }
        return parts.count == 1 || (!parts[1].isEmpty && parts[1].allSatisfy(Self.isPlain))
    }

    /// `reg-name`, which includes IPv4 addresses.
    private static func isName(_ text: Substring.UTF8View) -> Bool {
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            text.formIndex(after: &index)
            if Self.isPlain(byte) { continue }
            guard byte == UInt8(ascii: "%") else { return false }
            for _ in 0..<2 {
                guard index < text.endIndex, Self.isHexadecimal(text[index]) else { return false }
                text.formIndex(after: &index)
            }
        }
        return true
    }

    /// `unreserved` and `sub-delims` (RFC 3986 §2.2, §2.3).
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 48...57: true
        default: Self.marks.contains(byte)
        }
    }

    private static let marks = Array("-._~!$&'()*+,;=".utf8)

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 32)
    }
}
