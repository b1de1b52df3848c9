/// A reload: the delivery core continues with other sinks, sources and routes.
extension DeliveryMachine {
    /// A configuration by indices, which stay with the name of a sink or source.
    ///
    /// An index that becomes free may be given to another sink or source.
    struct Layout: Sendable {
        /// One sink or source of the configuration.
        enum Slot<Part: Sendable>: Sendable {
            /// It runs on.
            case kept
            /// It starts again and keeps what is pending.
            case replaced(Part)
            /// It was not in the configuration before.
            case added(Part)
            /// No sink or source has the index.
            case free

            var isKept: Bool { if case .kept = self { true } else { false } }
        }

        struct SinkPart: Sendable {
            let name: String
            let settings: DeliverySettings
            /// What the log on disk holds for a sink of this name; `nil` for nothing.
            var contents: AdoptedSink?
        }

        struct SourcePart: Sendable {
            let name: String
            let acknowledge: AcknowledgePolicy
        }

        /// By index; at least as many as before.
        var sinks: [Slot<SinkPart>]
        /// By index; at least as many as before.
        var sources: [Slot<SourcePart>]
        var unrouted: SinkIndex?
        var names: RouteNames
        var limits: LogLimits
        /// Makes the events of the routes' tools.
        var flowEvents: FlowEvents
        /// The routes whose tools keep their state: the new index by the old one.
        var keptRoutes: [RouteIndex: RouteIndex]
    }

    /// Applies a configuration.
    ///
    /// - Precondition: the sinks that are not kept are suspended, and their deliveries in flight reclaimed.
    /// - Returns: the pending deliveries of removed sinks.
    mutating func reconfigure(_ layout: Layout, _ effects: inout Effects) -> [SinkIndex: Int] {
        self.grow(sinks: layout.sinks.count, sources: layout.sources.count)
        var dropped: [SinkIndex: Int] = [:]
        for (place, slot) in layout.sinks.enumerated() {
            let sink = SinkIndex(place)
            guard case .free = slot, !self.sinks[sink].name.isEmpty else { continue }
            if self.sinks[sink].cursor.pending > 0 { dropped[sink] = self.sinks[sink].cursor.pending }
            self.removeSink(sink)
        }
        for (place, slot) in layout.sinks.enumerated() {
            let sink = SinkIndex(place)
            switch slot {
            case .kept, .free: break
            case .replaced(let part):
                self.sinks[sink].cursor.settings = part.settings
                self.sinks[sink].isSuspended = false
                self.touch(sink, [.grown, .offered])
            case .added(let part): self.addSink(part, at: sink)
            }
        }
        self.replaceSources(layout.sources)
        self.names = layout.names
        self.unrouted = layout.unrouted
        self.limits = layout.limits
        self.connectDeadLetters()
        self.continueTools(layout)
        effects.hasEarlierTool = true
        effects.wakesWriter = self.disk != nil
        return dropped
    }

    private mutating func grow(sinks: Int, sources: Int) {
        while self.sinks.count < sinks {
            let index = SinkIndex(self.sinks.count)
            self.sinks.append(
                Sink(
                    name: "", deadLetterSink: nil, deadLetterSources: [],
                    cursor: SinkCursor(sink: index, settings: DeliverySettings(), isOnDisk: self.disk != nil)))
            self.debts.addSink()
        }
        while self.watermarks.count < sources {
            self.watermarks.append(SourceWatermark(acknowledge: .received))
            self.debts.addSourceBeforeLast()
            self.earlierRun = SourceIndex(self.earlierRun.rawValue + 1)
        }
        self.overBounds.grow(to: sinks)
        self.uncommitted.grow(to: sources)
        self.disk?.touched.grow(to: sinks)
    }

    /// Removes a sink; a log on disk keeps what is pending under its name.
    private mutating func removeSink(_ sink: SinkIndex) {
        let name = self.sinks[sink].name
        if self.disk != nil {
            let mark = self.sinks[sink].cursor.mark(head: self.log.head)
            self.disk?.changes.sinks.append(SinkMark(sink: name, position: mark.position, ahead: mark.ahead))
            self.disk?.pages.removeAll { $0 == sink }
        }
        self.sinkIndices[name] = nil
        self.sinks[sink].name = ""
        self.sinks[sink].isSuspended = false
        self.sinks[sink].cursor = self.sinks[sink].cursor.successor(DeliverySettings())
        self.touch(sink, .changed)
    }

    private mutating func addSink(_ part: Layout.SinkPart, at sink: SinkIndex) {
        self.sinkIndices[part.name] = sink
        self.sinks[sink].name = part.name
        self.sinks[sink].cursor = self.sinks[sink].cursor.successor(part.settings)
        self.touch(sink, [.grown, .offered])
        guard let contents = part.contents, let disk = self.disk else { return }
        for key in contents.keys { self.sinks[sink].cursor.keys.insert(key.key, key.expires) }
        guard contents.owed.count > 0 else { return }
        self.sinks[sink].cursor.resume(contents.owed)
        // Records in memory have the indices of earlier configurations.
        self.sinks[sink].cursor.memoryStart = disk.committed.next
        self.debts.give(self.log.head, of: self.earlierRun, to: sink)
        self.touch(sink, .polled)
    }

    private mutating func replaceSources(_ slots: [Layout.Slot<Layout.SourcePart>]) {
        for (place, slot) in slots.enumerated() {
            let source = SourceIndex(place)
            switch slot {
            case .kept: continue
            case .free:
                for (name, index) in self.sources where index == source { self.sources[name] = nil }
            case .replaced(let part):
                self.watermarks[source] = self.watermarks[source].successor(part.acknowledge, visible: self.visible)
            case .added(let part):
                self.watermarks[source] = SourceWatermark(acknowledge: part.acknowledge)
                // As at the start: a message that comes again waits for what the log holds.
                if self.disk != nil { self.watermarks[source].append(at: self.log.head) }
                self.sources[part.name] = source
            }
        }
        for source in self.watermarks.indices { self.debts.due.insert(source) }
    }

    /// Connects the sinks with those for their dead letters, by their settings.
    mutating func connectDeadLetters() {
        var senders: [SinkIndex: [SinkIndex]] = [:]
        for sink in self.sinks.indices {
            let target = self.sinks[sink].cursor.settings.deadLetter.flatMap { self.sinkIndices[$0] }
            self.sinks[sink].deadLetterSink = target
            if let target, target != sink { senders[target, default: []].append(sink) }
        }
        for sink in self.sinks.indices { self.sinks[sink].deadLetterSources = senders[sink] ?? [] }
    }

    private mutating func continueTools(_ layout: Layout) {
        let (routes, sinks, now) = (layout.names.routes, layout.names.sinks, self.clock())
        guard let flow = self.flow else {
            self.flow = FlowMachine(
                routes: routes, sinks: sinks, events: layout.flowEvents, stored: self.disk.map { _ in StoredFlow() }, now: now)
            return
        }
        self.flow = flow.continued(
            layout.keptRoutes, routes: routes, sinks: sinks, events: layout.flowEvents, names: layout.names, now: now)
    }
}
