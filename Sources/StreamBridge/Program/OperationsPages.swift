import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1
import Synchronization

/// `/livez`, `/readyz` and `/metrics`: the program as its operator sees it.
final class OperationsPages: Sendable {
    /// Set once the program is ending: it is then alive, but not ready.
    let isStopping = Atomic<Bool>(false)
    private let bridge: Bridge
    private let metrics: Metrics
    /// Components (`source NAME`, `sink NAME`) that may be down without the program being not ready.
    private let optional: Set<String>

    init(bridge: Bridge, metrics: Metrics, optional: Set<String>) {
        self.bridge = bridge
        self.metrics = metrics
        self.optional = optional
    }

    /// - Throws: `HTTPServerError` when a path is taken.
    func register(on router: HTTPRouter) throws {
        try router.register(.GET, "/livez") { _, responder in
            responder.respond(.json(.ok, "{\"status\":\"alive\"}"))
        }
        try router.register(.GET, "/readyz") { _, responder in responder.respond(self.readiness()) }
        try router.register(.GET, "/metrics") { _, responder in
            responder.respond(
                HTTPResponse(
                    .ok, headers: [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
                    body: ByteBuffer(string: self.figures())
                )
            )
        }
    }

    /// 200 while every required component is connected, the log on disk takes what it is given and the program is not ending, else 503; the body names each component.
    private func readiness() -> HTTPResponse {
        var isReady = !self.isStopping.load(ordering: .relaxed)
        var body = ByteBuffer()
        body.writeString("{\"components\":{")
        let components =
            self.bridge.sources.map { ("source", $0.name, $0.status) } + self.bridge.sinks.map { ("sink", $0.name, $0.status) }
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
            body.writeString("}")
        }
        body.writeString("}")
        if let health = self.bridge.logHealth {
            let (writeError, readError) = (health.writeError, health.readError)
            body.writeString(",\"log\":{\"writable\":\(writeError == nil),\"readable\":\(readError == nil)")
            if let error = writeError ?? readError {
                isReady = false
                body.writeString(",\"error\":")
                JSONWriter.write(error, to: &body)
            }
            body.writeString("}")
        }
        body.writeString(",\"status\":\"\(isReady ? "ready" : "not ready")\"}")
        return .json(isReady ? .ok : .serviceUnavailable, String(buffer: body))
    }

    private func figures() -> String {
        for sink in self.bridge.sinks { sink.observeQueue() }
        return self.metrics.render()
    }
}
