import Logging
import Synchronization

/// Continues with another configuration while events flow.
extension Bridge {
    /// A reload that can no longer fail.
    package struct PreparedReload: Sendable {
        fileprivate let reload: BridgeReload
        /// What a log on disk holds for added sinks, by their names.
        fileprivate let adopted: [String: AdoptedSink]
        /// Ended at the reload, by their names.
        fileprivate let sources: [RunningSource]
        fileprivate let sinks: [RunningSink]
    }

    /// Whether a running source must start again, because a route now evaluates expressions for it.
    package func mustRestart(source name: String, for routes: [Route]) -> Bool {
        guard let source = self.sources.first(where: { $0.name == name }), !source.outlet.answersLater else { return false }
        return RouteTable(routes: routes).evaluates(for: name)
    }

    /// Reads what a log on disk holds for added sinks; nothing changes yet.
    ///
    /// - Throws: ``LogError``.
    package func prepare(_ reload: BridgeReload) async throws -> PreparedReload {
        let (running, names) = self.state.withLock { ($0, $0.sinkNames) }
        let kept = Set(reload.sinks.filter(\.isKept).map(\.name))
        let keptSources = Set(reload.sources.filter(\.isKept).map(\.name))
        let added = reload.sinks.map(\.name).filter { !names.contains($0) }
        let adopted = try self.writer?.adopt(added) ?? [:]
        for case .started(let parts) in reload.sinks where added.contains(parts.name) { try await self.restore(parts) }
        return PreparedReload(
            reload: reload, adopted: adopted, sources: running.sources.filter { !keptSources.contains($0.name) },
            sinks: running.sinks.filter { !kept.contains($0.name) })
    }

    /// Ends the components that do not stay, and starts the others.
    ///
    /// Kept components are not touched. Sources end before sinks, so that what they have sent can still be delivered. No
    /// event is routed while the routes change.
    ///
    /// - Parameter activate: called when the old components have ended and the new ones do not run yet.
    /// - Returns: the number of pending events of each removed sink, by its name: a log on disk keeps them, one in memory
    ///   has dropped them.
    package func apply(_ prepared: PreparedReload, activate: @Sendable () -> Void) async -> [String: Int] {
        await withTaskGroup(of: Void.self) { group in
            for source in prepared.sources { group.addTask { await source.end() } }
        }
        await withTaskGroup(of: Void.self) { group in
            for sink in prepared.sinks { group.addTask { await sink.end(hurry: self.hurry) } }
        }
        let dropped = self.takeOver(prepared)
        self.activateParts(of: prepared)
        activate()
        let (sources, sinks) = self.state.withLock { ($0.sources, $0.sinks) }
        let startedSinks = Set(prepared.reload.sinks.filter { !$0.isKept }.map(\.name))
        let startedSources = Set(prepared.reload.sources.filter { !$0.isKept }.map(\.name))
        for sink in sinks where startedSinks.contains(sink.name) { self.sinkTasks.start { await sink.run() } }
        for source in sources where startedSources.contains(source.name) { self.sourceTasks.start { await source.run() } }
        self.reportRemoved(prepared, dropped)
        return dropped
    }

    /// From now on a reload, also one that runs, cancels the sinks that it ends instead of waiting for their peers.
    ///
    /// Sources are still waited for: what they do not acknowledge would arrive twice.
    package func hurryReloads() { self.hurry.finish() }

    /// Changes the log, the routes and the lists of components, all at once.
    private func takeOver(_ prepared: PreparedReload) -> [String: Int] {
        let reload = prepared.reload
        let old = self.state.withLock { $0 }
        let sinkSlots = Self.slots(reload.sinks.map(\.name), old.sinkNames) { _ in true }
        let sourceSlots = Self.slots(reload.sources.map(\.name), old.sourceNames) { self.log.isSettled(SourceIndex($0)) }
        let names = sinkSlots.names.map { $0 ?? "" }
        let routes = reload.routes.map { route in
            var route = route
            route.targets = route.targets.map { target in
                var target = target
                target.sink = SinkIndex(sinkSlots.indices[target.sink.rawValue])
                return target
            }
            return route
        }
        let table = RouteTable(routes: routes, sinks: names, limits: reload.eventLimits)
        Self.count(reload.switches, table.names, self.metrics)
        let layout = DeliveryMachine.Layout(
            sinks: Self.layout(reload.sinks, sinkSlots, old.sinkNames) { parts in
                DeliveryMachine.Layout.SinkPart(
                    name: parts.name, settings: parts.delivery, contents: prepared.adopted[parts.name])
            },
            sources: Self.layout(reload.sources, sourceSlots, old.sourceNames) { parts in
                DeliveryMachine.Layout.SourcePart(name: parts.name, acknowledge: parts.acknowledge)
            },
            unrouted: reload.unrouted.map { SinkIndex(sinkSlots.indices[$0.rawValue]) }, names: table.names,
            limits: reload.limits, flowEvents: FlowEvents(bridge: self.name, limits: reload.eventLimits),
            keptRoutes: reload.keptRoutes)
        var metrics: [(metrics: ComponentMetrics, logger: Logger)?] = names.map { _ in nil }
        for (place, part) in reload.sinks.enumerated() {
            guard case .started(let parts) = part else { continue }
            metrics[sinkSlots.indices[place]] = (parts.metrics, parts.logger)
        }
        let entities = reload.sinks.compactMap { part -> (any Sink)? in
            switch part {
            case .started(let parts): parts.sink
            case .kept(let name): old.sinks.first { $0.name == name }?.parts.sink
            }
        }.compactMap { ($0 as? any AnnouncingSink)?.ownEntities }
        let rules = RoutingRules(table: table, switches: reload.switches, ownEntities: entities)
        let hasTools = routes.contains { $0.tools != nil }
        let flowMetrics = hasTools ? FlowMetrics(routes: routes, metrics: self.metrics, logger: self.logger) : nil
        var dropped: [SinkIndex: Int] = [:]
        let change = {
            let appenders = old.sources.map(\.outlet.routing)
            SourceAppender.replaceRules(of: appenders[...], by: rules) {
                dropped = self.log.reconfigure(layout, sinks: metrics, flowMetrics: flowMetrics)
            }
        }
        if let writer { writer.replaceTable(by: table, change) } else { change() }
        let sources = zip(reload.sources, sourceSlots.indices).compactMap { part, slot -> RunningSource? in
            switch part {
            case .kept(let name): return old.sources.first { $0.name == name }
            case .started(let parts):
                let known = prepared.sources.first { $0.name == parts.name }?.outlet.routing.takeRepeatKeys()
                return self.assemble(
                    parts, SourceIndex(slot), rules, repeatKeys: known ?? RecentSet(capacity: SourceOutlet.repeatMemory))
            }
        }
        let sinks = zip(reload.sinks, sinkSlots.indices).compactMap { part, slot -> RunningSink? in
            switch part {
            case .kept(let name): return old.sinks.first { $0.name == name }
            case .started(let parts): return self.assemble(parts, SinkIndex(slot))
            }
        }
        self.state.withLock {
            $0 = State(
                sources: sources, sinks: sinks, rules: rules, sinkNames: sinkSlots.names, sourceNames: sourceSlots.names)
        }
        return Dictionary(uniqueKeysWithValues: dropped.map { (old.sinkNames[$0.key.rawValue] ?? "", $0.value) })
    }

