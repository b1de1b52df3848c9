import CCurl

/// Makes the request that follows a redirect (RFC 9110 §15.4).
///
/// libcurl's own redirects are not used: they send the headers of the request to every host and know no method but POST.
enum CurlRedirect {
    /// The target of a redirect; `nil` for another answer, or without a Location.
    static func location(of head: CurlHead) -> String? {
        guard [301, 302, 303, 307, 308].contains(head.status), let location = head["location"], !location.isEmpty else {
            return nil
        }
        return location
    }

    /// The request for another place.
    ///
    /// Another origin (scheme, host and port) gets no credentials, and neither does a later redirect back: no user,
    /// password, client certificate, nor any header that may be one.
    ///
    /// - Parameter location: a URL, or a part of one that is relative to the request's.
    /// - Throws: ``CurlError`` with code `request` when it leads nowhere, or from `https` to `http`.
    static func request(following location: String, status: Int, from request: CurlRequest) throws(CurlError) -> CurlRequest {
        guard request.followed < request.redirects else {
            throw CurlError(
                .request,
                "the answer \(status) leads to \(Self.printable(location)), but the limit of \(request.redirects) redirects is reached"
            )
        }
        let base = try CurlURL(request.url)
        guard let target = try base.resolving(location) else {
            throw CurlError(.request, "the answer \(status) leads to \(Self.printable(location)), which is not an address")
        }
        guard target.scheme == "http" || target.scheme == "https" else {
            throw CurlError(
                .request, "the answer \(status) leads to \(Self.printable(location)), which is neither http nor https")
        }
        if base.scheme == "https", target.scheme != "https" {
            throw CurlError(
                .request, "the answer \(status) leads from https to \(CurlRequest.origin(of: target.text)), which is not followed"
            )
        }
        if let problem = CurlRequest.problem(withURL: target.text) {
            throw CurlError(.request, "the answer \(status) leads to \(Self.printable(location)), which \(problem)")
        }
        var next = request
        next.url = target.text
        next.followed += 1
        if Self.dropsBody(status, request.method) {
            next.method = request.method == "HEAD" ? "HEAD" : "GET"
            next.body = nil
            next.headers.removeAll { $0.name.lowercased().hasPrefix("content-") }
        }
        if !target.isSameOrigin(as: base) {
            next.user = nil
            next.password = nil
            next.tls.certificate = nil
            next.tls.key = nil
            next.headers.removeAll { !Self.harmless.contains($0.name.lowercased()) }
        }
        return next
    }

    /// 303 requests another resource by GET; 301 and 302 change only POST, as every user agent does.
    private static func dropsBody(_ status: Int, _ method: String) -> Bool {
        switch status {
        case 303: method != "GET" && method != "HEAD"
        case 301, 302: method == "POST"
        default: false
        }
    }

    /// The headers that are the same for everybody: what is not listed may be a key.
    private static let harmless: Set<String> = [
        "accept", "accept-charset", "accept-language", "cache-control", "content-encoding", "content-language", "content-type",
        "last-event-id", "pragma", "user-agent",
    ]

    /// A peer's text, cut to the size of a message.
    private static func printable(_ text: String) -> String {
        let start = CurlRequest.printable(text).unicodeScalars.prefix(200)
        return "'" + String(String.UnicodeScalarView(start.filter { $0.value >= 32 && $0.value != 127 })) + "'"
    }
}
