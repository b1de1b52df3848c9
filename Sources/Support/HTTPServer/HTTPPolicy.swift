import NIOHTTP1

/// The rules for hosts, for pages that may write, and for trusted proxies.
///
/// Immutable.
package struct HTTPPolicy: Sendable {
    /// The accepted values of `Host` and `:authority`, against DNS rebinding.
    package enum Hosts: Sendable, Equatable {
        case any
        /// Names of the machine itself (`localhost`, `*.localhost`) and loopback addresses, and these names and
        /// addresses, in lower case; `*.` before a name includes everything below it.
        case loopback(and: [String])
        /// These, every address, and the names of the machine itself.
        case listed([String])
    }

    /// The hosts that requests may be for.
    package var hosts: Hosts
    /// Origins, in addition to the server's own, whose pages may write, in lower case; `*` means all.
    package var publishOrigins: [String]
    /// Peers whose `Forwarded` and `X-Forwarded-For` are believed.
    package var trustedProxies: [HTTPNetwork]

    /// Makes a policy that serves every host by default.
    package init(hosts: Hosts = .any, publishOrigins: [String] = [], trustedProxies: [HTTPNetwork] = []) {
        self.hosts = hosts
        self.publishOrigins = publishOrigins
        self.trustedProxies = trustedProxies
    }

    // MARK: - Hosts

    /// The refusal of a request for a host that is not accepted.
    ///
    /// - Parameter field: the value of `Host`; empty if it is absent.
    func refusal(ofHost field: String) -> HTTPResponse? {
        guard !field.isEmpty else { return nil }
        guard let host = HTTPHost(field)?.name else {
            return .error(.badRequest, "Malformed Host '\(field)'; expected a name or an address, and a port up to 65535")
        }
        let isServed =
            switch self.hosts {
            case .any: true
            case .loopback(let others): Self.isOwn(host) || Self.matches(host, others)
            case .listed(let others): Self.isOwn(host) || HTTPNetwork.bytes(of: host) != nil || Self.matches(host, others)
            }
        guard !isServed else { return nil }
        return .error(.misdirectedRequest, "Host '\(host)' is not served here; add it to http.allowed_hosts")
    }

    private static func isOwn(_ host: String) -> Bool {
        host == "localhost" || host.hasSuffix(".localhost") || HTTPNetwork.bytes(of: host).map(HTTPNetwork.isLoopback) ?? false
    }

    private static func matches(_ host: String, _ patterns: [String]) -> Bool {
        patterns.contains { $0 == "*" || $0 == host || ($0.hasPrefix("*.") && host.hasSuffix($0.dropFirst())) }
    }

    // MARK: - Pages

    /// The page's origin, if the configuration lets it write, for `Access-Control-Allow-Origin`.
    func publishingOrigin(_ headers: HTTPHeaders) -> String? {
        guard let origin = headers.first(name: "Origin"), headers["Origin"].count == 1 else { return nil }
        return self.publishOrigins.contains("*") || self.publishOrigins.contains(origin.lowercased()) ? origin : nil
    }

    /// The refusal of a page that may not write: browsers name the origin of such requests (Fetch §3.2, Fetch Metadata
    /// §2.1).
    ///
    /// A bearer token shows permission: browsers do not add one automatically, unlike cookies and passwords.
    func refusal(ofWrite headers: HTTPHeaders) -> HTTPResponse? {
        if headers.first(name: "Authorization")?.lowercased().hasPrefix("bearer ") ?? false { return nil }
        let origin = headers.first(name: "Origin")
        switch headers.first(name: "Sec-Fetch-Site")?.lowercased() {
        case "same-origin", "none": return nil
        case nil:
            guard let origin else { return nil }
            if let host = headers.first(name: "Host"), Self.isSame(origin.lowercased(), host.lowercased()) { return nil }
        default: break
        }
        guard self.publishingOrigin(headers) == nil else { return nil }
        return .error(
            .forbidden, "Pages of '\(origin ?? "another origin")' may not write here; add the origin to http.publish_origins")
    }

    /// Whether an origin belongs to a host, where the scheme is unknown.
    private static func isSame(_ origin: String, _ host: String) -> Bool {
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where origin.hasPrefix(scheme) {
            let authority = origin.dropFirst(scheme.count)
            return authority == host || authority + port == host
        }
        return false
    }
}
