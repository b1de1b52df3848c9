import BridgeConfiguration
import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1
import Synchronization

/// `/livez`, `/readyz`, `/metrics`, `/api/tap` and `/-/reload`: the program as its operator sees it.
///
/// Thread-safe. ``OperationsAccess`` decides who may reload, and who may read metrics, the details of readiness and events;
/// everybody may read whether the program is alive and ready.
final class OperationsPages: Sendable {
    private struct State {
        /// `nil` until the log on disk is open.
        var bridge: Bridge?
        /// Why the program has not started yet.
        var problem: String?
        /// Set once the program is ending: it is then alive, but not ready.
        var isStopping = false
        /// Components (`source NAME`, `sink NAME`) that may be down without the program being not ready.
        var optional: Set<String>
        var http: HTTPSettings
        /// Answers requests for a reload; `nil` until the program runs.
        var reload: (@Sendable (HTTPResponder) -> Void)?
    }

    private let state: Mutex<State>
    private let metrics: Metrics
    /// Where operators watch events.
    let taps = EventTaps()

    init(metrics: Metrics, plan: BridgePlan) {
        self.metrics = metrics
        self.state = Mutex(State(optional: Self.optional(plan), http: plan.http))
    }

    /// Follows another file.
    func follow(_ plan: BridgePlan) {
        self.state.withLock { state in
            state.optional = Self.optional(plan)
            state.http = plan.http
        }
    }

    private static func optional(_ plan: BridgePlan) -> Set<String> {
        Set(plan.sources.filter { !$0.isRequired }.map { "source \($0.name)" })
            .union(plan.sinks.filter { !$0.isRequired }.map { "sink \($0.name)" })
    }

    /// The program waits for something before it can start.
    func wait(for problem: String) {
        self.state.withLock { $0.problem = problem }
    }

    /// The program runs.
    ///
    /// - Parameter reload: answers a request for a reload.
    func run(_ bridge: Bridge, reload: @escaping @Sendable (HTTPResponder) -> Void) {
        self.state.withLock { state in
            state.bridge = bridge
            state.problem = nil
            state.reload = reload
        }
    }

    /// The program ends: nobody watches from now on.
    func stop() {
        self.state.withLock { $0.isStopping = true }
        self.taps.end()
    }

    /// What operators can watch; `nil` while the program starts or stops.
    private var names: TapEndpoint.Names? {
        self.state.withLock { $0.isStopping ? nil : $0.bridge }.map { bridge in
            TapEndpoint.Names(
                sources: bridge.sources.map(\.name), routes: bridge.routeNames, sinks: bridge.sinks.map(\.name))
        }
    }

    /// The body of `/livez`.
    static let alive = "{\"status\":\"alive\"}"

    /// - Parameter isAdmin: whether the router is that of `http.admin.listen`.
    /// - Throws: `HTTPServerError` when a path is taken.
    func register(on router: HTTPRouter, isAdmin: Bool = false) throws {
        let refusal = { @Sendable (request: HTTPRequest) -> HTTPResponse? in
            let http = self.state.withLock { $0.http }
            guard isAdmin else { return OperationsAccess(main: http).refusal(of: request) }
            return http.admin.map { OperationsAccess(admin: $0).refusal(of: request) } ?? .error(.notFound, "Not found")
        }
        try TapEndpoint(taps: self.taps, names: { self.names }, refusal: refusal).register(on: router)
        try router.register(.GET, "/livez", isVital: true) { _, responder in
            responder.respond(.json(.ok, Self.alive))
        }
        try router.register(.GET, "/readyz", isVital: true) { request, responder in
            responder.respond(self.readiness(withDetails: refusal(request) == nil))
        }
        try router.register(.GET, "/metrics", isVital: true) { request, responder in
            if let refusal = refusal(request) { return responder.respond(refusal) }
            responder.respond(
                HTTPResponse(
                    .ok, headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
                    body: ByteBuffer(string: self.figures())
                )
            )
        }
        // A body has no meaning; some clients send an empty object.
        try router.register(.POST, "/-/reload", bodyLimit: 1024, admit: refusal, isVital: true, writes: true) { _, responder in
            guard let reload = self.state.withLock({ $0.isStopping ? nil : $0.reload }) else {
                return responder.respond(
                    .error(.serviceUnavailable, "The program is starting or stopping", headers: [("Retry-After", "5")]))
            }
            reload(responder)
        }
    }

    /// 200 while every required component is connected, the log on disk is writable and the program is not stopping,
    /// else 503.
    ///
    /// - Parameter withDetails: whether the body names each component.
    private func readiness(withDetails: Bool) -> HTTPResponse {
        let state = self.state.withLock { $0 }
        var isReady = !state.isStopping && state.bridge != nil
        var body = ByteBuffer()
        body.writeString("{\"components\":{")
        if let bridge = state.bridge { isReady = self.writeComponents(of: bridge, state.optional, to: &body) && isReady }
        body.writeString("}")
        if let health = state.bridge?.logHealth {
            let (writeError, readError) = (health.writeError, health.readError)
            isReady = isReady && writeError == nil && readError == nil
            Self.writeLog(isWritable: writeError == nil, isReadable: readError == nil, writeError ?? readError, to: &body)
        } else if let problem = state.problem {
            Self.writeLog(isWritable: false, isReadable: false, problem, to: &body)
        }
        let status = ",\"status\":\"\(isReady ? "ready" : "not ready")\"}"
        body.writeString(status)
        return .json(isReady ? .ok : .serviceUnavailable, withDetails ? String(buffer: body) : "{" + status.dropFirst())
    }

    /// - Returns: whether every required one is connected.
    private func writeComponents(of bridge: Bridge, _ optional: Set<String>, to body: inout ByteBuffer) -> Bool {
        var isReady = true
        let components = bridge.sources.map { ("source", $0.name, $0.status) } + bridge.sinks.map { ("sink", $0.name, $0.status) }
        for (index, (direction, name, status)) in components.enumerated() {
            if index > 0 { body.writeString(",") }
            let label = "\(direction) \(name)"
            JSONWriter.write(label, to: &body)
            let isConnected = status.isConnected
            isReady = isReady && (isConnected || optional.contains(label))
            body.writeString(":{\"connected\":\(isConnected)")
            if let error = status.lastError {
                body.writeString(",\"error\":")
                JSONWriter.write(error, to: &body)
            }
            if let warning = status.warning {
                body.writeString(",\"warning\":")
                JSONWriter.write(warning, to: &body)
            }
            body.writeString("}")
        }
        return isReady
    }

    private static func writeLog(isWritable: Bool, isReadable: Bool, _ error: String?, to body: inout ByteBuffer) {
        body.writeString(",\"log\":{\"writable\":\(isWritable),\"readable\":\(isReadable)")
        if let error {
            body.writeString(",\"error\":")
            JSONWriter.write(error, to: &body)
        }
        body.writeString("}")
    }

    private func figures() -> String {
        if let bridge = self.state.withLock({ $0.bridge }) {
            for sink in bridge.sinks { sink.observeQueue() }
        }
        return self.metrics.render()
    }
}
