extension DeliveryMachine {
    /// Everything that can happen to the delivery core; large and rare payloads are boxed to keep the others small.
    enum Command: Sendable {
        // The sources' side.
        /// Appends a batch of one source, in order.
        ///
        /// - Parameters:
        ///   - repeated: sinks that were given an event of the batch before, possibly by another source, and may not
        ///     have confirmed it.
        ///   - wakesWriter: false when the source writes on its own thread.
        case append([LogRecord], repeated: [SinkIndex], SourceIndex, wakesWriter: Bool)
        /// Keeps what a source abandons as a dead letter.
        indirect case keep(Event, repeatKey: UInt64?, reason: String, attempts: Int, SourceIndex)
        /// Asks the source to end.
        case stop(SourceIndex)

        // The sinks' side.
        case poll(SinkIndex, atMost: Int)
        case confirmThrough(SinkIndex, ticket: UInt64)
        case confirm(SinkIndex, Delivery)
        case refuse(SinkIndex, Delivery, reason: String)
        case postpone(SinkIndex, Delivery, reason: String)
        /// The sink's `run` has ended: offers what was in flight again.
        case reclaim(SinkIndex)
        /// A sink has published deliveries under consecutive sequence numbers, and its snapshot has changed.
        indirect case number(SinkIndex, ArraySlice<Delivery>, from: UInt64, SnapshotChanges)
        /// A reload ends the sink or starts it again: its inlet ends, and keeps what is pending.
        case suspend(SinkIndex)
        /// No source will send again: ends every inlet once it is empty.
        case finish

        /// A reload: adds, replaces and removes sinks and sources, and takes other routes.
        indirect case reconfigure(Layout)

        /// Passes on what the tools of routes keep and is due.
        case runTools(Timestamp)

        // The writer's side, for a log on disk.
        case takeWork(marks: Bool)
        /// What was taken is durable; the caller is the source whose thread this is.
        indirect case committed(DeliveryLog.Work, caller: SourceIndex?)
        /// Log writes fail, or work again.
        case setWritesFail(Bool)
        case takePages
        indirect case load(SinkIndex, name: String?, [Delivery], unreadable: [UnreadableEvent], through: Position)
        /// A page could not be read.
        case loadAgain(SinkIndex)
        /// Replays a dead letter to the sink that abandoned it.
        indirect case replay(StoredDeadLetter, variant: Int)
        /// Appends the event of a dead letter again.
        indirect case replayAsNew(StoredDeadLetter, LogRecord)
    }

    /// The result of a command, and what to do outside the lock.
    struct Effects: Sendable {
        var outcome: Outcome = .none
        /// The receipt for a source that has appended something.
        var receipt: SourceOutlet.Receipt?
        /// The sinks to wake.
        var wokenSinks = IndexList<SinkIndex>()
        /// The sources whose watermark has changed.
        var changedSources = IndexList<SourceIndex>()
        /// What sinks will not get; kept as dead letters or dropped.
        var losses: [(sink: SinkIndex, cause: DropCause, reason: String, isKept: Bool)] = []
        var duplicates: [(sink: SinkIndex, count: Int)] = []
        var superseded: [(sink: SinkIndex, count: Int)] = []
        /// Deliveries that sinks did not get after all.
        var undelivered: [(sink: SinkIndex, delivery: Delivery)] = []
        var unrouted = 0
        /// What the tools of routes have done.
        var tools: [FlowReport] = []
        /// Whether the tools may have something due earlier than before.
        var hasEarlierTool = false
        /// The source on whose thread this happens; it is not notified.
        var caller: SourceIndex?
        /// Whether the writer must be woken.
        var wakesWriter = false
    }

    /// The result of a command.
    enum Outcome: Sendable {
        case none
        /// A batch of the source was appended; see ``Effects/receipt``.
        case appended(SourceIndex)
        case poll(SinkInlet.Poll)
        /// These were in flight and are now confirmed.
        case settled(SinkIndex, [Delivery])
        indirect case work(DeliveryLog.Work)
        case pages([(sink: SinkIndex, name: String, after: Position)])
        case isTaken(Bool)
        /// The pending deliveries of removed sinks, which a log in memory drops and one on disk keeps.
        case dropped([SinkIndex: Int])
    }

    /// Some indices in order; the first needs no heap allocation.
    struct IndexList<Index: ComponentIndex>: Sendable {
        private(set) var first: Index?
        private var others: [Index] = []

        mutating func append(_ index: Index) {
            if self.first == nil { self.first = index } else { self.others.append(index) }
        }

        func forEach(_ body: (Index) -> Void) {
            guard let first else { return }
            body(first)
            for index in self.others { body(index) }
        }
    }
}

/// Why an event does not reach the sink that a route chose; the `reason` label of the counters.
enum DropCause: String, Sendable, CaseIterable {
    case overflow
    case refused
    case attempts
}
