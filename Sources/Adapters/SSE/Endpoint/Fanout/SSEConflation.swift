import BridgeCore

/// Keeps of many events the latest of each key.
enum SSEConflation {
    /// The latest events by key, in their order.
    ///
    /// - Parameter key: what makes two events the same thing; one that cannot be evaluated is a thing of its own. Gaps are always kept.
    static func latest(
        of events: [(event: Event, sequence: UInt64)], by key: Template, _ reader: EventReader
    ) -> [(event: Event, sequence: UInt64)] {
        var seen: Set<String> = []
        var latest: [(event: Event, sequence: UInt64)] = []
        for item in events.reversed() {
            reader.load(item.event)
            let name = try? key.render(reader)
            guard item.event.kind == .gap || name.map({ seen.insert($0).inserted }) ?? true else { continue }
            latest.append(item)
        }
        return latest.reversed()
    }
}
