extension String {
    /// Whether a space or a tab is its first or last character.
    var hasOuterSpace: Bool {
        guard let first = self.utf8.first, let last = self.utf8.last else { return false }
        return first.isSpace || last.isSpace
    }

    /// The text without surrounding space: a field value (RFC 9110 §5.5) as allowed in HTTP/2 (RFC 9113 §8.2.1).
    var withoutOuterSpace: String {
        guard self.hasOuterSpace else { return self }
        var rest = self.utf8.drop(while: \.isSpace)
        while let last = rest.last, last.isSpace { rest.removeLast() }
        return String(Substring(rest))
    }
}

extension UInt8 {
    fileprivate var isSpace: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
}
