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
        let response = HTTPResponse.error(status, message, headers: [("Retry-After", String(Int.random(in: 5...30)))])
        return Self.answer(request, insteadOf: response, streams)
    }

    /// What is answered instead of a refusal that the server has made; the refusal itself where it is final, or for a program.
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
