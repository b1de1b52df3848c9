import Logging
import NIOCore

@testable import BridgeCore

extension Event {
    /// An event as a normaliser would make it, with a body of its own.
    static func made(
        _ id: String, source: String = "source-0", subject: String = "subject", kind: Kind = .message, message: String? = nil
    ) -> Event {
        Event(
            id: id, title: nil, message: message ?? id, priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: nil,
            json: ByteBuffer(string: "{\"id\":\"\(id)\",\"title\":\"\",\"message\":\"\(message ?? id)\"}"), source: source,
            subject: subject,
            attributes: Attributes(), raw: ByteBuffer(string: id), kind: kind
        )
    }
}

extension LogRecord {
    /// A record that goes to these sinks, once to each.
    static func made(_ id: String, source: SourceIndex = 0, to sinks: [SinkIndex], message: String? = nil) -> LogRecord {
        let entries = sinks.map { RoutePlan.Entry(sink: $0, variant: 0, route: 0, shape: -1) }
        return LogRecord(
            event: .made(id, source: "source-\(source)", message: message),
            routing: Routing(plan: RoutePlan(entries: entries), shaped: []),
            accepted: .now
        )
    }
}

/// A log with sources `source-0`… and sinks `sink-0`…, and its metrics.
struct DeliveryFixture {
    let metrics = Metrics()
    let log: DeliveryLog

    init(
        sources: [AcknowledgePolicy] = [.delivered], sinks: [DeliverySettings] = [DeliverySettings()], unrouted: SinkIndex? = nil,
        limits: LogLimits = LogLimits(), loopDetector: LoopDetector = LoopDetector(), contents: LogContents? = nil
    ) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = self.metrics
        self.log = DeliveryLog(
            sources: sources.enumerated().map { ("source-\($0.offset)", $0.element) },
            sinks: sinks.enumerated().map { ("sink-\($0.offset)", $0.element) }, unrouted: unrouted,
            names: RouteNames(
                routes: ["route", "other"].map { Route(name: $0, targets: []) }, sinks: sinks.indices.map { "sink-\($0)" }),
            limits: limits,
            metrics: DeliveryMetrics(
                sinks: sinks.indices.map { index in
                    (ComponentMetrics(component: "sink-\(index)", kind: "test", direction: "sink", metrics: metrics), logger)
                },
                metrics: metrics, logger: logger
            ),
            loopDetector: loopDetector, contents: contents
        )
    }

    @discardableResult
    func append(_ ids: [String], source: SourceIndex = 0, to sinks: [SinkIndex] = [0]) -> SourceOutlet.Receipt {
        self.log.append(ids.map { .made($0, source: source, to: sinks) }, source: source)
    }

    /// Takes what waits; empty when nothing does.
    func take(_ limit: Int = .max, sink: SinkIndex = 0) -> [Delivery] {
        if case .batch(let batch) = self.log.poll(sink: sink, atMost: limit) { batch } else { [] }
    }

    func safe(_ source: SourceIndex = 0) -> UInt64 {
        self.log.parts.marks[source].safe.rawValue
    }

    func isPaused(_ source: SourceIndex = 0) -> Bool {
        self.log.parts.marks[source].isPaused
    }

    /// The value of a line of the metrics, 0 when it is not there.
    func metric(_ line: String) -> Int {
        for text in self.metrics.render().split(separator: "\n") where text.hasPrefix(line + " ") {
            return Int(text.dropFirst(line.count + 1)) ?? 0
        }
        return 0
    }
}
