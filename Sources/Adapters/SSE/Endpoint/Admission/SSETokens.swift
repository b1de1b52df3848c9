import BridgeCore
import HTTPServer

/// The token of a stream's own setting.
enum SSETokens {
    /// - Throws: ``SSERefusal`` when the request lacks the token of one of the streams.
    static func check(_ request: HTTPRequest, _ streams: [SSEStream]) throws(SSERefusal) {
        for stream in streams {
            guard let token = stream.settings.token else { continue }
            guard let brought = request.bearerToken, token.matches(brought) else {
                throw SSERefusal(HTTPRefusal.unauthorized.response)
            }
        }
    }
}
