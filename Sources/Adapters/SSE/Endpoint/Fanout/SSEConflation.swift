import BridgeCore

/// Keeps of many events the latest of each key.
struct SSEConflation {
    /// What makes two events the same thing.
    private let key: Template
    private var kept: [(event: Event, sequence: UInt64)?] = []
    /// Where the latest event of each key is kept, by the bytes of the key: two keys that only look alike are two things.
    private var indices: [SubjectKey: Int] = [:]
    /// Events that a later one of their key replaced.
    private(set) var replaced = 0

    init(by key: Template) {
        self.key = key
    }

    /// Takes later events.
    ///
    /// One whose key cannot be evaluated is a thing of its own. Gaps are always kept.
    mutating func add(_ events: [(event: Event, sequence: UInt64)], _ reader: EventReader) {
        for item in events {
            reader.load(item.event)
            if item.event.kind != .gap, let name = try? self.key.render(reader) {
                if let earlier = self.indices.updateValue(self.kept.count, forKey: SubjectKey(name[...])) {
                    self.kept[earlier] = nil
                    self.replaced += 1
                }
            }
            self.kept.append(item)
        }
    }

    /// The latest events by key, in their order.
    var latest: [(event: Event, sequence: UInt64)] { self.kept.compactMap { $0 } }
}
