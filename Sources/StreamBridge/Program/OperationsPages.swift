import BridgeConfiguration
import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1
import Synchronization

/// `/livez`, `/readyz`, `/metrics` and `/api/tap`: the program as its operator sees it.
///
/// Thread-safe. ``OperationsAccess`` decides who may read metrics, the details of readiness and events; everybody may read
/// whether the program is alive and ready.
final class OperationsPages: Sendable {
    private struct State {
        /// `nil` until the log on disk is open.
        var bridge: Bridge?
        /// Why the program has not started yet.
        var problem: String?
        /// Set once the program is ending: it is then alive, but not ready.
        var isStopping = false
    }

    private let state = Mutex(State())
    private let metrics: Metrics
    /// Components (`source NAME`, `sink NAME`) that may be down without the program being not ready.
    private let optional: Set<String>
    /// Where operators watch events.
    let taps = EventTaps()

    init(metrics: Metrics, optional: Set<String>) {
        self.metrics = metrics
        self.optional = optional
    }

    /// The program waits for something before it can start.
    func wait(for problem: String) {
        self.state.withLock { $0.problem = problem }
    }

    /// The program runs.
    func run(_ bridge: Bridge) {
        self.state.withLock { state in
            state.bridge = bridge
            state.problem = nil
        }
    }

    /// The program ends.
    func stop() {
        self.state.withLock { $0.isStopping = true }
    }

    /// What operators can watch; `nil` while the program starts.
    private var names: TapEndpoint.Names? {
        self.state.withLock { $0.bridge }.map { bridge in
            TapEndpoint.Names(
                sources: bridge.sources.map(\.name), routes: bridge.routeNames, sinks: bridge.sinks.map(\.name))
        }
    }

    /// - Throws: `HTTPServerError` when a path is taken.
    func register(on router: HTTPRouter, _ access: OperationsAccess) throws {
        try TapEndpoint(taps: self.taps, names: { self.names }).register(on: router, access)
        try router.register(.GET, "/livez", isVital: true) { _, responder in
            responder.respond(.json(.ok, "{\"status\":\"alive\"}"))
        }
        try router.register(.GET, "/readyz", isVital: true) { request, responder in
            responder.respond(self.readiness(withDetails: access.refusal(of: request) == nil))
        }
        try router.register(.GET, "/metrics", isVital: true) { request, responder in
            if let refusal = access.refusal(of: request) { return responder.respond(refusal) }
            responder.respond(
                HTTPResponse(
                    .ok, headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
                    body: ByteBuffer(string: self.figures())
                )
            )
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
        if let bridge = state.bridge { isReady = self.writeComponents(of: bridge, to: &body) && isReady }
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
    private func writeComponents(of bridge: Bridge, to body: inout ByteBuffer) -> Bool {
        var isReady = true
        let components = bridge.sources.map { ("source", $0.name, $0.status) } + bridge.sinks.map { ("sink", $0.name, $0.status) }
        for (index, (direction, name, status)) in components.enumerated() {
            if index > 0 { body.writeString(",") }
            let label = "\(direction) \(name)"
            JSONWriter.write(label, to: &body)
            let isConnected = status.isConnected
            isReady = isReady && (isConnected || self.optional.contains(label))
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
