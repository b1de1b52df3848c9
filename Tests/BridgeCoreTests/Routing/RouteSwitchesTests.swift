import BridgeTesting
import Logging
import NIOCore
import Testing

@testable import BridgeCore

/// A route that is switched off.
@Suite(.timeLimit(.minutes(1)))
struct RouteSwitchesTests {
    private let control = BridgeControl()
    private let metrics = Metrics()

    /// A bridge with the sinks `a`, `b` and `rest`, which gets what no route matches.
    private func bridge(_ routes: [Route], own: [OwnEntities] = []) -> Bridge {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        func metrics(_ name: String, _ direction: String) -> ComponentMetrics {
            ComponentMetrics(component: name, kind: "test", direction: direction, metrics: self.metrics)
        }
        return Bridge(
            sources: [
                SourceParts(
                    name: "in", source: ScriptedSource(), acknowledge: .delivered, intake: IntakeSettings(bridge: "here"),
                    retry: RetrySettings(), metrics: metrics("in", "source"), logger: logger)
            ],
            sinks: ["a", "b", "rest"].map { name in
                SinkParts(
                    name: name, sink: RecordingSink(), delivery: DeliverySettings(), metrics: metrics(name, "sink"),
                    logger: logger)
            },
            table: RouteTable(routes: routes), unrouted: 2, switches: self.control.switches, metrics: self.metrics, logger: logger
        )
    }

    private let routes = [
        Route(name: "first", targets: [.init(sink: 0)], stop: false), Route(name: "last", targets: [.init(sink: 1)], stop: true),
        Route(name: "never", targets: [.init(sink: 0), .init(sink: 1)]),
    ]

    private func send(_ bridge: Bridge, _ text: String = "x") async {
        _ = bridge.sources[0].outlet.send([ReceivedMessage(subject: "s", body: ByteBuffer(string: text))])
        await bridge.sources[0].outlet.untilAppended()
    }

    private func pending(_ bridge: Bridge) -> [Int] { bridge.sinks.map(\.inlet.backlog.events) }

    @Test func `its sinks get nothing, and the events are counted by route`() async {
        let bridge = self.bridge(self.routes)
        await self.send(bridge)
        #expect(self.pending(bridge) == [1, 1, 0])
        #expect(self.control.switches.set(0, on: false) && !self.control.switches.set(0, on: false))
        await self.send(bridge)
        #expect(self.pending(bridge) == [1, 2, 0], "the other route delivers")
        #expect(self.metrics.render().contains(#"streambridge_route_off_events_total{route="first"} 1"#))
        #expect(self.control.switches.set(0, on: true))
        await self.send(bridge)
        #expect(self.pending(bridge) == [2, 3, 0])
    }

    @Test func `it still matches: its stop holds, and the event is not one without a route`() async {
        let bridge = self.bridge(self.routes)
        self.control.switches.set(0, on: false)
        self.control.switches.set(1, on: false)
        await self.send(bridge)
        #expect(self.pending(bridge) == [0, 0, 0])
        #expect(self.metrics.total(of: "streambridge_events_unrouted_total") == 0)
        #expect(self.metrics.total(of: "streambridge_route_off_events_total") == 2)
        #expect(bridge.sources[0].outlet.unappended == 0 && bridge.pending == 0)
    }

    @Test func `a source learns that what a switched route did not deliver is safe`() async {
        let bridge = self.bridge(self.routes)
        self.control.switches.set(0, on: false)
        self.control.switches.set(1, on: false)
        let outlet = bridge.sources[0].outlet
        let receipt = outlet.send([ReceivedMessage(subject: "s", body: ByteBuffer(string: "x"))])
        await outlet.untilAppended()
        #expect(outlet.safe >= receipt.position)
    }

    @Test func `known losses pass`() async {
        let bridge = self.bridge([self.routes[0]])
        self.control.switches.set(0, on: false)
        _ = bridge.sources[0].outlet.gap(.outage, "lost")
        await bridge.sources[0].outlet.untilAppended()
        #expect(self.pending(bridge) == [1, 0, 0])
    }

    @Test func `the control observes a bridge`() async {
        #expect(self.control.observe() == BridgeObservation())
        let bridge = self.bridge(self.routes)
        self.control.attach(bridge, metrics: self.metrics)
        self.control.switches.set(2, on: false)
        await self.send(bridge)
        let seen = self.control.observe()
        #expect(
            seen.components.map(\.name) == ["in", "a", "b", "rest"]
                && seen.components.map(\.isSource) == [true, false, false, false])
        #expect(seen.received == 1 && seen.backlog == 2 && seen.deadLetters == 0 && seen.routesOff == [2])
    }
}
