extension DeliveryLog {
    /// What the lock guards.
    struct State {
        var log = MemoryLog()
        var cursors: [SinkCursor]
        /// By sink: who is woken when there is something to take.
        var waiting: [Waiting]
        var watermarks: [SourceWatermark]
        var waiters: [Waiter] = []
        /// The names of the sinks.
        let names: [String]
        /// The places of the sources by their names.
        let sources: [String: Int]
        /// By sink: the sink that takes what it gives up.
        let deadLetters: [Int?]
        /// The sink that takes what no route takes.
        let unrouted: Int?
        let limits: LogLimits
        var isFinished = false
        private var isLogFull = false
        private var lastID: UInt64 = 0

        init(
            cursors: [SinkCursor], waiting: [Waiting], watermarks: [SourceWatermark], names: [String],
            sources: [String: Int], deadLetters: [Int?], unrouted: Int?, limits: LogLimits
        ) {
            self.cursors = cursors
            self.waiting = waiting
            self.watermarks = watermarks
            self.names = names
            self.sources = sources
            self.deadLetters = deadLetters
            self.unrouted = unrouted
            self.limits = limits
        }

        mutating func nextID() -> UInt64 {
            self.lastID += 1
            return self.lastID
        }

        mutating func poll(_ sink: Int, atMost limit: Int, routes: [String]) -> SinkInlet.Poll {
            let batch = self.cursors[sink].take(limit, from: self.log, routes: routes)
            guard batch.isEmpty else {
                self.releaseLog()
                return .batch(batch)
            }
            return self.hasEnded(sink) ? .ended : .empty
        }

        /// Nothing is left for a sink and nothing can come: no source sends, and no sink that is not done has it for its dead letters.
        func hasEnded(_ sink: Int) -> Bool {
            guard self.isFinished, !self.cursors[sink].hasWork else { return false }
            return !self.cursors.indices.contains { $0 != sink && self.deadLetters[$0] == sink && self.cursors[$0].pending > 0 }
        }

        /// Applies the overflow policy of a sink that has just been given more.
        mutating func makeRoom(_ sink: Int, routes: [String], actions: inout Actions) {
            let policy = self.cursors[sink].settings.onFull
            while policy != .block, self.cursors[sink].isOverBounds,
                let dropped = self.cursors[sink].dropOldest(self.log, routes: routes)
            {
                if policy == .deadLetter {
                    self.giveUp(dropped, of: sink, .overflow, reason: "the buffer of the sink is full", actions: &actions)
                } else {
                    actions.drops.append((sink, .overflow, "the buffer of the sink is full"))
                }
            }
            self.cursors[sink].updateFullness()
        }

        /// Moves a delivery that its cursor no longer holds to the dead letters, where there are any for it.
        mutating func giveUp(
            _ delivery: Delivery, of sink: Int, _ cause: DropCause, reason: String, actions: inout Actions
        ) {
            guard delivery.event.kind != .deadLetter, let target = self.deadLetters[sink] else {
                actions.drops.append((sink, cause, reason))
                return
            }
            actions.letters.append((sink, cause, reason))
            let letter = DeadLetter(
                reason: reason, sink: self.names[sink], route: delivery.route, attempts: delivery.attempts + 1
            )
            self.give(letter.event(of: delivery.event), at: delivery.position, accepted: delivery.accepted, to: target)
            self.wake(target, actions: &actions)
        }

        /// Hands a dead letter to its sink and has the event's source wait for it.
        mutating func give(_ letter: Event, at position: Position, accepted: ContinuousClock.Instant, to target: Int) {
            self.cursors[target].accept(letter: letter, at: position, accepted: accepted)
            self.cursors[target].updateFullness()
            guard let source = self.sources[letter.source] else { return }
            self.watermarks[source].give(position, to: target)
        }

        mutating func afterSettling(_ sink: Int, actions: inout Actions) {
            self.cursors[sink].updateFullness()
            self.settle(&actions)
            guard self.isFinished else { return }
            for other in self.cursors.indices where self.hasEnded(other) || other == sink { self.wake(other, actions: &actions) }
        }

        /// Brings every source's watermark up to date and tells those whose changed.
        mutating func settle(_ actions: inout Actions) {
            let floors = self.cursors.map(\.floor)
            let weight = self.cursors.reduce(0) { $0 + $1.weight }
            if self.log.count > self.limits.events || weight > self.limits.bytes {
                self.isLogFull = true
            } else if self.isLogFull, self.log.count <= self.limits.events / 2, weight <= self.limits.bytes / 2 {
                self.isLogFull = false
            }
            for source in self.watermarks.indices
            where self.watermarks[source].update(self.cursors, floors: floors, isLogFull: self.isLogFull) {
                self.tell(source, actions: &actions)
            }
        }

        /// Wakes whoever waits for a change of a source's watermark.
        mutating func tell(_ source: Int, actions: inout Actions) {
            let watermark = self.watermarks[source]
            if let observer = watermark.observer { actions.observers.append(observer) }
            guard !self.waiters.isEmpty else { return }
            self.waiters.removeAll { waiter in
                guard waiter.source == source, waiter.condition(watermark) else { return false }
                actions.sources.append(waiter.continuation)
                return true
            }
        }

        /// Wakes a sink that may find something.
        mutating func wake(_ sink: Int, actions: inout Actions) {
            guard self.cursors[sink].hasWork || self.hasEnded(sink) else { return }
            if let continuation = self.waiting[sink].takeContinuation() { actions.sinks.append(continuation) }
            if let observer = self.waiting[sink].observer { actions.observers.append(observer) }
        }

        private mutating func releaseLog() {
            var needed = self.log.head.next
            for cursor in self.cursors where cursor.inLog > 0 { needed = min(needed, cursor.next) }
            self.log.release(before: needed)
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
        let source: Int
        let condition: @Sendable (SourceWatermark) -> Bool
        let continuation: CheckedContinuation<Void, any Error>
    }

    /// What is to be done once the lock is free.
    struct Actions {
        var sinks: [CheckedContinuation<Void, Never>] = []
        var sources: [CheckedContinuation<Void, any Error>] = []
        var observers: [@Sendable () -> Void] = []
        var drops: [(sink: Int, cause: DropCause, reason: String)] = []
        var letters: [(sink: Int, cause: DropCause, reason: String)] = []
        var unrouted = 0
    }
}

/// Why an event does not reach the sink that a route chose; the `reason` label of the counters.
enum DropCause: String, Sendable, CaseIterable {
    case overflow
    case refused
    case attempts
}

/// The bounds of the whole log: `log.retain` in the file.
///
/// Above them every source pauses until half is gone.
package struct LogLimits: Sendable, Equatable {
    package var events: Int
    package var bytes: Int

    package init(events: Int = 1_000_000, bytes: Int = 256 << 20) {
        self.events = events
        self.bytes = bytes
    }
}

/// A small set of sinks, in order of insertion.
struct SinkSet {
    private(set) var elements: [Int] = []
    private var isIn: [Bool]

    init(count: Int) {
        self.isIn = Array(repeating: false, count: count)
    }

    mutating func insert(_ sink: Int) {
        guard !self.isIn[sink] else { return }
        self.isIn[sink] = true
        self.elements.append(sink)
    }
}
