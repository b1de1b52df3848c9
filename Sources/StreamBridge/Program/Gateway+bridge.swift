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
    /// - Throws: ``ComponentError``.
    func makeBridge(
        _ factory: ComponentFactory, _ control: BridgeControl, shared: SharedServices, taps: EventTaps, logger: Logger
    ) throws -> Bridge {
        self.warnOfAbandonedLog(self.logger("log"))
        let context = ComponentFactory.Context(
            shared: shared, references: self.plan.references, maximumHops: self.plan.service.maximumHops, isStaged: false)
        let sinks = try self.plan.sinks.map { try factory.sink($0, variants: $0.variants, context) }
        let sources = try self.plan.sources.map { try factory.source($0, context) }
        let bridge = Bridge(
            sources: sources, sinks: sinks,
            table: RouteTable(routes: self.plan.routes, sinks: sinks.map(\.name), limits: self.plan.limits),
            unrouted: self.plan.unroutedSink, limits: Self.limits(self.plan.log), switches: control.switches,
            durable: factory.log.durable, taps: taps, probe: Self.portProbe(factory.group), metrics: factory.metrics,
            logger: logger
        )
        control.attach(bridge, metrics: factory.metrics)
        return bridge
    }

    /// The limits of what waits in memory.
    static func limits(_ log: LogPlan) -> LogLimits {
        if case .memory(let bounds) = log { bounds } else { LogLimits(bytes: .max) }
    }

    /// What components may know and change of the program.
    ///
    /// - Parameter old: the control of the file before; its switches stay for the routes that both have.
    static func makeControl(_ plan: BridgePlan, following old: BridgeControl? = nil) -> BridgeControl {
        let sinks = plan.sinks.map(\.name)
        var replay: (@Sendable () throws -> Int)?
        if case .disk(let settings) = plan.log {
            replay = {
                try DeadLetterInspector(path: settings.path, sinks: sinks).replay(DeadLetterInspector.Selection()).done
            }
        }
        let labels = plan.routes.map { route in
            BridgeControl.RouteLabel(
                name: route.name, identity: route.identity, isNamed: route.fingerprint == nil,
                sinks: route.targets.map { sinks[$0.sink.rawValue] })
        }
        let switches = old.map {
            RouteSwitches(following: $0.switches, $0.routes.map(\.identity), labels.map(\.identity))
        }
        return BridgeControl(
            version: StreamBridge.version, sources: plan.sources.map(\.name), sinks: sinks, routes: labels,
            switches: switches ?? RouteSwitches(), replayDeadLetters: replay)
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
