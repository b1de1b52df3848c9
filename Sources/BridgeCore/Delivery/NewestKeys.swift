/// The latest event of each key of `replace_key:` that is pending for one sink.
///
/// An earlier one with the same key is superseded. Of more than ``limit`` keys the oldest are forgotten: what these
/// would supersede is then delivered. A value; ``SinkCursor`` owns it.
struct NewestKeys {
    static let limit = 100_000

    private var positions: [ExactText: Position] = [:]
    /// At most so many pending deliveries are superseded.
    private(set) var superseded = 0

    /// Whether there are such keys.
    var isEmpty: Bool { self.positions.isEmpty }

    /// Notes a delivery that has become pending.
    mutating func note(_ key: DedupeKey, at position: Position) {
        if self.positions.updateValue(position, forKey: ExactText(key.text)) != nil { self.superseded += 1 }
        guard self.positions.count > Self.limit else { return }
        let oldest = self.positions.map { (key: $0.key, position: $0.value) }.sorted { $0.position < $1.position }
        for (key, _) in oldest.prefix(Self.limit / 8) { self.positions[key] = nil }
    }

    /// Whether a later event supersedes a delivery that is about to be handed out; the latest itself is forgotten.
    ///
    /// - Parameter visible: later events are not durable yet, and supersede nothing.
    mutating func isSuperseded(_ delivery: Delivery, visible: Position) -> Bool {
        guard let key = delivery.key, key.replaces, let newest = self.positions[ExactText(key.text)] else { return false }
        if newest == delivery.position { self.positions[ExactText(key.text)] = nil }
        guard newest > delivery.position, newest <= visible else { return false }
        self.superseded = max(0, self.superseded - 1)
        return true
    }

    /// Whether a later event supersedes a delivery that stays pending otherwise.
    func supersedes(_ delivery: Delivery, visible: Position) -> Bool {
        guard let key = delivery.key, key.replaces, let newest = self.positions[ExactText(key.text)] else { return false }
        return newest > delivery.position && newest <= visible
    }

    /// Notes that everything superseded was removed.
    mutating func clear() {
        self.superseded = 0
    }
}
