import NIOHTTP1

/// The first line of a request that the parser rejected (RFC 9112 §3), as far as it was received, without its line end.
struct HTTPRequestLine {
    /// How many bytes of a line are examined; see also ``shortened(_:)``.
    static let longest = 16 << 10
    private static let kept = (first: 48, last: 16)

    let bytes: [UInt8]

    /// Drops the middle of a long line; the method and the version remain.
    static func shortened(_ bytes: [UInt8]) -> [UInt8] {
        bytes.count <= Self.kept.first + Self.kept.last ? bytes : bytes.prefix(Self.kept.first) + bytes.suffix(Self.kept.last)
    }

    /// The method, if it is complete and well formed.
    var method: HTTPMethod? {
        guard let end = self.bytes.firstIndex(of: UInt8(ascii: " ")) else { return nil }
        let method = HTTPMethod(rawValue: String(decoding: self.bytes[..<end], as: UTF8.self))
        return method.isToken ? method : nil
    }

    /// Whether the method is unknown but not malformed: the parser stopped at a byte that is valid in a method or ends it.
    var hasUnknownMethod: Bool {
        let end = HTTPMethod.parsed.reduce(0) { longest, name in
            max(longest, zip(self.bytes, name).prefix { $0 == $1 }.count)
        }
        guard end < self.bytes.count else { return false }
        return self.bytes[end] == UInt8(ascii: " ") || HTTPMethod.isTokenByte(self.bytes[end])
    }

    /// Whether the version is supported; the end of the line is then the mistake.
    var hasSpokenVersion: Bool {
        let mark = Array(" HTTP/".utf8)
        guard let start = self.bytes.indices.first(where: { self.bytes[$0...].starts(with: mark) }) else { return false }
        return ["1.0", "1.1"].contains { self.bytes[(start + mark.count)...].elementsEqual($0.utf8) }
    }
}

extension HTTPMethod {
    /// Whether NIO's parser accepts it or a stream answers it (RFC 9110 §9.3, QUERY), regardless of the resource.
    var isKnown: Bool {
        if self.rawValue == "QUERY" { return true }
        return if case .RAW = HTTPMethod(rawValue: self.rawValue) { false } else { true }
    }

    /// Whether it is well formed (RFC 9110 §9.1, §5.6.2).
    var isToken: Bool { !self.rawValue.isEmpty && self.rawValue.utf8.allSatisfy(Self.isTokenByte) }

    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 48...57: true
        default: Self.tokenMarks.contains(byte)
        }
    }

    private static let tokenMarks = Array("!#$%&'*+-.^_`|~".utf8)

    /// The methods that the parser reads, including those of other protocols.
    fileprivate static let parsed: [[UInt8]] = """
        GET PUT ACL HEAD POST COPY LOCK MOVE BIND LINK PATCH TRACE MKCOL MERGE PURGE NOTIFY SEARCH UNLOCK REBIND UNBIND REPORT DELETE \
        UNLINK CONNECT M-SEARCH OPTIONS PROPFIND CHECKOUT PROPPATCH SUBSCRIBE MKCALENDAR MKACTIVITY UNSUBSCRIBE SOURCE PRI QUERY \
        DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH
        """.utf8.split(separator: UInt8(ascii: " ")).map(Array.init)
}

extension HTTPResponse {
    /// The answer to a method that no resource supports (RFC 9110 §9.1).
    ///
    /// - Parameter method: `nil` if it is incomplete or malformed.
    static func unknownMethod(_ method: HTTPMethod?) -> HTTPResponse {
        .error(
            .notImplemented,
            method.map { "The method '\($0.rawValue.prefix(40))' is not supported" } ?? "The method is not supported")
    }
}
