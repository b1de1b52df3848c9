import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// `GET /api/tap`: live events at a source, a route or a sink as lines of JSON, for operators.
///
/// ``OperationsAccess`` decides who may watch, as for metrics. Thread-safe.
struct TapEndpoint: Sendable {
    static let path = "/api/tap"

    /// The names that can be watched.
    struct Names: Sendable {
        var sources: [String] = []
        var routes: [String] = []
        var sinks: [String] = []
    }

    let taps: EventTaps
    /// The names of now; `nil` while the program starts or stops.
    let names: @Sendable () -> Names?
    /// The answer to a request that may not watch; `nil` for one that may.
    let refusal: @Sendable (HTTPRequest) -> HTTPResponse?

    /// - Throws: `HTTPServerError` when the path is taken.
    func register(on router: HTTPRouter) throws {
        try router.registerStream(.GET, Self.path) { request, framing in
            if let refusal = self.refusal(request) { return .respond(refusal) }
            return self.answer(request, framing)
        }
    }

    private func answer(_ request: HTTPRequest, _ framing: HTTPFraming) -> HTTPStreamAnswer {
        guard let names = self.names() else {
            return .respond(.error(.serviceUnavailable, "The program is starting or stopping", headers: [("Retry-After", "1")]))
        }
        let point: EventTap.Point
        switch Self.point(request, names) {
        case .success(let found): point = found
        case .failure(let refusal): return .respond(.error(refusal.status, refusal.message))
        }
        // HEAD takes over no connection.
        guard request.method == .GET, let tap = self.taps.open(at: point) else {
            if request.method != .GET { return .respond(HTTPResponse(.ok, headers: [("Content-Type", TapStream.contentType)])) }
            return .respond(
                .error(
                    .tooManyRequests, "\(EventTaps.most) taps are open already; end one of them", headers: [("Retry-After", "5")])
            )
        }
        let taps = self.taps
        return .open(
            HTTPStreamOpening(
                head: HTTPResponse(
                    .ok, headers: [("Content-Type", TapStream.contentType), ("Cache-Control", "no-store")],
                    body: TapStream.status(of: EventTap.Taken()))
            ) { channel in TapStream(tap, framing: framing, on: channel.eventLoop) { taps.close(tap) } })
    }

    /// Why a request names nothing that can be watched.
    private struct Refusal: Error {
        let status: HTTPResponseStatus
        let message: String
    }

    private static func point(_ request: HTTPRequest, _ names: Names) -> Result<EventTap.Point, Refusal> {
        let given = [("source", names.sources), ("route", names.routes), ("sink", names.sinks)].compactMap { key, known in
            request.query(key).map { (key: key, name: $0, known: known) }
        }
        guard given.count < 2 else {
            return .failure(Refusal(status: .badRequest, message: "Name one source, route or sink, or none for all sources"))
        }
        guard let (key, name, known) = given.first else { return .success(.source(nil)) }
        guard known.contains(name) else {
            let hint = NearestName.hint(for: name, among: known)
            return .failure(
                Refusal(status: .notFound, message: "No \(key) is called '\(SafeText.sentence(String(name.prefix(100))))'\(hint)")
            )
        }
        switch key {
        case "route": return .success(.route(name))
        case "sink": return .success(.sink(name))
        default: return .success(.source(name))
        }
    }
}
