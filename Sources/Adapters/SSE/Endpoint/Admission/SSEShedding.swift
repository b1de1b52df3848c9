import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// How a request is sent away that could be granted at another time.
///
/// A browser takes every status but 200 as final (WHATWG HTML §9.2.3), so one that names `text/event-stream` is answered with a stream
/// that says when to come back and ends: by a control event without an id, which leaves the client where it stands. Programs are told by status
/// and `Retry-After`.
enum SSEShedding {
    static func answer(_ request: HTTPRequest, _ status: HTTPResponseStatus, _ message: String, _ streams: [SSEStream])
        -> HTTPResponse
    {
        streams.forEach { $0.metrics.shed.increment() }
        let isBrowser = request.headers["Accept"].contains { $0.lowercased().contains("text/event-stream") }
        guard isBrowser, streams.allSatisfy({ $0.settings.limits.onFull == .retry }) else {
            return .error(status, message, headers: [("Retry-After", String(Int.random(in: 5...30)))])
        }
        return HTTPResponse(
            .ok,
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store, no-transform"), ("X-Accel-Buffering", "no"),
            ],
            body: ByteBuffer(
                string: "retry: \(Int.random(in: 5000...30_000))\nevent: cursor\ndata:{\"error\":\(message.jsonLiteral)}\n\n")
        )
    }
}
