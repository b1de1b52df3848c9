/// `application/x-www-form-urlencoded` (WHATWG URL §5.1), in queries and bodies.
package enum HTTPForm {
    /// Names and values in order; a value is `nil` when it is not valid percent-encoded UTF-8, and an invalid name is
    /// skipped.
    package static func pairs(of text: String) -> [(name: String, value: String?)] {
        text.utf8.split(separator: UInt8(ascii: "&")).compactMap { item in
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true) else { return nil }
            return (name, parts.count == 2 ? PercentEncoding.decode(parts[1], plusIsSpace: true) : "")
        }
    }
}
