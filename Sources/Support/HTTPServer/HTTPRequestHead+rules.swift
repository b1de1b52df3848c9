import NIOHTTP1

/// What the parser leaves to its caller.
extension HTTPRequestHead {
    /// Bytes of a target, as most servers and proxies have it.
    private static let targetLimit = 8 << 10

    /// Why the request cannot be taken at all; its connection is not to be trusted afterwards.
    var refusal: HTTPResponse? {
        guard self.uri.utf8.count <= Self.targetLimit else {
            return .error(.uriTooLong, "The request target is longer than \(Self.targetLimit) bytes; send long lists in a body")
        }
        let hosts = self.headers["Host"].count
        if hosts > 1 || (hosts == 0 && self.version != .http1_0) {
            // RFC 9112 §3.2
            return .error(.badRequest, "One Host header field is required")
        }
        if let authority = self.targetAuthority, authority.isEmpty {
            // RFC 9110 §4.2.1
            return .error(.badRequest, "The request target names no host")
        }
        let codings = self.headers["Transfer-Encoding"]
        if !codings.isEmpty {
            // RFC 9112 §6.1, §6.3: both fields are the way requests are smuggled past a proxy.
            guard !self.headers.contains(name: "Content-Length"), self.version != .http1_0 else {
                return .error(.badRequest, "Transfer-Encoding is not allowed here")
            }
            guard codings.count == 1, codings[0].lowercased() == "chunked" else {
                return .error(.notImplemented, "The only Transfer-Encoding known here is chunked")
            }
        } else if self.headers.contains(name: "Content-Length"), self.contentLength == nil {
            return .error(.badRequest, "Malformed Content-Length")
        }
        if let expectation = self.headers.first(name: "Expect"), !self.expectsContinue, self.version != .http1_0 {
            return .error(.expectationFailed, "The expectation '\(expectation)' is not known here")
        }
        return nil
    }

    /// The same with values as they are meant: the space around them is not part of them (RFC 9110 §5.5).
    var withoutOuterSpace: HTTPRequestHead {
        guard self.headers.contains(where: { $0.value.hasOuterSpace }) else { return self }
        var head = self
        head.headers = HTTPHeaders(self.headers.map { ($0.name, $0.value.withoutOuterSpace) })
        return head
    }

    /// The same with the authority of an absolute target as `Host`, whatever that says (RFC 9112 §3.2.2).
    ///
    /// A request without `Host`, or with several, stays as it is, and is refused.
    var withHostOfTarget: HTTPRequestHead {
        guard let authority = self.targetAuthority, self.headers["Host"].count == 1 else { return self }
        var head = self
        head.headers.replaceOrAdd(name: "Host", value: String(authority))
        return head
    }

    /// The authority of a target in absolute form; `nil` in the other forms.
    private var targetAuthority: Substring? {
        guard self.method != .CONNECT, let rest = self.behindScheme else { return nil }
        return Substring(rest.prefix { ![UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) })
    }

    /// What comes behind the `://` of a target in absolute form; `nil` in the other forms.
    private var behindScheme: Substring.UTF8View? {
        guard let first = self.uri.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*"),
            let start = self.uri.range(ofScheme: "://")
        else { return nil }
        return self.uri.utf8[start...]
    }

    /// The announced length, `nil` when there is none or it is not one plain number.
    var contentLength: Int? {
        let values = self.headers["Content-Length"]
        guard values.count == 1, !values[0].isEmpty, values[0].utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }) else { return nil }
        return Int(values[0])
    }

    var hasBody: Bool {
        self.headers.contains(name: "Transfer-Encoding") || (self.contentLength ?? 0) > 0
    }

    /// RFC 9110 §10.1.1.
    var expectsContinue: Bool {
        self.version != .http1_0 && self.headers.first(name: "Expect")?.lowercased() == "100-continue"
    }

    /// Path and query, percent-encoded, of the origin or absolute form (RFC 9112 §3.2).
    var target: (path: String, query: String) {
        var rest = self.uri.utf8[...]
        if let behindScheme {
            rest = behindScheme
            rest = rest[(rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex)...]
        }
        rest = rest[..<(rest.firstIndex(of: UInt8(ascii: "#")) ?? rest.endIndex)]
        guard let mark = rest.firstIndex(of: UInt8(ascii: "?")) else { return (Self.path(rest), "") }
        return (Self.path(rest[..<mark]), String(Substring(rest[rest.index(after: mark)...])))
    }

    private static func path(_ text: Substring.UTF8View) -> String {
        text.isEmpty ? "/" : String(Substring(text))
    }
}

extension String {
    /// The index behind the first `://`.
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
