import DequeModule

/// One sink's cursor over the log: what it still has to look at, what it has in hand, what it gets again.
///
/// A value without a lock and without I/O; ``DeliveryLog`` owns it. Its owner forgets log records only before ``next``.
struct SinkCursor {
    /// The sink's place in the list of sinks, which route plans name.
    let sink: Int
    let settings: DeliverySettings
    /// The first place in the log that it has not looked at; means nothing while ``inLog`` is 0.
    private(set) var next = Position(1)
    /// Deliveries at ``next`` or later.
    private(set) var inLog = 0
    /// What everything not yet confirmed weighs, in bytes.
    private(set) var weight = 0
    /// Taken once, not confirmed, to be offered again before anything else.
    private var again: Deque<Delivery> = []
    /// Dead letters of other sinks, to be offered before the log goes on.
    ///
    /// Their positions are those of the events they carry.
    private var letters: Deque<Delivery> = []
    /// Handed out, in order of ticket without holes.
    private var taken: Deque<Taken> = []
    private var unsettled = 0
    private var nextTicket: UInt64 = 1
    /// Refusals for now of the first unconfirmed delivery in a row.
    private var failures = 0
    /// Over its bounds, until half of it is gone.
    private(set) var isFull = false

    init(sink: Int, settings: DeliverySettings) {
        self.sink = sink
        self.settings = settings
    }

    /// How many deliveries are not confirmed, those in hand included.
    var pending: Int { self.inLog + self.available + self.unsettled }

    /// How many could be taken without looking into the log.
    private var available: Int { self.again.count + self.letters.count }

    var hasWork: Bool { self.inLog > 0 || self.available > 0 }

    /// The place of the oldest event it owes, `nil` when it owes none.
    ///
    /// A place in the log it has not looked at counts as owed.
    var floor: Position? {
        var floor: Position? = self.inLog > 0 ? self.next : nil
        func consider(_ position: Position?) {
            guard let position else { return }
            floor = min(floor ?? position, position)
        }
        if self.settings.carriesLetters {
            self.again.forEach { consider($0.position) }
            self.letters.forEach { consider($0.position) }
            self.taken.forEach { if !$0.isSettled { consider($0.delivery.position) } }
        } else {
            consider(self.again.first?.position)
            consider(self.taken.first?.delivery.position)
        }
        return floor
    }

    // MARK: Growing

    /// The log has grown at `position` by a record that brings one delivery more for this sink.
    mutating func grow(at position: Position, weight: Int) {
        if self.inLog == 0 { self.next = position }
        self.inLog += 1
        self.weight += weight
    }

    /// Takes over an undeliverable event of another sink.
    mutating func accept(letter event: Event, at position: Position, accepted: ContinuousClock.Instant) {
        self.weight += event.weight
        self.letters.append(
            Delivery(event: event, variant: 0, route: "", attempts: 0, position: position, ticket: 0, accepted: accepted)
        )
    }

    /// Whether the bounds are exceeded now.
    var isOverBounds: Bool { self.pending > self.settings.events || self.weight > self.settings.bytes }

    /// Follows the bounds with hysteresis: full above them, free again at half of them.
    mutating func updateFullness() {
        if self.isOverBounds {
            self.isFull = true
        } else if self.isFull, self.pending <= self.settings.events / 2, self.weight <= self.settings.bytes / 2 {
            self.isFull = false
        }
    }

    /// Gives up the oldest delivery that is not in hand; `nil` when all are in hand.
    mutating func dropOldest(_ log: MemoryLog, routes: [String]) -> Delivery? {
        var dropped: [Delivery] = []
        if let first = self.again.popFirst() {
            dropped = [first]
        } else {
            self.scan(log, limit: 1, routes: routes, into: &dropped)
            // One record may bring several deliveries; the others stay.
            self.again.append(contentsOf: dropped.dropFirst())
        }
        guard let delivery = dropped.first else { return nil }
        self.weight -= delivery.event.weight
        return delivery
    }

