import HTTPServer
import NIOHTTP1

/// Which pages of other origins may read streams (Fetch §3.2).
///
/// An origin is allowed only by the configuration, and never together with credentials.
struct SSEOrigins: Sendable {
    private static let exposed = ("Access-Control-Expose-Headers", "Streambridge-Gap, Streambridge-Cursor")
    /// `*` permits all origins.
    private let origins: [String]

    /// The origins that all of these streams allow.
    init(_ streams: [SSEStream]) {
        let lists = streams.map(\.settings.cors.origins)
        self.origins = lists.dropFirst().reduce(lists.first ?? []) { common, list in
            if list.contains("*") { return common }
            return common.contains("*") ? list : common.filter(list.contains)
        }
    }

    /// The header fields of an answer.
    func headers(_ request: HTTPRequest) -> [(name: String, value: String)] {
        guard !self.origins.isEmpty else { return [] }
        if self.origins.contains("*") { return [("Access-Control-Allow-Origin", "*"), Self.exposed] }
        guard let origin = request.header("Origin"), self.origins.contains(origin) else { return [] }
        return [("Access-Control-Allow-Origin", origin), Self.exposed]
    }

    /// Answers a preflight (Fetch §4.8), and any other OPTIONS.
    func preflight(_ request: HTTPRequest) -> HTTPResponse {
        var headers = self.headers(request)
        if !headers.isEmpty {
            headers += [
                ("Access-Control-Allow-Methods", "GET, HEAD, POST, QUERY"),
                ("Access-Control-Allow-Headers", "Last-Event-ID, Authorization, Cache-Control, Content-Type"),
                ("Access-Control-Max-Age", "86400"),
            ]
        }
        return HTTPResponse(.noContent, headers: headers + [("Allow", "GET, HEAD, OPTIONS, POST, QUERY"), ("Vary", "Origin")])
    }
}
