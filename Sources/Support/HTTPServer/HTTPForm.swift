/// `application/x-www-form-urlencoded` (WHATWG URL §5.1), in queries and bodies.
package enum HTTPForm {
    /// Names and values in their order; `nil` when something is not valid percent-encoded UTF-8.
    package static func pairs(of text: String) -> [(name: String, value: String)]? {
        var pairs: [(name: String, value: String)] = []
        for item in text.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = PercentEncoding.decode(parts[0], plusIsSpace: true),
                let value = parts.count == 2 ? PercentEncoding.decode(parts[1], plusIsSpace: true) : ""
            else { return nil }
            pairs.append((name, value))
        }
        return pairs
    }
}
