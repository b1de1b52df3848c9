import BridgeConfiguration
import BridgeCore
import Logging
import NIOCore
import SQLiteLog

#if canImport(Glibc)
import Glibc
#endif

/// The bridge as the file describes it, and its name.
extension Gateway {
    func makeBridge(
        _ log: StartedLog, group: any EventLoopGroup, shared: SharedServices, metrics: Metrics, taps: EventTaps, logger: Logger
    ) throws -> Bridge {
        let name = log.bridge
        let durable = log.durable
        self.warnOfAbandonedLog(self.logger("log"))
        let cursors: any CursorStore = durable?.cursors ?? log.files
        let control = self.makeControl()
        shared.add(control)
        func context(_ component: String, _ metrics: ComponentMetrics, _ redaction: Redaction) -> ComponentContext {
            ComponentContext(
                name: component, logger: self.logger(component), eventLoopGroup: group, bridge: name, cursors: cursors,
                metrics: metrics, shared: shared, isDurable: durable != nil, redaction: redaction
            )
        }
        let sinks = try self.plan.sinks.map { sink in
            let figures = ComponentMetrics(
                component: sink.name, kind: sink.registration.kind, direction: "sink", metrics: metrics)
            let redaction = Redaction(sink.variants.map(\.secrets), references: self.plan.references)
            return SinkParts(
                name: sink.name, sink: try sink.registration.make(sink.variants, context(sink.name, figures, redaction)),
                delivery: sink.delivery, metrics: figures, logger: self.logger(sink.name), redaction: redaction
            )
        }
        let sources = try self.plan.sources.map { source in
            let figures = ComponentMetrics(
                component: source.name, kind: source.registration.kind, direction: "source", metrics: metrics)
            let redaction = Redaction([source.settings.secrets], references: self.plan.references)
            return SourceParts(
                name: source.name,
                source: try source.registration.make(source.settings, context(source.name, figures, redaction)),
                acknowledge: source.acknowledge,
                intake: IntakeSettings(
                    normalise: source.normalise, bridge: name, maximumHops: self.plan.service.maximumHops,
                    emitsGaps: source.emitsGaps
                ),
                retry: source.retry, metrics: figures, logger: self.logger(source.name),
                redaction: redaction
            )
        }
        var limits = LogLimits(bytes: .max)
        if case .memory(let bounds) = self.plan.log { limits = bounds }
        let bridge = Bridge(
            sources: sources, sinks: sinks, table: RouteTable(routes: self.plan.routes, limits: self.plan.limits),
            unrouted: self.plan.unroutedSink, limits: limits, switches: control.switches, durable: durable, taps: taps,
            probe: Self.portProbe(group), metrics: metrics, logger: logger
        )
        control.attach(bridge, metrics: metrics)
        return bridge
    }

    /// What components may know and change of the program.
    private func makeControl() -> BridgeControl {
        let sinks = self.plan.sinks.map(\.name)
        var replay: (@Sendable () throws -> Int)?
        if case .disk(let settings) = self.plan.log {
            replay = {
                try DeadLetterInspector(path: settings.path, sinks: sinks).replay(DeadLetterInspector.Selection()).done
            }
        }
        return BridgeControl(
            version: StreamBridge.version, sources: self.plan.sources.map(\.name), sinks: sinks,
            routes: self.plan.routes.map { route in
                BridgeControl.RouteLabel(
                    name: route.name, identity: route.identity, isNamed: route.fingerprint == nil,
                    sinks: route.targets.map { sinks[$0.sink.rawValue] })
            }, replayDeadLetters: replay)
    }

    /// A name for files that give none: the same after a restart, because MQTT sessions and consumer groups go by it, and another on
    /// every machine and for every file.
    static func name(for file: String) -> String {
        var host = [CChar](repeating: 0, count: 256)
        gethostname(&host, host.count - 1)
        let path = realpath(file, nil)
        defer { free(path) }
        let place = path.map { String(cString: $0) } ?? file
        let bytes = host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) } + Array(place.utf8)
        // FNV-1a, 32 bits.
        let hash = bytes.reduce(0x811C_9DC5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        return "streambridge-" + String(hash, radix: 16)
    }
}
