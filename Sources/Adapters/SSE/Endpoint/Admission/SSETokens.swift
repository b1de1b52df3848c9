import BridgeCore
import HTTPServer

/// The token of a stream's own setting.
enum SSETokens {
    /// - Throws: ``SSERefusal`` when the request lacks the token of one of the streams.
    static func check(_ request: HTTPRequest, _ streams: [SSEStream]) throws(SSERefusal) {
        for stream in streams {
            guard let token = stream.settings.token else { continue }
            guard let brought = Self.bearer(request), token.matches(brought) else {
                throw SSERefusal(HTTPRefusal.unauthorized.response)
            }
        }
    }

    private static func bearer(_ request: HTTPRequest) -> String? {
        guard let value = request.header("Authorization") else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}