    /// The index of each name: its own if it has one, else a free one, else a new one.
    ///
    /// - Parameter mayReuse: whether a free index can be given to another.
    private static func slots(
        _ names: [String], _ old: [String?], mayReuse: (Int) -> Bool
    ) -> (indices: [Int], names: [String?]) {
        let wanted = Set(names)
        // One that becomes free now is not given away in the same step.
        var free = old.indices.filter { old[$0] == nil && mayReuse($0) }[...]
        var result = old.map { name in name.flatMap { wanted.contains($0) ? $0 : nil } }
        let known = Dictionary(
            old.enumerated().compactMap { index, name in name.map { ($0, index) } }, uniquingKeysWith: { first, _ in first })
        let indices = names.map { name -> Int in
            if let index = known[name] { return index }
            if let index = free.popFirst() {
                result[index] = name
                return index
            }
            result.append(name)
            return result.count - 1
        }
        return (indices, result)
    }

    private static func layout<Parts, Slot>(
        _ parts: [BridgeReload.Part<Parts>], _ slots: (indices: [Int], names: [String?]), _ old: [String?],
        _ make: (Parts) -> Slot
    ) -> [DeliveryMachine.Layout.Slot<Slot>] {
        var layout: [DeliveryMachine.Layout.Slot<Slot>] = slots.names.map { _ in .free }
        for (part, slot) in zip(parts, slots.indices) {
            switch part {
            case .kept: layout[slot] = .kept
            case .started(let parts):
                let isKnown = old.indices.contains(slot) && old[slot] == slots.names[slot]
                layout[slot] = isKnown ? .replaced(make(parts)) : .added(make(parts))
            }
        }
        return layout
    }

    /// Lets the new components take their part in what components share, and the removed ones leave it.
    private func activateParts(of prepared: PreparedReload) {
        for case .started(let parts) in prepared.reload.sinks {
            let predecessor = prepared.sinks.first { $0.name == parts.name }?.parts.sink
            (parts.sink as? any StagedComponent)?.activate(succeeding: predecessor)
            (parts.sink as? any AnnouncingSink)?.restoreSwitches()
        }
        for case .started(let parts) in prepared.reload.sources {
            let predecessor = prepared.sources.first { $0.name == parts.name }?.parts.source
            (parts.source as? any StagedComponent)?.activate(succeeding: predecessor)
        }
        let sinks = Set(prepared.reload.sinks.map(\.name)), sources = Set(prepared.reload.sources.map(\.name))
        for sink in prepared.sinks where !sinks.contains(sink.name) {
            (sink.parts.sink as? any StagedComponent)?.retire()
            self.metrics.remove(labels: sink.parts.metrics.labels)
        }
        for source in prepared.sources where !sources.contains(source.name) {
            (source.parts.source as? any StagedComponent)?.retire()
            self.metrics.remove(labels: source.parts.metrics.labels)
        }
        self.writer?.adopted(Array(prepared.adopted.keys))
    }

    /// Logs what becomes of the backlog of removed sinks.
    private func reportRemoved(_ prepared: PreparedReload, _ dropped: [String: Int]) {
        let names = Set(prepared.reload.sinks.map(\.name))
        self.writer?.release(prepared.sinks.map(\.name).filter { !names.contains($0) })
        let counter = self.metrics.counter(
            "streambridge_removed_sink_events_total",
            help: "Pending events that a log in memory dropped because a reload removed their sink.")
        for (sink, count) in dropped.sorted(by: { $0.key < $1.key }) {
            let facts: Logger.Metadata = ["sink": "\(sink)", "events": "\(count)"]
            if self.writer == nil {
                counter.increment(by: count)
                self.logger.warning("Pending events of a removed sink dropped; a log on disk would keep them", metadata: facts)
            } else {
                self.logger.warning(
                    "Log holds events for a sink that was removed from the file; they and all later events stay until they exceed retain.age",
                    metadata: facts)
            }
        }
    }
}

extension BridgeReload.Part {
    fileprivate var isKept: Bool { if case .kept = self { true } else { false } }
}
