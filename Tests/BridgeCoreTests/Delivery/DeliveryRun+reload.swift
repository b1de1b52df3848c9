import Logging
import Testing

@testable import BridgeCore

/// A reload in a random schedule: sinks and sources are kept, replaced, or removed and added again; others come and go.
extension DeliveryRun {
    private typealias Layout = DeliveryMachine.Layout

    private enum Fate {
        case kept
        case replaced
        case readded
    }

    mutating func reload() {
        self.isDiskFull = false
        if let refused { self.commit(refused) }
        self.refused = nil
        if self.isOnDisk { self.commit(self.fixture.log.takeWork(marks: true), isComplete: true) }
        // A file names only sinks that it has.
        let named = Set(self.settings.compactMap(\.deadLetter)).union(self.unrouted.map { ["sink-\($0)"] } ?? [])
        let sinks = (0..<Self.sinks).map { sink -> Fate in
            let fate = self.fate()
            return fate == .readded && named.contains("sink-\(sink)") ? .kept : fate
        }
        let sources = (0..<Self.sources).map { _ in self.fate() }
        for sink in 0..<Self.sinks where sinks[sink] != .kept { self.suspend(sink) }
        for source in 0..<Self.sources where sources[source] == .replaced { self.changePolicy(source) }
        let pending = self.model.sinks.map(\.all.count)
        let dropped = self.reconfigure(sinks, sources)
        for sink in 0..<Self.sinks where sinks[sink] == .readded {
            #expect(dropped[SinkIndex(sink)] ?? 0 == pending[sink])
            // Nobody waits for what the file keeps for a removed sink.
            if self.isOnDisk { for source in 0..<Self.sources { self.excuse(source) } }
        }
        self.readd(sinks, sources)
        self.load()
    }

    private mutating func fate() -> Fate {
        switch self.chance(4) {
        case 0..<2: .kept
        case 2: .replaced
        default: .readded
        }
    }

    /// The sink's inlet ends with everything pending.
    private mutating func suspend(_ sink: Int) {
        self.fixture.log.suspend(sink: SinkIndex(sink))
        guard case .ended = self.fixture.log.poll(sink: SinkIndex(sink), atMost: 1) else {
            Issue.record("the inlet of sink \(sink) has not ended")
            return
        }
        #expect(self.fixture.log.hasEnded(sink: SinkIndex(sink)))
        self.reclaim(sink)
    }

    private mutating func excuse(_ source: Int) {
        self.excused[source] = max(self.excused[source], self.fixture.safe(SourceIndex(source)))
    }

    private mutating func changePolicy(_ source: Int) {
        let policies: [AcknowledgePolicy] = self.isOnDisk ? [.received, .logged, .delivered] : [.received, .delivered]
        if self.policies[source] != .delivered { self.excuse(source) }
        self.policies[source] = policies.randomElement(using: &self.random) ?? .delivered
        self.safe[source] = 0
        if self.policies[source] == .received { self.sent[source] = 0 }
    }

    /// Replaces some, removes others, and adds a sink and a source that the next step removes.
    private mutating func reconfigure(_ sinks: [Fate], _ sources: [Fate]) -> [SinkIndex: Int] {
        for sink in 0..<Self.sinks where sinks[sink] == .replaced {
            self.settings[sink].events = 2 + self.chance(10)
            self.settings[sink].retry.attempts = 1 + self.chance(3)
            self.model.sinks[sink].settings = self.settings[sink]
        }
        var slots = sinks.enumerated().map { sink, fate -> Layout.Slot<Layout.SinkPart> in
            switch fate {
            case .kept: .kept
            case .replaced: .replaced(Layout.SinkPart(name: "sink-\(sink)", settings: self.settings[sink]))
            case .readded: .free
            }
        }
        slots.append(.added(Layout.SinkPart(name: "guest", settings: DeliverySettings())))
        var sourceSlots = sources.enumerated().map { source, fate -> Layout.Slot<Layout.SourcePart> in
            switch fate {
            case .kept: .kept
            case .replaced: .replaced(Layout.SourcePart(name: "source-\(source)", acknowledge: self.policies[source]))
            case .readded: .free
            }
        }
        sourceSlots.append(.added(Layout.SourcePart(name: "guest", acknowledge: .received)))
        let dropped = self.apply(slots, sourceSlots)
        if !self.isOnDisk {
            for sink in 0..<Self.sinks where sinks[sink] == .readded {
                self.model.sinks[sink] = PlainDelivery.Sink(settings: self.settings[sink])
            }
        }
        for sink in 0..<Self.sinks where sinks[sink] == .replaced { self.model.makeRoom(sink) }
        return dropped
    }

    /// Adds what was removed, with what the file has of it, and removes the guests.
    private mutating func readd(_ sinks: [Fate], _ sources: [Fate]) {
        if self.isOnDisk { self.commit(self.fixture.log.takeWork(marks: true)) }
        let contents = self.file.contents(sinks: Self.sinks)
        var slots = sinks.enumerated().map { sink, fate -> Layout.Slot<Layout.SinkPart> in
            guard fate == .readded else { return .kept }
            let name = "sink-\(sink)"
            let none = LogContents.Owed(mark: SinkMark(sink: name, position: self.file.head), count: 0, weight: 0)
            let adopted = AdoptedSink(
                owed: contents.sinks[name] ?? none, keys: self.file.keys.filter { $0.sink == name })
            return .added(
                Layout.SinkPart(name: name, settings: self.settings[sink], contents: self.isOnDisk ? adopted : nil))
        }
        slots.append(.free)
        var sourceSlots = sources.enumerated().map { source, fate -> Layout.Slot<Layout.SourcePart> in
            guard fate == .readded else { return .kept }
            return .added(Layout.SourcePart(name: "source-\(source)", acknowledge: self.policies[source]))
        }
        sourceSlots.append(.free)
        for source in 0..<Self.sources where sources[source] == .readded {
            self.safe[source] = 0
            self.sent[source] = 0
            self.appended[source] = self.isOnDisk ? self.model.head : 0
        }
        if self.isOnDisk { for sink in 0..<Self.sinks where sinks[sink] == .readded { self.restore(sink) } }
        #expect(self.apply(slots, sourceSlots).isEmpty)
    }

    private func apply(
        _ sinks: [Layout.Slot<Layout.SinkPart>], _ sources: [Layout.Slot<Layout.SourcePart>]
    ) -> [SinkIndex: Int] {
        let names = RouteNames(
            routes: [Route(name: "route", targets: [])], sinks: (0..<Self.sinks).map { "sink-\($0)" } + ["guest"])
        let layout = Layout(
            sinks: sinks, sources: sources, unrouted: self.unrouted.map { SinkIndex($0) }, names: names, limits: LogLimits(),
            flowEvents: FlowEvents(bridge: "", limits: EventLimits()), keptRoutes: [:])
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let metrics = sinks.enumerated().map { index, slot -> (metrics: ComponentMetrics, logger: Logger)? in
            guard case .added = slot else { return nil }
            let name = index == Self.sinks ? "guest" : "sink-\(index)"
            return (ComponentMetrics(component: name, kind: "test", direction: "sink", metrics: self.fixture.metrics), logger)
        }
        return self.fixture.log.reconfigure(layout, sinks: metrics, flowMetrics: nil)
    }
}
