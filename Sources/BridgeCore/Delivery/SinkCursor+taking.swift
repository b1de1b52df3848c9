import DequeModule

extension SinkCursor {
    /// Takes up to `limit` deliveries, a few more when the last record has several.
    ///
    /// - Parameters:
    ///   - visible: nothing behind this position is handed out.
    ///   - clock: the time of day, by which keys of `dedupe:` expire.
    ///   - repeated: receives the duplicates that `dedupe:` finds, and what `replace_key:` supersedes; they are settled.
    mutating func take(
        _ limit: Int, from log: MemoryLog, visible: Position, names: RouteNames,
        clock: () -> Timestamp = { .now() }, repeated: inout [Delivery]
    ) -> [Delivery] {
        var batch: [Delivery] = []
        batch.reserveCapacity(min(limit, self.inLog + self.available))
        while batch.count < limit, let delivery = self.again.popFirst() ?? self.popLoaded() {
            batch.append(delivery)
        }
        if batch.count < limit, self.inLog > 0, !self.holdsMuch {
            self.scan(log, visible: visible, limit: limit - batch.count, names: names, into: &batch)
        }
        self.holdRepeated(&batch, visible: visible, clock, &repeated)
        self.hand(&batch)
        return batch
    }

    private mutating func popLoaded() -> Delivery? { self.holdsMuch ? nil : self.loaded.popFirst() }

    /// Abandons the oldest delivery that is not in flight; `nil` when all are in flight or uncommitted.
    mutating func dropOldest(_ log: MemoryLog, visible: Position, names: RouteNames) -> Delivery? {
        var dropped: [Delivery] = []
        if let first = self.again.popFirst() ?? self.loaded.popFirst() {
            dropped = [first]
        } else {
            self.scan(log, visible: visible, limit: 1, names: names, into: &dropped)
            // One record may have several deliveries; the others stay.
            self.again.append(contentsOf: dropped.dropFirst())
        }
        guard let delivery = dropped.first else { return nil }
        self.release(delivery)
        // Deliveries in flight or held back are older, and a restart must not offer the dropped one again.
        if !self.taken.isEmpty || !self.again.isEmpty || self.keys.heldCount > 0 { self.noteAhead(delivery) }
        self.hasDropped = true
        return delivery
    }

    /// Reads ahead everything in an in-memory log, so that the log need not keep it for this sink.
    mutating func gather(_ log: MemoryLog, names: RouteNames) {
        var found: [Delivery] = []
        self.scan(log, visible: log.head, limit: self.inLog, names: names, into: &found)
        self.loaded.append(contentsOf: found)
    }

    private mutating func scan(
        _ log: MemoryLog, visible: Position, limit: Int, names: RouteNames, into batch: inout [Delivery]
    ) {
        // Later records have gone to the disk and are read back from there.
        guard self.isInMemory(log) else { return }
        let enough = batch.count + limit
        let head = min(log.head, visible)
        while batch.count < enough, self.inLog > 0, self.next <= head {
            let record = log[self.next]
            for entry in record.routing.plan.entries where entry.sink == self.sink {
                let letter = record.routing.plan.letter
                let route = letter?.route ?? (record.routing.plan.names ?? names)[entry.route]
                var delivery = Delivery(
                    event: record.event(of: entry), variant: entry.variant, route: route,
                    attempts: 0, position: self.next, ticket: 0, accepted: record.accepted
                )
                delivery.letter = letter?.id
                delivery.key = record.routing.key(of: entry)
                batch.append(delivery)
                self.inLog -= 1
            }
            self.next = self.next.next
        }
    }

    /// Removes from a batch what has a delivered key, and holds back what has a key in flight.
    private mutating func holdRepeated(
        _ batch: inout [Delivery], visible: Position, _ clock: () -> Timestamp, _ repeated: inout [Delivery]
    ) {
        // By index: a closure would copy each delivery.
        guard batch.indices.contains(where: { batch[$0].key != nil }) else { return }
        let now = clock()
        var kept: [Delivery] = []
        for delivery in batch {
            guard !self.newest.isSuperseded(delivery, visible: visible) else {
                self.settleSuperseded(delivery)
                repeated.append(delivery)
                continue
            }
            switch self.keys.reserve(delivery, now: now) {
            case .isNew: kept.append(delivery)
            case .isHeld: break
            case .wasDelivered:
                self.release(delivery)
                self.noteAhead(delivery)
                repeated.append(delivery)
            }
        }
        batch = kept
    }

