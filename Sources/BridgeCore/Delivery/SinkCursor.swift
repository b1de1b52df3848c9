import DequeModule
import NIOCore

/// One sink's cursor over the log: what it still has to look at, what it has in hand, what it gets again.
///
/// A value without a lock and without I/O; ``DeliveryMachine`` owns it. Its owner forgets log records only before ``next``, or has them on disk.
struct SinkCursor {
    /// Above it no more is held back in memory for a log on disk.
    private static let held = (events: 65_536, bytes: 32 << 20)

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
    /// Dead letters of other sinks and those that are tried again, to be offered before the log goes on.
    ///
    /// The positions of the former are those of the events they carry.
    private(set) var letters: Deque<Delivery> = []
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
    /// Where the dead letters of other sinks stand.
    private var letterPlaces = OwedPlaces()
    /// What it has settled is written to a disk.
    private let isOnDisk: Bool
    private var unsettled = 0
    private var nextTicket: UInt64 = 1
    /// Replays among what is not settled.
    private var replays = 0
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

    /// How many deliveries are not confirmed, those in hand included.
    var pending: Int { self.inLog + self.available + self.unsettled + self.keys.heldCount }

    /// How many could be taken without looking into the log.
    var available: Int { self.again.count + self.letters.count + self.loaded.count }

    /// Whether it may find something to take in what the log shows.
    func hasWork(_ log: MemoryLog, visible: Position) -> Bool {
        if !self.again.isEmpty || !self.letters.isEmpty { return true }
        guard !self.holdsMuch else { return false }
        return !self.loaded.isEmpty || (self.inLog > 0 && self.next >= log.oldest && self.next <= min(visible, log.head))
    }

    /// So much is held back for keys that are under way that it looks no further: what is on disk need not be in memory.
    var holdsMuch: Bool {
        self.isOnDisk && (self.keys.heldWeight > Self.held.bytes || self.keys.heldCount > Self.held.events)
    }

    /// The place of the oldest event it owes, `nil` when it owes none.
    ///
    /// A place in the log it has not looked at counts as owed; replays do not count.
    var floor: Position? {
        var floor: Position? = self.inLog > 0 ? self.next : nil
        func consider(_ position: Position?) {
            guard let position else { return }
            floor = min(floor ?? position, position)
        }
        consider(self.loaded.first?.position)
        consider(self.keys.heldPlaces.first)
        consider(self.letterPlaces.first)
        if self.settings.carriesLetters || self.replays > 0 || self.keys.isUsed {
            self.again.forEach { if !$0.isReplay { consider($0.position) } }
            self.taken.forEach { if !$0.isSettled, !$0.delivery.isReplay { consider($0.delivery.position) } }
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
    mutating func accept(letter event: Event, id: Int64?, at position: Position, accepted: ContinuousClock.Instant) {
        self.weight += event.weight
        var delivery = Delivery(
            event: event, variant: 0, route: "", attempts: 0, position: position, ticket: 0, accepted: accepted
        )
        delivery.letter = id
        self.letters.append(delivery)
        self.letterPlaces.add(position)
    }

    /// Takes the first of ``letters``.
    mutating func popLetter() -> Delivery? {
        guard let letter = self.letters.popFirst() else { return nil }
        if !letter.isReplay { self.letterPlaces.remove(letter.position) }
        return letter
    }

    /// Takes an event once more that it has given up before.
    mutating func accept(replay delivery: Delivery) {
        self.weight += delivery.event.weight
        self.replays += 1
        self.letters.append(delivery)
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
        guard let index = self.place(inHand: ticket) else { return false }
        self.taken[index].isSettled = true
        self.settledOne(self.taken[index].delivery)
        self.popSettled()
        return true
    }

    /// Counts that the peer has refused a delivery in hand for now.
    ///
    /// - Returns: whether it has used up its attempts or its time by that.
    mutating func fail(_ ticket: UInt64, now: NIODeadline = .now()) -> Bool {
        guard let index = self.place(inHand: ticket) else { return false }
        if self.taken[index].delivery.failures == 0 { self.taken[index].delivery.firstFailure = now }
        self.taken[index].delivery.failures += 1
        let retry = self.settings.retry
        if retry.attempts > 0, self.taken[index].delivery.failures >= retry.attempts { return true }
        return retry.limit.map { now - self.taken[index].delivery.firstFailure >= TimeAmount($0) } ?? false
    }

    private func place(inHand ticket: UInt64) -> Int? {
        guard let first = self.taken.first?.delivery.ticket, ticket >= first, ticket - first < UInt64(self.taken.count) else {
            return nil
        }
        let index = self.taken.startIndex + Int(ticket - first)
        return self.taken[index].isSettled ? nil : index
    }

    /// The `run` has ended: what is still in hand is offered again, in order.
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
        if self.isOnDisk, delivery.letter == nil { self.ahead.insert(delivery.position) }
    }

    /// A delivery that is not in hand is no longer owed.
    mutating func release(_ delivery: Delivery) {
        // What an earlier run has left was weighed without the changes that routes made.
        self.weight = max(0, self.weight - delivery.event.weight)
        if delivery.isReplay { self.replays -= 1 }
    }

    private mutating func settledOne(_ delivery: Delivery) {
        self.unsettled -= 1
        self.release(delivery)
    }

    private mutating func popSettled() {
        while let first = self.taken.first, first.isSettled { self.taken.removeFirst() }
    }
}
