import NIOHTTP1

/// The head of a request with the properties of its framing, host and page, found in one pass over the fields.
///
/// Immutable.
struct HTTPHead {
    /// The limit of a request target in bytes, as in most servers and proxies.
    private static let targetLimit = 8 << 10

    private let base: HTTPRequestHead
    private let fields: Fields

    /// - Parameter head: its values have no surrounding spaces.
    init(_ head: HTTPRequestHead) {
        self.base = head
        self.fields = Fields(head.headers)
    }

    var method: HTTPMethod { self.base.method }
    var version: HTTPVersion { self.base.version }
    var headers: HTTPHeaders { self.base.headers }
    /// See `HTTPRequestHead.target`.
    var target: (path: String, query: String) { self.base.target }
    /// Whether the connection is kept alive, by `Connection` and the version (RFC 9112 §9.3).
    var isKeepAlive: Bool { self.fields.hasConnection ? self.base.isKeepAlive : self.version != .http1_0 }
    /// Whether the client asks for another protocol (RFC 9110 §7.8).
    var asksForUpgrade: Bool { self.fields.hasUpgrade }
    /// Whether a browser names the page of the request.
    var namesPage: Bool { self.fields.namesPage }
    /// The first value of `Host`; empty without one.
    var host: String { self.fields.host.map { self.base.headers[$0].value } ?? "" }

    /// The announced length, `nil` when there is none or it is not one plain number.
    var contentLength: Int? {
        if case .bytes(let count) = self.fields.length { count } else { nil }
    }

    /// Whether a body follows in HTTP/1 (RFC 9112 §6.3).
    var hasBody: Bool { self.fields.codings > 0 || (self.contentLength ?? 0) > 0 }

    /// Whether the client waits for 100 Continue before it sends the body (RFC 9110 §10.1.1).
    var expectsContinue: Bool { self.version != .http1_0 && self.fields.expectsContinue }

    /// Why the request is invalid; its connection must be closed.
    var refusal: HTTPResponse? {
        guard self.base.uri.utf8.count <= Self.targetLimit else {
            return .error(.uriTooLong, "The request target is longer than \(Self.targetLimit) bytes; send long lists in a body")
        }
        guard !self.base.uri.utf8.contains(UInt8(ascii: "#")) else {
            // RFC 9112 §3.2
            return .error(.badRequest, "The request target contains a fragment; write a literal '#' as %23")
        }
        if self.fields.hosts > 1 || (self.fields.hosts == 0 && self.version != .http1_0) {
            // RFC 9112 §3.2
            return .error(.badRequest, "One Host header field is required")
        }
        if let authority = self.base.targetAuthority, authority.isEmpty {
            // RFC 9110 §4.2.1
            return .error(.badRequest, "The request target names no host")
        }
        if self.fields.codings > 0 {
            // RFC 9112 §6.1, §6.3: both fields together enable request smuggling past a proxy.
            guard self.fields.length == .absent, self.version != .http1_0 else {
                return .error(.badRequest, "Transfer-Encoding is not allowed here")
            }
            guard self.fields.codings == 1, self.fields.isChunked else {
                return .error(.notImplemented, "The only supported Transfer-Encoding is chunked")
            }
        } else if self.fields.length == .malformed {
            return .error(.badRequest, "Malformed Content-Length")
        }
        if let expectation = self.fields.expectation, !self.fields.expectsContinue, self.version != .http1_0 {
            return .error(.expectationFailed, "The expectation '\(self.headers[expectation].value)' is not supported")
        }
        return nil
    }

    /// The result of one pass over the fields.
    private struct Fields {
        enum Length: Equatable {
            case absent
            case bytes(Int)
            /// More than one, or not a plain number.
            case malformed
        }

        private(set) var hosts = 0
        /// The first `Host`.
        private(set) var host: HTTPHeaders.Index?
        private(set) var length = Length.absent
        /// The number of `Transfer-Encoding` fields.
        private(set) var codings = 0
        /// Whether the first of them is `chunked`.
        private(set) var isChunked = false
        /// The first `Expect`.
        private(set) var expectation: HTTPHeaders.Index?
        private(set) var expectsContinue = false
        private(set) var hasUpgrade = false
        private(set) var hasConnection = false
        private(set) var namesPage = false

        init(_ headers: HTTPHeaders) {
            for index in headers.indices {
                let (name, value) = headers[index]
                switch name.utf8.count {
                case 4 where name.isField("host"):
                    self.hosts += 1
                    if self.host == nil { self.host = index }
                case 6 where name.isField("expect"):
                    guard self.expectation == nil else { break }
                    self.expectation = index
                    self.expectsContinue = value.lowercased() == "100-continue"
                case 6 where name.isField("origin"), 14 where name.isField("sec-fetch-site"): self.namesPage = true
                case 7 where name.isField("upgrade"): self.hasUpgrade = true
                // NIO's parser treats both the same.
                case 10 where name.isField("connection"), 16 where name.isField("proxy-connection"): self.hasConnection = true
                case 14 where name.isField("content-length"):
                    let count = value.utf8.allSatisfy { $0 >= 48 && $0 <= 57 } ? Int(value) : nil
                    if case .absent = self.length, let count {
                        self.length = .bytes(count)
                    } else {
                        self.length = .malformed
                    }
                case 17 where name.isField("transfer-encoding"):
                    self.codings += 1
                    if self.codings == 1 { self.isChunked = value.lowercased() == "chunked" }
                default: break
                }
            }
        }
    }
}

extension String {
    /// Whether it is the name of a field, regardless of case (RFC 9110 §5.1).
    ///
    /// - Parameter name: of the same length, in lower case.
    fileprivate func isField(_ name: StaticString) -> Bool {
        var name = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount).makeIterator()
        return self.utf8.allSatisfy { byte in
            let expected = name.next()
            return byte == expected || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) && byte | 32 == expected
        }
    }
}
