/// What sinks receive and settle.
extension DeliveryMachine {
    /// How many pieces of a sink's deliveries are examined per call.
    private static let pieces = 64

    mutating func poll(_ sink: SinkIndex, atMost limit: Int, _ effects: inout Effects) {
        var repeated: [Delivery] = []
        var batch: [Delivery] = []
        let clock = self.clock
        // A piece may consist of duplicates alone, which leave nothing to hand out.
        for _ in 0..<Self.pieces where batch.isEmpty && !self.sinks[sink].isSuspended && self.hasWork(sink) {
            batch = self.sinks[sink].cursor.take(
                limit, from: self.log, visible: self.visible, names: self.names, clock: clock, repeated: &repeated)
        }
        self.touch(sink, .polled)
        if !repeated.isEmpty {
            self.disk?.touch(sink)
            let superseded = repeated.filter { $0.key?.replaces == true }
            self.countSuperseded(superseded, by: sink, &effects)
            if repeated.count > superseded.count { effects.duplicates.append((sink, repeated.count - superseded.count)) }
        }
        if !batch.isEmpty {
            effects.outcome = .poll(.batch(batch))
        } else if self.hasEnded(sink) {
            effects.outcome = .poll(.ended)
        } else {
            effects.outcome = .poll(.empty)
            if self.hasWork(sink) { self.touch(sink, .offered) }
        }
    }

    /// Reports deliveries that a later event has superseded, and that are no longer pending.
    mutating func countSuperseded(_ superseded: [Delivery], by sink: SinkIndex, _ effects: inout Effects) {
        guard !superseded.isEmpty else { return }
        self.touch(sink, .changed)
        self.disk?.touch(sink)
        effects.superseded.append((sink, superseded.count))
        for delivery in superseded {
            self.disk?.forget(delivery)
            effects.undelivered.append((sink, delivery))
        }
    }

    /// Whether a sink may find something now.
    ///
    /// While too many dead letters wait to be written, nothing is handed out, since it could add another.
    func hasWork(_ sink: SinkIndex) -> Bool {
        self.disk?.isFullOfDeadLetters != true && self.sinks[sink].cursor.hasWork(self.log, visible: self.visible)
    }

    /// Whether nothing is pending for a sink and nothing can come: no source sends, and neither does a sink with dead
    /// letters for it.
    ///
    /// A sink that holds back deliveries for a key in flight has not ended either.
    func hasEnded(_ sink: SinkIndex) -> Bool {
        if self.sinks[sink].isSuspended { return true }
        guard self.isFinished else { return false }
        let cursor = self.sinks[sink].cursor
        guard cursor.available == 0, cursor.inLog == 0, cursor.keys.heldCount == 0 else { return false }
        return self.sinks[sink].deadLetterSources.allSatisfy { self.sinks[$0].cursor.pending == 0 }
    }

    /// Settles deliveries of a sink, and their held-back duplicates.
    mutating func settle(_ settled: [Delivery], by sink: SinkIndex, _ effects: inout Effects) {
        guard !settled.isEmpty else { return }
        effects.outcome = .settled(sink, settled)
        self.touch(sink, .changed)
        self.disk?.touch(sink)
        for delivery in settled { self.disk?.forget(delivery) }
        guard self.sinks[sink].cursor.keys.isUsed else { return }
        let now = self.clock()
        for delivery in settled {
            guard let key = delivery.key, let done = self.sinks[sink].cursor.keys.commit(delivery, now: now) else { continue }
            self.disk?.changes.keys.append(DeliveredKey(sink: self.sinks[sink].name, key: key.text, expires: done.expires))
            for repeated in done.repeated {
                self.sinks[sink].cursor.release(repeated)
                self.sinks[sink].cursor.noteAhead(repeated)
                self.disk?.forget(repeated)
            }
            guard !done.repeated.isEmpty else { continue }
            effects.duplicates.append((sink, done.repeated.count))
            // It may have stopped reading because too much was held back.
            self.touch(sink, .offered)
        }
    }

    /// Handles a permanent refusal of a delivery in flight.
    mutating func refuse(
        _ delivery: Delivery, of sink: SinkIndex, _ cause: DropCause, reason: String, _ effects: inout Effects
    ) {
        guard self.sinks[sink].cursor.settle(delivery.ticket) else { return }
        self.touch(sink, .changed)
        self.makeDeadLetter(delivery, of: sink, cause, reason: reason, &effects)
    }
}
