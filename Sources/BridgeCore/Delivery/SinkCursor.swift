import DequeModule
import NIOCore

/// One sink's cursor over the log: what is unread, in flight, and to be offered again.
///
/// A value without a lock or I/O; ``DeliveryMachine`` owns it. Its owner removes log records only before ``next``, or
/// has them on disk.
struct SinkCursor {
    /// Limit on deliveries held in memory behind an in-flight dedupe key (durable log only).
    private static let held = (events: 65_536, bytes: 32 << 20)
    /// The largest size of ``ahead``; the file keeps the first ``SinkMark/limit`` positions.
    private static let aheadLimit = 16 * SinkMark.limit

    /// The sink's index, which route plans use.
    let sink: SinkIndex
    var settings: DeliverySettings
    /// The first unread position in the log; meaningless while ``inLog`` is 0.
    var next = Position(1)
    /// Earlier records are read from the disk: in memory they may have the indices of another configuration.
    var memoryStart = Position.start
    /// The number of deliveries at ``next`` or later.
    var inLog = 0
    /// The weight of everything not yet confirmed, in bytes.
    var weight = 0
    /// Handed out once and not confirmed; offered again before anything else.
    var again: Deque<Delivery> = []
    /// Dead letters of other sinks that may be pending, with the positions of their originals; see
    /// ``note(letter:about:)``.
    private var originals: Deque<(letter: Position, original: Position)> = []
    /// The number of unsettled replays of this run; lower while some of an earlier run are delivered.
    var replays = 0
    /// Read back from the disk, all before ``next``.
    var loaded: Deque<Delivery> = []
    /// Whether a page is requested from the disk, or being read.
    var isLoading = false
    /// In flight, by consecutive tickets.
    var taken: Deque<Taken> = []
    /// Settled positions after the first unsettled one; for the disk.
    var ahead: Set<Position> = []
    /// The keys of `dedupe:` that are delivered or in flight.
    var keys: DeliveredKeys
    /// The newest position of each key of `replace_key`.
    var newest = NewestKeys()
    /// Whether something was dropped between delivered events.
    var hasDropped = false
    /// Whether ``again`` or ``taken`` may be out of order.
    var isReordered = false
    /// Whether settled positions are written to a disk.
    let isOnDisk: Bool
    private var unsettled = 0
    private var nextTicket: UInt64 = 1
    /// Above its limits, until half is free again.
    private(set) var isFull = false

    init(sink: SinkIndex, settings: DeliverySettings, isOnDisk: Bool) {
        self.sink = sink
        self.isOnDisk = isOnDisk
        self.settings = settings
        self.keys = DeliveredKeys()
    }

    /// The cursor of another sink that gets the index of this one: tickets of this one mean nothing to it.
    func successor(_ settings: DeliverySettings) -> SinkCursor {
        var cursor = SinkCursor(sink: self.sink, settings: settings, isOnDisk: self.isOnDisk)
        cursor.nextTicket = self.nextTicket
        return cursor
    }

    struct Taken {
        var delivery: Delivery
        var isSettled = false
    }

    /// The number of unconfirmed deliveries, including those in flight.
    var pending: Int { self.inLog + self.available + self.unsettled + self.keys.heldCount }

    /// The number available without reading the log.
    var available: Int { self.again.count + self.loaded.count }

    /// Whether it may find something in the visible part of the log.
    func hasWork(_ log: MemoryLog, visible: Position) -> Bool {
        if !self.again.isEmpty { return true }
        guard !self.holdsMuch else { return false }
        return !self.loaded.isEmpty || (self.inLog > 0 && self.isInMemory(log) && self.next <= min(visible, log.head))
    }

    /// Whether the next record is read from memory.
    func isInMemory(_ log: MemoryLog) -> Bool { self.next >= max(log.oldest, self.memoryStart) }

    /// Whether so much is held back for keys in flight that it stops reading: what is on disk need not be in memory.
    var holdsMuch: Bool {
        self.isOnDisk && (self.keys.heldWeight > Self.held.bytes || self.keys.heldCount > Self.held.events)
    }

    /// The position of the oldest pending event, itself or in a dead letter; `nil` when there is none.
    ///
    /// An unread position counts as pending.
    var floor: Position? {
        guard let original = self.originals.first?.original else { return self.firstOwed }
        return self.firstOwed.map { min($0, original) }
    }

    private var firstOwed: Position? {
        var floor: Position? = self.inLog > 0 ? self.next : nil
        func consider(_ position: Position?) {
            guard let position else { return }
            floor = min(floor ?? position, position)
        }
        consider(self.loaded.first?.position)
        // What is held back for a key is behind its holder.
        if self.isReordered {
            self.again.forEach { consider($0.position) }
            self.taken.forEach { if !$0.isSettled { consider($0.delivery.position) } }
        } else {
            consider(self.again.first?.position)
            consider(self.taken.first?.delivery.position)
        }
        return floor
    }

    /// Records an appended dead letter of another sink: its original counts as pending until the dead letter is
    /// settled.
    ///
    /// Keeps only the dead letters whose original is older than those of all later ones: the first has the oldest
    /// original.
    mutating func note(letter: Position, about original: Position) {
        while let last = self.originals.last, last.original >= original { self.originals.removeLast() }
        self.originals.append((letter, original))
    }

