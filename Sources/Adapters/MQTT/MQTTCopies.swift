import BridgeCore

/// Tells copies: brokers send a message once for each subscription of a client that matches, each copy with the identifier of its subscription.
///
/// A message is a copy when the same topic and body came before through other subscriptions only, and is taken for the copy of one such
/// message: of what is published twice, two copies pass however they are mixed. So as many pass as came through the subscription that
/// brought most, and a subscription that is younger than another costs nothing. For one connection.
struct MQTTCopies {
    /// How many messages are remembered whose copies have not all come.
    private static let capacity = 4096

    /// A message of which copies may still come.
    private struct Open {
        let number: Int
        var identifiers: [UInt32]
    }

    /// Subscriptions that overlap others.
    private let crossing: [(identifier: UInt32, filter: MQTTTopicFilter)]
    /// Filters that overlap others, where nothing has identifiers.
    private let crossingFilters: [MQTTTopicFilter]
    private var open: [UInt64: [Open]] = [:]
    private var order: [(key: UInt64, number: Int)] = []
    private var oldest = 0
    private var count = 0

    init(_ plan: MQTTSubscriptionPlan) {
        self.crossing = plan.entries.compactMap { entry in entry.identifier.map { ($0, entry.subscription.filter) } }
        let own = plan.entries.map(\.subscription).filter { $0.share == nil }.map(\.filter)
        self.crossingFilters =
            self.crossing.isEmpty ? own.filter { one in own.contains { $0 != one && $0.overlaps(one) } } : []
    }

    /// Whether there can be copies at all.
    var isNeeded: Bool { !self.crossing.isEmpty || !self.crossingFilters.isEmpty }

    /// - Parameter identifiers: of the subscriptions that this copy came for.
    mutating func isCopy(topic: String, body: UnsafeRawBufferPointer, isRetained: Bool, identifiers: [UInt32]) -> Bool {
        guard !self.crossing.isEmpty else {
            return isRetained && self.isRetainedCopy(topic: topic, body: body)
        }
        let matching = self.crossing.filter { $0.filter.matches(topic) }.map(\.identifier)
        guard matching.count > 1 else { return false }
        // Those of an earlier file say nothing about the ones of today.
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

    /// MQTT 3.1.1: a retained message comes as the answer to a SUBSCRIBE, and each filter is subscribed to once in a connection.
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
