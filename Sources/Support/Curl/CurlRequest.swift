package import NIOCore

/// One HTTP request, or one mail, before it is handed to ``CurlMulti``.
package struct CurlRequest: Sendable {
    /// Name and value of one header.
    package typealias Header = (name: String, value: String)

    /// Absolute, `http` or `https`; legal in RFC 3986's sense.
    ///
    /// Sent unchanged: dot segments are not folded.
    package var url: String
    /// Any token; the body decides nothing about it.
    package var method: String
    /// Sent in this order.
    ///
    /// Names and values must pass ``isHeaderName(_:)`` and ``isHeaderValue(_:)``.
    package var headers: [Header]
    /// The whole body; `nil` for a request without one.
    package var body: ByteBuffer?
    /// For Basic authentication (RFC 7617), sent without a challenge.
    package var user: String?
    /// The password for Basic authentication; empty when `nil`.
    package var password: String?
    /// The authorities that are trusted and the client's identity, for `https`.
    package var tls: CurlTLS
    /// How long resolving, connecting and the TLS handshake may take together.
    package var connectTimeout: Duration
    /// The longest time for the whole transfer; `nil` means no limit.
    package var timeout: Duration?
    /// How long the peer may send nothing while we read; `nil` means no limit.
    package var idleTimeout: Duration?
    /// The limit of redirects; see ``CurlRedirect`` for what another origin does not get.
    package var redirects: Int
    /// How many redirects have led to this request.
    var followed = 0
    /// Offers content codings (gzip, deflate, zstd) and decodes them.
    package var acceptsCodings: Bool
    /// A Unix domain socket to connect to in place of the URL's host.
    package var unixSocket: String?
    /// The proxy's URL.
    ///
    /// The environment's `http_proxy` is ignored.
    package var proxy: String?
    /// How old a connection may be that is used again; `nil` means any age.
    ///
    /// A new one resolves the host's name again.
    package var connectionAge: Duration?
    /// The envelope of a mail; `nil` for HTTP.
    ///
    /// Method, headers, redirects, codings and Unix domain sockets have no effect then.
    package var mail: CurlMail?

    /// The limit of an address, in bytes: far more than servers accept, and less than libcurl's own limits.
    package static let maximumURL = 65_536
    /// The limit of all headers of a request together, in bytes; libcurl's limit is 1 MiB with the address.
    package static let maximumHeaders = 262_144

    /// Makes a request; by default a `GET` without body, credentials or redirects.
    package init(
        _ url: String, method: String = "GET", headers: [Header] = [], body: ByteBuffer? = nil, user: String? = nil,
        password: String? = nil, tls: CurlTLS = CurlTLS(), connectTimeout: Duration = .seconds(10), timeout: Duration? = nil,
        idleTimeout: Duration? = nil, redirects: Int = 0, acceptsCodings: Bool = false, unixSocket: String? = nil,
        proxy: String? = nil, connectionAge: Duration? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.user = user
        self.password = password
        self.tls = tls
        self.connectTimeout = connectTimeout
        self.timeout = timeout
        self.idleTimeout = idleTimeout
        self.redirects = redirects
        self.acceptsCodings = acceptsCodings
        self.unixSocket = unixSocket
        self.proxy = proxy
        self.connectionAge = connectionAge
    }

    /// Whether the text is a header's name: a token of RFC 9110 §5.6.2.
    package static func isHeaderName(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"):
                    true
                default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
                }
            }
    }

    /// Whether the text can be a header's value (RFC 9110 §5.5): no control characters but the tab, no white space at either end.
    package static func isHeaderValue(_ text: String) -> Bool {
        guard text.utf8.allSatisfy({ ($0 >= 32 && $0 != 127) || $0 == 9 }) else { return false }
        return !text.hasPrefix(" ") && !text.hasPrefix("\t") && !text.hasSuffix(" ") && !text.hasSuffix("\t")
    }

    /// Why the headers cannot be sent together, as half a sentence; `nil` when they can.
    package static func problem(withHeaders headers: [Header]) -> String? {
        // Each has a colon, a space and a line end.
        let size = headers.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 }
        return size > self.maximumHeaders ? "come to \(size) bytes; \(self.maximumHeaders) are allowed" : nil
    }

    /// Why a text cannot be the address of a request, as half a sentence; `nil` when it can.
    package static func problem(withURL text: String) -> String? {
        guard text.utf8.count <= self.maximumURL else {
            return "is \(text.utf8.count) bytes long; \(self.maximumURL) are allowed"
        }
        let lower = text.lowercased()
        guard let scheme = ["http://", "https://"].first(where: { lower.hasPrefix($0) }) else {
            return "must begin with http:// or https://"
        }
        guard text.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            return "must not hold spaces, control characters or letters beyond ASCII; write them as %20 and the like"
        }
        let authority = text.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        if authority.contains("@") { return "must not hold a user or password; there are settings for them" }
        if authority.isEmpty || authority.hasPrefix(":") { return "names no host" }
        if text.contains("#") { return "must not contain '#', which is never sent to a server" }
        return nil
    }

    /// Host, without brackets, and port of an `http` or `https` URL; `nil` when they are not complete.
    package static func peer(of url: String) -> (host: String, port: Int)? {
        guard let scheme = url.firstRange(of: "://") else { return nil }
        let rest = url[scheme.upperBound...]
        // The end of the authority must be in the literal beginning of an address with expressions.
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        guard !authority.contains("@"), !authority.isEmpty else { return nil }
        let standard = url[..<scheme.lowerBound].lowercased() == "https" ? 443 : 80
        if authority.hasPrefix("[") {
            guard let end = authority.firstIndex(of: "]") else { return nil }
            let host = authority[authority.index(after: authority.startIndex)..<end]
            let port = authority[authority.index(after: end)...]
            if port.isEmpty { return (String(host), standard) }
            return Int(port.dropFirst()).map { (String(host), $0) }
        }
        let parts = authority.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 1 { return (String(authority), standard) }
        return Int(parts[1]).map { (String(parts[0]), $0) }
    }

    /// The URL without its query, which may contain secrets: for logs and messages.
    package static func printable(_ url: String) -> String {
        String(url.prefix { $0 != "?" })
    }

    /// Scheme, host and port of a URL: for logs and messages about services whose very path is a secret.
    package static func origin(of url: String) -> String {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        return String(url[..<scheme.upperBound] + url[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" })
    }
}
