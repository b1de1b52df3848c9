extension DeliveryMachine {
    /// Everything that can happen to the delivery core; what is large and rare is boxed, so that the others are small.
    enum Command: Sendable {
        // The sources' side.
        /// Appends a batch of one source, in order.
        ///
        /// - Parameters:
        ///   - repeated: sinks that were given an event of the batch before, which may be another source's and still be on its way.
        ///   - wakesWriter: false when the source writes on its own thread.
        case append([LogRecord], repeated: [SinkIndex], SourceIndex, wakesWriter: Bool)
        /// Keeps what a source gives up as a dead letter.
        indirect case keep(Event, repeatKey: UInt64?, reason: String, attempts: Int, SourceIndex)
        /// The source is to end.
        case stop(SourceIndex)

        // The sinks' side.
        case poll(SinkIndex, atMost: Int)
        case confirmThrough(SinkIndex, ticket: UInt64)
        case confirm(SinkIndex, Delivery)
        case refuse(SinkIndex, Delivery, reason: String)
        case postpone(SinkIndex, Delivery, reason: String)
        /// The sink's `run` has ended: what was in flight is offered again.
        case takeBack(SinkIndex)
        /// A sink has published deliveries under consecutive numbers.
        case number(SinkIndex, ArraySlice<Delivery>, from: UInt64)
        /// No source will send again: every inlet ends when it is empty.
        case finish

        // The writer's side, for a log on disk.
        case takeWork(marks: Bool)
        /// What was taken is safe; the caller is the source whose thread this is.
        indirect case committed(DeliveryLog.Work, caller: SourceIndex?)
        /// The disk takes nothing, or takes again.
        case setDiskFull(Bool)
        case takePages
        indirect case load(SinkIndex, [Delivery], unreadable: [UnreadableEvent], through: Position)
        /// A piece could not be read.
        case loadAgain(SinkIndex)
        /// Gives a dead letter to the sink that gave it up, once more.
        indirect case replay(StoredDeadLetter, variant: Int)
        /// Appends the event of a dead letter anew.
        indirect case replayAsNew(StoredDeadLetter, LogRecord)
    }

    /// What a command answers and what is to be done about it, outside the lock.
    struct Effects: Sendable {
        var outcome: Outcome = .none
        /// What the source is answered that has appended something.
        var receipt: SourceOutlet.Receipt?
        /// Whoever waits for these sinks is woken.
        var wokenSinks = IndexList<SinkIndex>()
        /// Whoever waits for the watermarks of these sources hears of them.
        var changedSources = IndexList<SourceIndex>()
        /// What sinks will not have; kept as dead letters or dropped.
        var losses: [(sink: SinkIndex, cause: DropCause, reason: String, isKept: Bool)] = []
        var duplicates: [(sink: SinkIndex, count: Int)] = []
        /// What sinks have not had after all.
        var undelivered: [(sink: SinkIndex, delivery: Delivery)] = []
        var unrouted = 0
        /// The source on whose thread this happens, which looks for itself.
        var caller: SourceIndex?
        /// There is something that the disk shall have soon.
        var wakesWriter = false
    }

    /// What a command answers.
    enum Outcome: Sendable {
        case none
        /// A batch of the source is appended; see ``Effects/receipt``.
        case appended(SourceIndex)
        case poll(SinkInlet.Poll)
        /// These were in flight and are confirmed.
        case settled(SinkIndex, [Delivery])
        indirect case work(DeliveryLog.Work)
        case pages([(sink: SinkIndex, after: Position)])
        case isTaken(Bool)
    }

    /// Some indices in order; the first one without the heap.
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
