import BridgeCore

/// Detects copies of a message: brokers send one for each matching subscription of a client, each with the identifier of its subscription.
///
/// A message is a copy when the same topic and body arrived before only through other subscriptions. Each copy is
/// matched with one such message, so a message that is published twice passes twice, in any order of copies. For one
/// connection.
struct MQTTOverlapDeduplicator {
    /// The limit of messages with outstanding copies.
    private static let capacity = 4096

    /// A message with outstanding copies.
    private struct Open {
        let number: Int
        var identifiers: [UInt32]
    }

    /// Subscriptions that overlap others.
    private let crossing: [(identifier: UInt32, filter: MQTTTopicFilter)]
    /// Overlapping filters, where subscriptions have no identifiers.
    private let crossingFilters: [MQTTTopicFilter]
    private var open: [UInt64: [Open]] = [:]
    private var order: [(key: UInt64, number: Int)] = []
    private var oldest = 0
    private var count = 0

    init(_ plan: MQTTSubscriptionPlan) {
        self.crossing = plan.entries.compactMap { entry in entry.identifier.map { ($0, entry.subscription.filter) } }
        let own = plan.entries.map(\.subscription).filter { $0.share == nil }.map(\.filter)
        let tree = MQTTFilterTree(own.enumerated().lazy.map { (value: $0.offset, filter: $0.element) })
        self.crossingFilters =
            self.crossing.isEmpty
            ? own.enumerated().filter { tree.mayOverlap($0.element, of: $0.offset) }.map(\.element) : []
    }

    /// Whether there can be copies at all.
    var isNeeded: Bool { !self.crossing.isEmpty || !self.crossingFilters.isEmpty }

    /// - Parameter identifiers: the subscriptions of this copy.
    mutating func isCopy(topic: String, body: UnsafeRawBufferPointer, isRetained: Bool, identifiers: [UInt32]) -> Bool {
        guard !self.crossing.isEmpty else {
            return isRetained && self.isRetainedCopy(topic: topic, body: body)
        }
        let matching = self.crossing.filter { $0.filter.matches(topic) }.map(\.identifier)
        guard matching.count > 1 else { return false }
        // Identifiers of an earlier configuration do not apply to the current filters.
        let mine = identifiers.filter { matching.contains($0) }
        guard !mine.isEmpty else { return false }
        let key = Self.key(topic, body, isRetained)
        if let index = self.open[key]?.firstIndex(where: { entry in !entry.identifiers.contains { mine.contains($0) } }) {
            self.open[key]![index].identifiers += mine
            if self.open[key]![index].identifiers.count >= matching.count { self.close(key, at: index) }
            return true
        }
        if mine.count < matching.count { self.remember(key, mine) }
        return false
    }

    /// MQTT 3.1.1: a retained message arrives as the answer to a SUBSCRIBE, and each filter is requested once per
    /// connection.
    private mutating func isRetainedCopy(topic: String, body: UnsafeRawBufferPointer) -> Bool {
        guard self.crossingFilters.count(where: { $0.matches(topic) }) > 1 else { return false }
        let key = Self.key(topic, body, true)
        guard self.open[key] == nil else { return true }
        self.remember(key, [])
        return false
    }

    private mutating func remember(_ key: UInt64, _ identifiers: [UInt32]) {
        self.count += 1
        self.open[key, default: []].append(Open(number: self.count, identifiers: identifiers))
        guard self.order.count == Self.capacity else { return self.order.append((key, self.count)) }
        let old = self.order[self.oldest]
        if let index = self.open[old.key]?.firstIndex(where: { $0.number == old.number }) { self.close(old.key, at: index) }
        self.order[self.oldest] = (key, self.count)
        self.oldest = (self.oldest + 1) % Self.capacity
    }

    private mutating func close(_ key: UInt64, at index: Int) {
        self.open[key]!.remove(at: index)
        if self.open[key]!.isEmpty { self.open[key] = nil }
    }

    private static func key(_ topic: String, _ body: UnsafeRawBufferPointer, _ isRetained: Bool) -> UInt64 {
        var hash = Fingerprint()
        hash.add(topic)
        hash.add(body)
        hash.add(isRetained ? 1 : 0)
        return hash.value
    }
}