    private mutating func settleSuperseded(_ delivery: Delivery) {
        self.release(delivery)
        self.noteAhead(delivery)
        self.hasDropped = true
    }

    /// Removes what is superseded from a buffer over its bounds, as far as it is in memory.
    ///
    /// Only once that is a quarter of what is pending, so that the cost per event stays constant.
    mutating func removeSuperseded(
        _ log: MemoryLog, visible: Position, names: RouteNames
    ) -> [Delivery] {
        guard self.newest.superseded > 0, self.newest.superseded >= self.pending / 4 else { return [] }
        if !self.isOnDisk { self.gather(log, names: names) }
        var removed: [Delivery] = []
        for list in [\SinkCursor.again, \SinkCursor.loaded] {
            var kept: Deque<Delivery> = []
            for delivery in self[keyPath: list] {
                if self.newest.supersedes(delivery, visible: visible) { removed.append(delivery) } else { kept.append(delivery) }
            }
            self[keyPath: list] = kept
        }
        for delivery in removed { self.settleSuperseded(delivery) }
        self.newest.clear()
        return removed
    }

    // MARK: What is on disk

    /// What it has settled, for the disk.
    ///
    /// - Parameter head: the last place of the log.
    mutating func mark(head: Position) -> (position: Position, ahead: [Position]) {
        var first: Position? = self.inLog > 0 ? self.next : nil
        var owed: Set<Position> = []
        func consider(_ delivery: Delivery) {
            owed.insert(delivery.position)
            first = min(first ?? delivery.position, delivery.position)
        }
        self.again.forEach(consider)
        if let loaded = self.loaded.first { consider(loaded) }
        var hasSettled = false
        for taken in self.taken {
            if taken.isSettled { hasSettled = true } else { consider(taken.delivery) }
        }
        let position = first?.previous ?? head
        if !self.ahead.isEmpty { self.ahead = self.ahead.filter { $0 > position } }
        guard hasSettled || !self.ahead.isEmpty else { return (position, []) }
        var ahead = self.ahead
        for taken in self.taken where taken.isSettled { ahead.insert(taken.delivery.position) }
        ahead = ahead.filter { $0 > position && !owed.contains($0) && !self.keys.holds($0) }
        return (position, Array(ahead.sorted().prefix(SinkMark.limit)))
    }

    /// Continues where an earlier run ended.
    mutating func resume(_ owed: LogContents.Owed) {
        self.next = owed.mark.position.next
        self.inLog = owed.count
        self.weight = owed.weight
        self.ahead = Set(owed.mark.ahead)
        for (key, position) in owed.newest { self.newest.note(DedupeKey(text: key, window: DedupeKey.superseding), at: position) }
        self.updateFullness()
    }

    /// Whether the next deliveries are on the disk, and are not being read yet.
    func wantsPage(_ log: MemoryLog) -> Bool {
        self.inLog > 0 && !self.isInMemory(log) && self.loaded.isEmpty && !self.isLoading && !self.holdsMuch
    }

    /// Skips what cannot be read from the disk.
    mutating func skip(_ unreadable: [UnreadableEvent]) {
        for event in unreadable {
            self.inLog -= min(event.deliveries, self.inLog)
            self.weight = max(0, self.weight - event.deliveries * event.weight)
            self.ahead.insert(event.position)
        }
        self.hasDropped = true
    }

    /// Adds a page that was read from the disk.
    mutating func load(_ deliveries: [Delivery], through position: Position) {
        self.isLoading = false
        self.loaded.append(contentsOf: deliveries)
        self.inLog -= min(deliveries.count, self.inLog)
        self.next = max(self.next, position.next)
    }
}
