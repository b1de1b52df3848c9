import DequeModule
import NIOCore

/// One sink's cursor over the log: what it still has to look at, what is in flight, what it gets again.
///
/// A value without a lock and without I/O; ``DeliveryMachine`` owns it. Its owner forgets log records only before ``next``, or has them on disk.
struct SinkCursor {
    /// Above it no more is held back in memory for a log on disk.
    private static let held = (events: 65_536, bytes: 32 << 20)
    /// The largest size of ``ahead``; the file keeps the first ``SinkMark/limit`` positions.
    private static let aheadLimit = 16 * SinkMark.limit

    /// The sink's place in the list of sinks, which route plans name.
    let sink: SinkIndex
    let settings: DeliverySettings
    /// The first place in the log that it has not looked at; means nothing while ``inLog`` is 0.
    var next = Position(1)
    /// Deliveries at ``next`` or later.
    var inLog = 0
    /// What everything not yet confirmed weighs, in bytes.
    var weight = 0
    /// Taken once, not confirmed, to be offered again before anything else.
    var again: Deque<Delivery> = []
    /// The dead letters of other sinks that may be owed, and where the events are that they are about; see ``note(letter:about:)``.
    private var originals: Deque<(letter: Position, original: Position)> = []
    /// How many replays of this run are not settled; fewer while some of an earlier run are delivered.
    var replays = 0
    /// Read back from the disk, all before ``next``.
    var loaded: Deque<Delivery> = []
    /// A piece is asked for from the disk, or being read.
    var isLoading = false
    /// Handed out, in order of ticket without holes.
    var taken: Deque<Taken> = []
    /// Places behind what is settled without a hole that are settled too; for the disk.
    var ahead: Set<Position> = []
    /// What `dedupe:` goes by.
    var keys: DeliveredKeys
    /// Something was dropped that lies between what was delivered.
    var hasDropped = false
    /// ``again`` or ``taken`` may be out of order.
    var isReordered = false
    /// What it has settled is written to a disk.
    let isOnDisk: Bool
    private var unsettled = 0
    private var nextTicket: UInt64 = 1
    /// Over its bounds, until half of it is gone.
    private(set) var isFull = false

    init(sink: SinkIndex, settings: DeliverySettings, isOnDisk: Bool) {
        self.sink = sink
        self.isOnDisk = isOnDisk
        self.settings = settings
        self.keys = DeliveredKeys()
    }

    struct Taken {
        var delivery: Delivery
        var isSettled = false
    }

    /// How many deliveries are not confirmed, those in flight included.
    var pending: Int { self.inLog + self.available + self.unsettled + self.keys.heldCount }

    /// How many could be taken without looking into the log.
    var available: Int { self.again.count + self.loaded.count }

    /// Whether it may find something to take in what the log shows.
    func hasWork(_ log: MemoryLog, visible: Position) -> Bool {
        if !self.again.isEmpty { return true }
        guard !self.holdsMuch else { return false }
        return !self.loaded.isEmpty || (self.inLog > 0 && self.next >= log.oldest && self.next <= min(visible, log.head))
    }

    /// So much is held back for keys that are under way that it looks no further: what is on disk need not be in memory.
    var holdsMuch: Bool {
        self.isOnDisk && (self.keys.heldWeight > Self.held.bytes || self.keys.heldCount > Self.held.events)
    }

    /// The place of the oldest event it owes, itself or in a dead letter; `nil` when it owes none.
    ///
    /// A place in the log it has not looked at counts as owed.
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
        // What is held back for a key is behind what holds it.
        if self.isReordered {
            self.again.forEach { consider($0.position) }
            self.taken.forEach { if !$0.isSettled { consider($0.delivery.position) } }
        } else {
            consider(self.again.first?.position)
            consider(self.taken.first?.delivery.position)
        }
        return floor
    }

    /// A record that is a dead letter of another sink was appended: its event counts as owed until the letter is settled.
    ///
    /// Of all letters that may be owed only those are noted whose event is older than those of all letters after them: the first one's is the
    /// oldest event.
    mutating func note(letter: Position, about original: Position) {
        while let last = self.originals.last, last.original >= original { self.originals.removeLast() }
        self.originals.append((letter, original))
    }

    /// Forgets the letters before everything that is owed.
    mutating func forgetSettledDeadLetters() {
        guard !self.originals.isEmpty else { return }
        let owed = self.firstOwed ?? Position(.max)
        while let first = self.originals.first, first.letter < owed { self.originals.removeFirst() }
    }

    // MARK: Growing

    /// The log has grown at `position` by a record that brings one delivery more for this sink.
    mutating func grow(at position: Position, weight: Int) {
        if self.inLog == 0 { self.next = position }
        self.inLog += 1
        self.weight += weight
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

    // MARK: Settling

    /// Notes what is handed out.
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
    /// Tickets of an earlier `run` do nothing.
    ///
    /// - Returns: what was settled by this call.
    mutating func confirm(through ticket: UInt64) -> [Delivery] {
        var settled: [Delivery] = []
        while let first = self.taken.first, first.delivery.ticket <= ticket {
            self.popFirstTaken()
            guard !first.isSettled else { continue }
            settled.append(first.delivery)
            self.settledOne(first.delivery)
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

    /// Counts that the peer has refused a delivery in flight for now.
    ///
    /// - Returns: whether it has used up its attempts or its time by that.
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

    /// The `run` has ended: what is still in flight is offered again, in order.
    mutating func takeBack() {
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

    /// A delivery is settled while older ones may not be.
    mutating func noteAhead(_ delivery: Delivery) {
        if self.isOnDisk, self.ahead.count < Self.aheadLimit { self.ahead.insert(delivery.position) }
    }

    /// Offers deliveries that were held back, after newer ones.
    mutating func offerHeld(_ held: [Delivery]) {
        self.again.append(contentsOf: held)
        self.isReordered = true
    }

    /// A delivery that is not in flight is no longer owed.
    mutating func release(_ delivery: Delivery) {
        // What an earlier run has left was weighed without the changes that routes made.
        self.weight = max(0, self.weight - delivery.event.weight)
        if delivery.isReplay { self.replays = max(0, self.replays - 1) }
    }

    private mutating func settledOne(_ delivery: Delivery) {
        self.unsettled -= 1
        self.release(delivery)
    }

    private mutating func popSettled() {
        while let first = self.taken.first, first.isSettled { self.popFirstTaken() }
        if self.taken.isEmpty, self.again.isEmpty { self.isReordered = false }
    }

    /// Removes the first, settled delivery, and records it if an older one may still be pending.
    private mutating func popFirstTaken() {
        if self.isReordered || !self.again.isEmpty || self.keys.heldCount > 0 { self.noteAhead(self.taken[0].delivery) }
        self.taken.removeFirst()
    }
}
