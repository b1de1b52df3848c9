import BridgeCore

/// Keeps the latest event of each key.
struct SSEConflation {
    private var kept: [SSEItem?] = []
    /// The index of the latest event of each key, by the bytes of the key: canonically equivalent keys are different.
    private var indices: [ExactText: Int] = [:]
    /// The number of events that a later one with the same key replaced.
    private(set) var replaced = 0

    /// Adds later events.
    ///
    /// Gaps are always kept.
    ///
    /// - Parameter keys: the key of each event; an event without a key is never replaced.
    mutating func add(_ events: [SSEItem], keys: [String?]) {
        for (item, name) in zip(events, keys) {
            if item.event.kind != .gap, let name {
                if let earlier = self.indices.updateValue(self.kept.count, forKey: ExactText(name)) {
                    self.kept[earlier] = nil
                    self.replaced += 1
                }
            }
            self.kept.append(item)
        }
    }

    /// The latest events by key, in their order.
    var latest: [SSEItem] { self.kept.compactMap { $0 } }
}
