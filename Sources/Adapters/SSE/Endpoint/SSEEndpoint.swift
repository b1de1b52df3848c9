import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// What the requests for one stream are answered.
///
/// Immutable. On the event loop of the connection.
struct SSEEndpoint: Sendable {
    private let hub: SSEHub
    private let origins: [String]
    private let token: Secret?
    private let reconnect: Int

    init(configuration: SSESinkConfiguration, hub: SSEHub) {
        self.hub = hub
        self.origins = configuration.cors.origins
        self.token = configuration.token
        self.reconnect =
            Int(configuration.reconnect.components.seconds) * 1000
            + Int(configuration.reconnect.components.attoseconds / 1_000_000_000_000_000)
    }

    /// Opens the stream or says why not.
    func answer(_ request: HTTPRequest, framing: HTTPFraming) -> HTTPStreamAnswer {
        let now = Timestamp.now()
        if let token, !Self.brings(token, request) {
            return self.refuse(
                .unauthorized, "Missing or invalid Authorization header", request,
                [("WWW-Authenticate", "Bearer realm=\"streambridge\"")]
            )
        }
        guard Self.accepts(request.headers["Accept"]) else {
            return self.refuse(.notAcceptable, "This stream is text/event-stream", request)
        }
        guard let start = SSEStart(request, now: now) else {
            return self.refuse(.badRequest, SSEStart.complaint, request)
        }
        let resolution = self.hub.history.resolve(start, now: now)
        let head = self.head(request, resolution)
        guard request.method != .HEAD else {
            return .open(HTTPStreamOpening(head: head) { _ in preconditionFailure("HEAD opens no stream") })
        }
        guard let place = self.hub.takePlace() else {
            return self.refuse(.tooManyRequests, "Too many connections", request, [("Retry-After", "10")])
        }
        if resolution.gap != nil { self.hub.metrics.gaps.increment() }
        return .open(
            HTTPStreamOpening(head: head) { channel in
                SSESocket.prepare(channel)
                return SSESubscriber(
                    shard: self.hub.shard(on: channel.eventLoop), framing: framing, place: place, start: resolution
                )
            }
        )
    }

    /// Answers a CORS preflight (Fetch §4.8), and any other OPTIONS.
    func preflight(_ request: HTTPRequest) -> HTTPResponse {
        var headers = self.allowOrigin(request)
        headers.append(("Allow", "GET, HEAD, OPTIONS"))
        if headers.contains(where: { $0.name == "Access-Control-Allow-Origin" }) {
            headers.append(("Access-Control-Allow-Methods", "GET, HEAD"))
            headers.append(("Access-Control-Allow-Headers", "Last-Event-ID, Authorization, Cache-Control"))
            headers.append(("Access-Control-Max-Age", "86400"))
        }
        return HTTPResponse(.noContent, headers: headers)
    }

    /// Head and first bytes: a comment that forces the headers through, the waiting time, what is lost, and where the client stands, so
    /// that one that is cut off before its first event resumes without loss.
    private func head(_ request: HTTPRequest, _ resolution: SSEResolution) -> HTTPResponse {
        var headers: [(name: String, value: String)] = [
            ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store, no-transform"), ("X-Accel-Buffering", "no"),
        ]
        let position = SSECursor(epoch: self.hub.epoch, sequence: resolution.next - 1)
        headers.append(("Streambridge-Cursor", "\(position)"))
        var text = ": connected\n\nretry: \(self.reconnect)\n\n"
        if let gap = resolution.gap {
            headers.append(("Streambridge-Gap", gap.reason.rawValue))
            text += "event: gap\ndata:\(gap.json)\n\n"
        }
        text += "event: cursor\nid: \(position)\ndata:\n\n"
        return HTTPResponse(.ok, headers: headers + self.allowOrigin(request), body: ByteBuffer(string: text))
    }

    private func refuse(
        _ status: HTTPResponseStatus, _ message: String, _ request: HTTPRequest, _ headers: [(name: String, value: String)] = []
    ) -> HTTPStreamAnswer {
        .respond(.error(status, message, headers: headers + self.allowOrigin(request)))
    }

    /// The CORS header fields: an origin is named only when the file names it, and never together with credentials.
    private func allowOrigin(_ request: HTTPRequest) -> [(name: String, value: String)] {
        guard !self.origins.isEmpty else { return [] }
        let exposed = ("Access-Control-Expose-Headers", "Streambridge-Gap, Streambridge-Cursor")
        if self.origins.contains("*") { return [("Access-Control-Allow-Origin", "*"), exposed] }
        guard let origin = request.header("Origin"), self.origins.contains(origin) else { return [("Vary", "Origin")] }
        return [("Vary", "Origin"), ("Access-Control-Allow-Origin", origin), exposed]
    }

    /// Whether `Accept` lets an event stream through (RFC 9110 §12.5.1): the most specific range that matches decides.
    static func accepts(_ fields: [String]) -> Bool {
        var best: (specificity: Int, isAccepted: Bool)?
        for item in fields.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            let specificity: Int
            switch parts.first {
            case "text/event-stream": specificity = 3
            case "text/*": specificity = 2
            case "*/*": specificity = 1
            default: continue
            }
            if specificity >= best?.specificity ?? 0 {
                let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
                best = (specificity, weight > 0)
            }
        }
        return best?.isAccepted ?? fields.allSatisfy { !$0.contains { $0 != " " } }
    }

    private static func brings(_ token: Secret, _ request: HTTPRequest) -> Bool {
        guard let value = request.header("Authorization") else { return false }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return false }
        return token.matches(String(parts[1]))
    }
}
