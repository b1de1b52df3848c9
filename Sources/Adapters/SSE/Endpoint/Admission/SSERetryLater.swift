import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// Refuses a request that may succeed later.
///
/// A browser treats every status but 200 as final (WHATWG HTML §9.2.3). A client whose `Accept` names
/// `text/event-stream` therefore gets a stream that ends after a control event with the reconnection delay. The event
/// has no id, so the client keeps its cursor. Other programs get a status and `Retry-After`.
enum SSERetryLater {
    static func answer(_ request: HTTPRequest, _ status: HTTPResponseStatus, _ message: String, _ streams: [SSEStream])
        -> HTTPResponse
    {
        let response = HTTPResponse.error(status, message, headers: [("Retry-After", String(Int.random(in: 5...30)))])
        return Self.answer(request, insteadOf: response, streams)
    }

    /// The answer that replaces a refusal by the server; the refusal itself if it is final, or for a program.
    static func answer(_ request: HTTPRequest, insteadOf refusal: HTTPResponse, _ streams: [SSEStream]) -> HTTPResponse {
        guard [.tooManyRequests, .serviceUnavailable].contains(refusal.status) else { return refusal }
        streams.forEach { $0.metrics.shed.increment() }
        let isBrowser = request.headers["Accept"].contains { $0.lowercased().contains("text/event-stream") }
        guard isBrowser, streams.allSatisfy({ $0.settings.limits.onFull == .retry }) else { return refusal }
        return HTTPResponse(
            .ok,
            headers: [
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store, no-transform"), ("X-Accel-Buffering", "no"),
            ],
            body: ByteBuffer(
                string: "retry: \(Int.random(in: 5000...30_000))\nevent: cursor\ndata:\(String(buffer: refusal.body))\n\n")
        )
    }
}