    /// Forgets the dead letters before the oldest pending event.
    mutating func forgetSettledDeadLetters() {
        guard !self.originals.isEmpty else { return }
        let owed = self.firstOwed ?? Position(.max)
        while let first = self.originals.first, first.letter < owed { self.originals.removeFirst() }
    }

    // MARK: Growing

    /// Adds one delivery at `position`.
    mutating func grow(at position: Position, weight: Int) {
        if self.inLog == 0 { self.next = position }
        self.inLog += 1
        self.weight += weight
    }

    /// Whether the limits are exceeded now.
    var isOverBounds: Bool { self.pending > self.settings.events || self.weight > self.settings.bytes }

    /// Updates ``isFull`` with hysteresis: full above the limits, free again at half.
    mutating func updateFullness() {
        if self.isOverBounds {
            self.isFull = true
        } else if self.isFull, self.pending <= self.settings.events / 2, self.weight <= self.settings.bytes / 2 {
            self.isFull = false
        }
    }

    // MARK: Settling

    /// Records what is handed out.
    mutating func hand(_ batch: inout [Delivery]) {
        for index in batch.indices {
            batch[index].ticket = self.nextTicket
            self.nextTicket += 1
            self.taken.append(Taken(delivery: batch[index]))
        }
        self.unsettled += batch.count
    }

    /// Settles everything handed out up to a ticket.
    ///
    /// Tickets of an earlier `run` have no effect.
    ///
    /// - Returns: what was settled by this call.
    mutating func confirm(through ticket: UInt64) -> [Delivery] {
        var settled: [Delivery] = []
        while !self.taken.isEmpty, self.taken[0].delivery.ticket <= ticket {
            let first = self.popFirstTaken()
            guard !first.isSettled else { continue }
            self.settledOne(first.delivery)
            settled.append(first.delivery)
        }
        self.popSettled()
        return settled
    }

    /// Settles one ticket; false when it is no longer in flight.
    mutating func settle(_ ticket: UInt64) -> Bool {
        guard let index = self.index(inFlight: ticket) else { return false }
        self.taken[index].isSettled = true
        self.settledOne(self.taken[index].delivery)
        self.popSettled()
        return true
    }

    /// Counts a temporary refusal of a delivery in flight.
    ///
    /// - Returns: whether its attempts or its time are used up.
    mutating func fail(_ ticket: UInt64, now: NIODeadline = .now()) -> Bool {
        guard let index = self.index(inFlight: ticket) else { return false }
        if self.taken[index].delivery.failures == 0 { self.taken[index].delivery.firstFailure = now }
        self.taken[index].delivery.failures += 1
        let retry = self.settings.retry
        if retry.attempts > 0, self.taken[index].delivery.failures >= retry.attempts { return true }
        return retry.limit.map { now - self.taken[index].delivery.firstFailure >= TimeAmount($0) } ?? false
    }

    private func index(inFlight ticket: UInt64) -> Int? {
        guard let first = self.taken.first?.delivery.ticket, ticket >= first, ticket - first < UInt64(self.taken.count) else {
            return nil
        }
        let index = self.taken.startIndex + Int(ticket - first)
        return self.taken[index].isSettled ? nil : index
    }

    /// Offers what is still in flight again, in order, after the `run` has ended.
    mutating func reclaim() {
        var back: [Delivery] = []
        for taken in self.taken {
            if taken.isSettled {
                self.noteAhead(taken.delivery)
            } else {
                var delivery = taken.delivery
                delivery.attempts += 1
                back.append(delivery)
            }
        }
        self.taken.removeAll(keepingCapacity: true)
        self.unsettled = 0
        self.again.prepend(contentsOf: back)
    }

    /// Records a settled delivery while older ones may be pending.
    mutating func noteAhead(_ delivery: Delivery) {
        if self.isOnDisk, self.ahead.count < Self.aheadLimit { self.ahead.insert(delivery.position) }
    }

    /// Offers deliveries that were held back, after newer ones.
    mutating func offerHeld(_ held: [Delivery]) {
        self.again.append(contentsOf: held)
        self.isReordered = true
    }

    /// Removes a delivery that is not in flight from the pending ones.
    mutating func release(_ delivery: Delivery) {
        // The weight of an earlier run excludes the changes that routes made.
        self.weight = max(0, self.weight - delivery.event.weight)
        if delivery.isReplay { self.replays = max(0, self.replays - 1) }
    }

    private mutating func settledOne(_ delivery: Delivery) {
        self.unsettled -= 1
        self.release(delivery)
    }

    private mutating func popSettled() {
        while !self.taken.isEmpty, self.taken[0].isSettled { self.popFirstTaken() }
        if self.taken.isEmpty, self.again.isEmpty { self.isReordered = false }
    }

    /// Removes the first delivery, which is settled, and records it if an older one may still be pending.
    @discardableResult
    private mutating func popFirstTaken() -> Taken {
        if self.isReordered || !self.again.isEmpty || self.keys.heldCount > 0 { self.noteAhead(self.taken[0].delivery) }
        return self.taken.removeFirst()
    }
}
