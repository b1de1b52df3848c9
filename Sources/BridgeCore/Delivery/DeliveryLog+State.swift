extension DeliveryLog {
    /// What the lock guards.
    struct State {
        /// How many pieces of a sink's deliveries are looked at before it is called again.
        private static let pieces = 64
        /// How much of a log in memory may be nobody's.
        private static let spare = (events: 8192, bytes: 16 << 20)

        var log: MemoryLog
        var cursors: ComponentTable<SinkIndex, SinkCursor>
        /// By sink: who is woken when there is something to take.
        var waiting: ComponentTable<SinkIndex, Waiting>
        var watermarks: ComponentTable<SourceIndex, SourceWatermark>
        var waiters: [Waiter] = []
        /// The names of the sinks.
        let names: ComponentTable<SinkIndex, String>
        /// The places of the sources by their names.
        let sources: [String: SourceIndex]
        /// By sink: the sink that takes what it gives up.
        let deadLetters: ComponentTable<SinkIndex, SinkIndex?>
        /// The sink that takes what no route takes.
        let unrouted: SinkIndex?
        let limits: LogLimits
        /// What is to be written to the disk; `nil` for a log in memory only.
        var disk: DiskState?
        var isFinished = false
        private var isLogFull = false
        private var lastID: UInt64 = 0

        init(
            log: MemoryLog, cursors: [SinkCursor], waiting: [Waiting], watermarks: [SourceWatermark], names: [String],
            sources: [String: SourceIndex], deadLetters: [SinkIndex?], unrouted: SinkIndex?, limits: LogLimits, disk: DiskState?
        ) {
            self.log = log
            self.cursors = ComponentTable(cursors)
            self.waiting = ComponentTable(waiting)
            self.watermarks = ComponentTable(watermarks)
            self.names = ComponentTable(names)
            self.sources = sources
            self.deadLetters = ComponentTable(deadLetters)
            self.unrouted = unrouted
            self.limits = limits
            self.disk = disk
        }

        /// Up to here sinks may take: what is behind it is not safe yet.
        var visible: Position { self.disk?.committed ?? Position(.max) }

        mutating func nextID() -> UInt64 {
            self.lastID += 1
            return self.lastID
        }

        mutating func poll(
            _ sink: SinkIndex, atMost limit: Int, routes: ComponentTable<RouteIndex, String>, actions: inout Actions
        ) -> SinkInlet.Poll {
            var repeated: [Delivery] = []
            var batch: [Delivery] = []
            // All of a piece may be repetitions, which are nothing to hand out.
            for _ in 0..<Self.pieces where batch.isEmpty && self.hasWork(sink) {
                batch = self.cursors[sink].take(
                    limit, from: self.log, visible: self.visible, routes: routes, repeated: &repeated
                )
            }
            if !repeated.isEmpty {
                self.disk?.touch(sink)
                actions.repeated.append((sink, repeated.count))
                self.afterSettling(sink, actions: &actions)
            }
            self.askForPage(sink, actions: &actions)
            self.releaseLog()
            guard batch.isEmpty else { return .batch(batch) }
            if self.hasEnded(sink) { return .ended }
            if self.hasWork(sink) { self.wake(sink, actions: &actions) }
            return .empty
        }

        /// Whether a sink may find something now.
        func hasWork(_ sink: SinkIndex) -> Bool { self.cursors[sink].hasWork(self.log, visible: self.visible) }

        /// Nothing is left for a sink and nothing can come: no source sends, and no sink that is not done has it for its dead letters.
        ///
        /// Keys are held back for what is in hand, so they keep a sink from its end too.
        func hasEnded(_ sink: SinkIndex) -> Bool {
            guard self.isFinished, self.cursors[sink].available == 0, self.cursors[sink].inLog == 0,
                self.cursors[sink].keys.heldCount == 0
            else { return false }
            return !self.cursors.indices.contains { $0 != sink && self.deadLetters[$0] == sink && self.cursors[$0].pending > 0 }
        }

        /// Applies the overflow policy of a sink that has just been given more.
        mutating func makeRoom(_ sink: SinkIndex, routes: ComponentTable<RouteIndex, String>, actions: inout Actions) {
            let policy = self.cursors[sink].settings.onFull
            while policy != .block, self.cursors[sink].isOverBounds,
                let dropped = self.cursors[sink].dropOldest(self.log, visible: self.visible, routes: routes)
            {
                if policy == .deadLetter {
                    self.giveUp(
                        dropped, of: sink, .overflow, reason: "the buffer of the sink is full", routes: routes, actions: &actions)
                } else {
                    self.disk?.touch(sink)
                    self.disk?.hold(dropped)
                    actions.undelivered.append((sink, dropped))
                    self.offerHeld(self.cursors[sink].keys.release(dropped), to: sink)
                    actions.drops.append((sink, .overflow, "the buffer of the sink is full"))
                }
            }
            self.cursors[sink].updateFullness()
        }

        /// Moves a delivery that its cursor no longer holds to the dead letters, where there are any for it.
        mutating func giveUp(
            _ delivery: Delivery, of sink: SinkIndex, _ cause: DropCause, reason: String,
            routes: ComponentTable<RouteIndex, String>, actions: inout Actions
        ) {
            self.disk?.touch(sink)
            actions.undelivered.append((sink, delivery))
            self.offerHeld(self.cursors[sink].keys.release(delivery), to: sink)
            let target = delivery.event.kind == .deadLetter ? nil : self.deadLetters[sink]
            let letter = DeadLetter(
                reason: reason, sink: self.names[sink], route: delivery.route, attempts: delivery.attempts + 1
            )
            let id = self.disk?.keep(letter, of: delivery, target: target.map { self.names[$0] })
            if target == nil, id == nil {
                actions.drops.append((sink, cause, reason))
            } else {
                actions.letters.append((sink, cause, reason))
            }
            guard let target else { return }
            self.give(letter.event(of: delivery.event), id: id, at: delivery.position, accepted: delivery.accepted, to: target)
            self.makeRoom(target, routes: routes, actions: &actions)
            self.wake(target, actions: &actions)
        }

        /// What was held back for a key that is free again is offered.
        private mutating func offerHeld(_ held: [Delivery], to sink: SinkIndex) {
            self.cursors[sink].again.append(contentsOf: held)
        }

        /// Hands a dead letter to its sink and has the event's source wait for it.
        mutating func give(
            _ letter: Event, id: Int64?, at position: Position, accepted: ContinuousClock.Instant, to target: SinkIndex
        ) {
            self.cursors[target].accept(letter: letter, id: id, at: position, accepted: accepted)
            self.cursors[target].updateFullness()
            guard let source = self.sources[letter.source] else { return }
            self.watermarks[source].give(position, to: target)
        }

        /// Notes what a sink has delivered.
        ///
        /// - Returns: what was held back as its repetition and is settled with it.
        mutating func delivered(_ settled: [Delivery], by sink: SinkIndex, actions: inout Actions) {
            self.disk?.touch(sink)
            for delivery in settled { self.disk?.forget(delivery) }
            guard self.cursors[sink].keys.isUsed else { return }
            let now = Timestamp.now()
            for delivery in settled {
                guard let key = delivery.key, let done = self.cursors[sink].keys.commit(delivery, now: now) else { continue }
                self.disk?.keys.append(DeliveredKey(sink: self.names[sink], key: key.text, expires: done.expires))
                for repeated in done.repeated {
                    self.cursors[sink].release(repeated)
                    self.cursors[sink].noteAhead(repeated)
                    self.disk?.forget(repeated)
                }
                guard !done.repeated.isEmpty else { continue }
                actions.repeated.append((sink, done.repeated.count))
                // It may have looked no further for all that was held back.
                self.wake(sink, actions: &actions)
            }
        }

        mutating func afterSettling(_ sink: SinkIndex, actions: inout Actions) {
            self.cursors[sink].updateFullness()
            self.settle(&actions)
            guard self.isFinished else { return }
            for other in self.cursors.indices where self.hasEnded(other) || other == sink { self.wake(other, actions: &actions) }
        }

        /// Brings every source's watermark up to date and tells those whose changed.
        mutating func settle(_ actions: inout Actions) {
            let floors = self.cursors.elements.map(\.floor)
            let weight = self.cursors.elements.reduce(0) { $0 + $1.weight }
            // A log on disk is bounded by what its sinks may owe; here it counts what waits to be written.
            let count = self.disk == nil ? self.log.count : 0
            if count > self.limits.events || weight > self.limits.bytes || self.disk?.isBehind == true {
                self.isLogFull = true
            } else if self.isLogFull, count <= self.limits.events / 2, weight <= self.limits.bytes / 2 {
                self.isLogFull = false
            }
            let visible = self.visible
            for source in self.watermarks.indices
            where self.watermarks[source].update(
                self.cursors.elements, floors: floors, visible: visible, isLogFull: self.isLogFull)
            {
                self.tell(source, actions: &actions)
            }
        }

        /// Wakes whoever waits for a change of a source's watermark.
        mutating func tell(_ source: SourceIndex, actions: inout Actions) {
            let watermark = self.watermarks[source]
            if source != actions.caller, let observer = watermark.observer { actions.observers.append(observer) }
            guard !self.waiters.isEmpty else { return }
            self.waiters.removeAll { waiter in
                guard waiter.source == source, waiter.condition(watermark) else { return false }
                actions.sources.append(waiter.continuation)
                return true
            }
        }

        /// Wakes a sink that may find something.
        mutating func wake(_ sink: SinkIndex, actions: inout Actions) {
            guard self.hasWork(sink) || self.hasEnded(sink) else {
                self.askForPage(sink, actions: &actions)
                return
            }
            if let continuation = self.waiting[sink].takeContinuation() { actions.sinks.append(continuation) }
            if let observer = self.waiting[sink].observer { actions.observers.append(observer) }
        }

        mutating func releaseLog() {
            var needed = self.log.head.next
            // A sink that reads back from the disk finds its way into memory the sooner the more is there.
            for cursor in self.cursors.elements where cursor.inLog > 0 { needed = min(needed, cursor.next) }
            self.log.release(before: needed)
        }

        /// Forgets what no sink has to look at, for a log in memory only.
        ///
        /// One event for a sink that is away would hold all that comes after it: where most of the log is nobody's, the sinks that are
        /// farthest behind look at it at once.
        mutating func spareMemory(routes: ComponentTable<RouteIndex, String>) {
            guard self.disk == nil else { return }
            self.releaseLog()
            while self.isMostlyNobodys,
                let last = self.cursors.indices.filter({ self.cursors[$0].inLog > 0 }).min(by: {
                    self.cursors[$0].next < self.cursors[$1].next
                })
            {
                self.cursors[last].gather(self.log, routes: routes)
                self.releaseLog()
            }
        }

        private var isMostlyNobodys: Bool {
            let (count, weight) = (self.log.count, self.log.weight)
            return count > Self.spare.events && count > 2 * self.cursors.elements.reduce(0) { $0 + $1.inLog }
                || weight > Self.spare.bytes && weight > 2 * self.cursors.elements.reduce(0) { $0 + $1.weight }
        }
    }

    /// Who waits for a sink's deliveries.
    struct Waiting {
        var continuation: CheckedContinuation<Void, Never>?
        var observer: (@Sendable () -> Void)?

        mutating func takeContinuation() -> CheckedContinuation<Void, Never>? {
            defer { self.continuation = nil }
            return self.continuation
        }
    }

    /// Who waits for a source's watermark.
    struct Waiter {
        let id: UInt64
        let source: SourceIndex
        let condition: @Sendable (SourceWatermark) -> Bool
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// What is to be done once the lock is free.
    struct Actions {
        var sinks: [CheckedContinuation<Void, Never>] = []
        var sources: [CheckedContinuation<Void, any Error>] = []
        var observers: [@Sendable () -> Void] = []
        var drops: [(sink: SinkIndex, cause: DropCause, reason: String)] = []
        var letters: [(sink: SinkIndex, cause: DropCause, reason: String)] = []
        var repeated: [(sink: SinkIndex, count: Int)] = []
        /// What sinks have not had after all.
        var undelivered: [(sink: SinkIndex, delivery: Delivery)] = []
        var unrouted = 0
        /// The source on whose thread this happens, which looks for itself.
        var caller: SourceIndex?
        /// There is something that the disk shall have soon.
        var wakesWriter = false
    }
}
