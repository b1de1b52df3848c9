/// The `dedupe:` keys of one sink, in two steps: a key is reserved while its event is in flight, and counts once that
/// is delivered.
///
/// A delivery with a reserved key is held back. It is dropped as a duplicate once the first event is delivered, and
/// delivered itself if that event is abandoned. So no event is lost as a duplicate of an undelivered one. The holder of
/// a key is pending and never behind what waits for it: deliveries are handed out in log order, and repeated ones
/// first. A value; ``SinkCursor`` owns it. Keeps at most ``DeliveredKeys/limit`` delivered keys; the oldest go first.
struct DeliveredKeys {
    static let limit = 100_000

    /// What to do with a delivery.
    enum Verdict {
        case isNew
        case isHeld
        case wasDelivered
    }

    /// By key: when it expires, in milliseconds since 1970.
    private var delivered: [ExactText: Timestamp] = [:]
    /// In order of delivery; some may have been delivered again since.
    private var order: [(key: ExactText, expires: Timestamp)] = []
    private var oldest = 0
    /// By key: the holder, and what waits for it.
    private var reserved: [ExactText: Reservation] = [:]

    private struct Reservation {
        let position: Position
        let entry: Int
        var held: [Delivery] = []

        init(_ holder: Delivery) {
            self.position = holder.position
            self.entry = holder.variant
        }

        func isHeld(by delivery: Delivery) -> Bool {
            self.position == delivery.position && self.entry == delivery.variant
        }
    }

    private(set) var heldCount = 0
    /// The weight of what is held back, in bytes.
    private(set) var heldWeight = 0
    /// The number held back at each position; one record may have several deliveries.
    private var heldAt: [Position: Int] = [:]
    /// Whether any delivery has had a key.
    private(set) var isUsed = false

    /// Reserves the key of a delivery that is about to be handed out.
    mutating func reserve(_ delivery: Delivery, now: Timestamp) -> Verdict {
        guard let own = delivery.key, !own.replaces else { return .isNew }
        let key = ExactText(own.text)
        self.isUsed = true
        if let expires = self.delivered[key] {
            if expires > now { return .wasDelivered }
            self.delivered[key] = nil
        }
        guard let holder = self.reserved[key] else {
            self.reserved[key] = Reservation(delivery)
            return .isNew
        }
        // Offered again after its connection was lost.
        if holder.isHeld(by: delivery) { return .isNew }
        self.reserved[key]?.held.append(delivery)
        self.heldCount += 1
        self.heldWeight += delivery.event.weight
        self.heldAt[delivery.position, default: 0] += 1
        return .isHeld
    }

    /// What is held back, unordered.
    var held: [Delivery] { self.reserved.values.flatMap(\.held) }

    /// Whether something at a position is held back.
    func holds(_ position: Position) -> Bool { self.heldAt[position] != nil }

    /// Records that the holder of a key was delivered.
    ///
    /// - Returns: what was held back for it and is now settled, and when the key expires.
    mutating func commit(_ delivery: Delivery, now: Timestamp) -> (repeated: [Delivery], expires: Timestamp)? {
        guard let key = delivery.key, let reservation = self.reserved[ExactText(key.text)], reservation.isHeld(by: delivery)
        else {
            return nil
        }
        self.end(reservation, of: ExactText(key.text))
        let expires = Timestamp(milliseconds: now.milliseconds + key.window.milliseconds)
        self.insert(key.text, expires)
        return (reservation.held, expires)
    }

    /// Releases the key of an abandoned delivery, which may not hold it or may not have been handed out.
    ///
    /// - Returns: what was held back for it and must be offered now.
    mutating func release(_ delivery: Delivery) -> [Delivery] {
        guard let key = (delivery.key?.text).map(ExactText.init), let reservation = self.reserved[key],
            reservation.isHeld(by: delivery)
        else {
            return []
        }
        self.end(reservation, of: key)
        return reservation.held
    }

    private mutating func end(_ reservation: Reservation, of key: ExactText) {
        self.reserved[key] = nil
        self.heldCount -= reservation.held.count
        for delivery in reservation.held {
            self.heldWeight -= delivery.event.weight
            let count = self.heldAt[delivery.position] ?? 1
            self.heldAt[delivery.position] = count == 1 ? nil : count - 1
        }
    }

    /// Records a key of an earlier run.
    mutating func insert(_ key: String, _ expires: Timestamp) {
        let key = ExactText(key)
        self.delivered[key] = expires
        self.order.append((key, expires))
        while self.order.count - self.oldest > Self.limit {
            let (key, expires) = self.order[self.oldest]
            if self.delivered[key] == expires { self.delivered[key] = nil }
            self.oldest += 1
        }
        if self.oldest > Self.limit {
            self.order.removeFirst(self.oldest)
            self.oldest = 0
        }
    }
}
