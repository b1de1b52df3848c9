import NIOHTTP1

/// Rules that the parser does not enforce; see also ``HTTPHead``.
extension HTTPRequestHead {
    /// The same with trimmed values: surrounding space is not part of them (RFC 9110 §5.5).
    var withoutOuterSpace: HTTPRequestHead {
        guard self.headers.contains(where: { $0.value.hasOuterSpace }) else { return self }
        var head = self
        head.headers = HTTPHeaders(self.headers.map { ($0.name, $0.value.withoutOuterSpace) })
        return head
    }

    /// The same with the authority of an absolute target as `Host`, regardless of that field (RFC 9112 §3.2.2).
    ///
    /// A request without `Host`, or with several, is unchanged, and is refused.
    var withHostOfTarget: HTTPRequestHead {
        guard let authority = self.targetAuthority, self.headers["Host"].count == 1 else { return self }
        var head = self
        head.headers.replaceOrAdd(name: "Host", value: String(authority))
        return head
    }

    /// The authority of a target in absolute form; `nil` in the other forms.
    var targetAuthority: Substring? {
        guard self.method != .CONNECT, let rest = self.behindScheme else { return nil }
        return Substring(rest.prefix { ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) })
    }

    /// The part after the `://` of a target in absolute form; `nil` in the other forms.
    private var behindScheme: Substring.UTF8View? {
        guard let first = self.uri.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*"),
            let start = self.uri.range(ofScheme: "://")
        else { return nil }
        return self.uri.utf8[start...]
    }

    /// Path and query, percent-encoded, of the origin or absolute form (RFC 9112 §3.2).
    var target: (path: String, query: String) {
        var rest = self.uri.utf8[...]
        if let behindScheme {
            rest = behindScheme
            rest = rest[(rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex)...]
        }
        guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else { return (Self.path(rest), "") }
        return (Self.path(rest[..<mark]), String(Substring(rest[rest.index(after: mark)...])))
    }

    private static func path(_ text: Substring.UTF8View) -> String {
        text.isEmpty ? "/" : String(Substring(text))
    }
}

extension String {
    /// The index after the first `://`.
    fileprivate func range(ofScheme mark: String) -> String.Index? {
        var index = self.startIndex
        while index < self.endIndex {
            let rest = self[index...]
            if rest.hasPrefix(mark) { return self.index(index, offsetBy: mark.count) }
            self.formIndex(after: &index)
        }
        return nil
    }
}