    // MARK: Handing out

    /// Takes up to `limit` deliveries, a few more when the last record brings several.
    mutating func take(_ limit: Int, from log: MemoryLog, routes: [String]) -> [Delivery] {
        var batch: [Delivery] = []
        batch.reserveCapacity(min(limit, self.inLog + self.available))
        while batch.count < limit, let delivery = self.again.popFirst() ?? self.letters.popFirst() {
            batch.append(delivery)
        }
        if batch.count < limit, self.inLog > 0 {
            self.scan(log, limit: limit - batch.count, routes: routes, into: &batch)
        }
        for index in batch.indices {
            batch[index].ticket = self.nextTicket
            self.nextTicket += 1
            self.taken.append(Taken(delivery: batch[index]))
        }
        self.unsettled += batch.count
        return batch
    }

    private mutating func scan(_ log: MemoryLog, limit: Int, routes: [String], into batch: inout [Delivery]) {
        let enough = batch.count + limit
        let head = log.head
        while batch.count < enough, self.inLog > 0, self.next <= head {
            let record = log[self.next]
            for entry in record.routing.plan.entries where entry.sink == self.sink {
                batch.append(
                    Delivery(
                        event: record.event(of: entry), variant: entry.variant, route: routes[entry.route], attempts: 0,
                        position: self.next, ticket: 0, accepted: record.accepted
                    )
                )
                self.inLog -= 1
            }
            self.next = self.next.next
        }
    }

    // MARK: Settling

    /// Settles everything handed out up to a ticket.
    ///
    /// Tickets of an earlier `run` do nothing.
    ///
    /// - Returns: what was settled by this call.
    mutating func confirm(through ticket: UInt64) -> [Delivery] {
        var settled: [Delivery] = []
        while let first = self.taken.first, first.delivery.ticket <= ticket {
            self.taken.removeFirst()
            guard !first.isSettled else { continue }
            settled.append(first.delivery)
            self.settledOne(first.delivery)
        }
        self.popSettled()
        return settled
    }

    /// Settles one ticket; false when it is not in hand any more.
    mutating func settle(_ ticket: UInt64) -> Bool {
        guard let first = self.taken.first?.delivery.ticket, ticket >= first, ticket - first < UInt64(self.taken.count) else {
            return false
        }
        let index = self.taken.startIndex + Int(ticket - first)
        guard !self.taken[index].isSettled else { return false }
        self.taken[index].isSettled = true
        self.settledOne(self.taken[index].delivery)
        self.popSettled()
        return true
    }

    /// The `run` has ended: what is still in hand is offered again, in order.
    ///
    /// - Parameter failed: the first of them was refused for now by the peer.
    /// - Returns: that first delivery when it has used up its attempts; it is then given up.
    mutating func takeBack(firstFailed failed: Bool) -> Delivery? {
        var back = self.taken.compactMap { taken -> Delivery? in
            guard !taken.isSettled else { return nil }
            var delivery = taken.delivery
            delivery.attempts += 1
            return delivery
        }
        self.taken.removeAll(keepingCapacity: true)
        self.unsettled = 0
        var given: Delivery?
        if failed, let first = back.first {
            self.failures += 1
            if self.settings.retry.attempts > 0, self.failures >= self.settings.retry.attempts {
                given = first
                self.failures = 0
                self.weight -= first.event.weight
                back.removeFirst()
            }
        }
        self.again.prepend(contentsOf: back)
        return given
    }

    private mutating func settledOne(_ delivery: Delivery) {
        self.unsettled -= 1
        self.weight -= delivery.event.weight
        self.failures = 0
    }

    private mutating func popSettled() {
        while let first = self.taken.first, first.isSettled { self.taken.removeFirst() }
    }

    private struct Taken {
        let delivery: Delivery
        var isSettled = false
    }
}
