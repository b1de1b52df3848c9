import BridgeCore

/// What the broker is asked for, so that filters of one source that overlap bring each message once.
///
/// A filter that another one covers is not asked for, as long as the covering one has at least its QoS; which retained messages are wanted is
/// then decided here, by the filters of the file. Where filters overlap and both are needed, the broker may send a copy for each:
/// with MQTT 5 each has an identifier that comes with its copy (§3.8.2.1.2), see ``MQTTCopies``. Without identifiers copies cannot
/// be told apart, so all that overlap are asked for with the highest QoS among them: a broker that sends one copy only then sends a safe one.
struct MQTTSubscriptionPlan: Sendable {
    /// One subscription as the broker gets it.
    struct Entry: Sendable {
        var subscription: MQTTSubscription
        /// The subscription identifier; `nil` where no other filter overlaps.
        var identifier: UInt32?

        var wireFilter: String { self.subscription.wireFilter }
    }

    /// In the order of the file.
    private(set) var entries: [Entry]

    /// - Parameter hasIdentifiers: whether the broker takes subscription identifiers.
    init(_ subscriptions: [MQTTSubscription], hasIdentifiers: Bool) {
        var own = subscriptions.filter { $0.share == nil }
        if !hasIdentifiers { own = own.map { Self.raised($0, among: own) } }
        let needed = own.filter { one in
            !own.contains { $0.filter != one.filter && $0.filter.covers(one.filter) && $0.qos >= one.qos }
        }
        self.entries = subscriptions.compactMap { subscription in
            guard subscription.share == nil else { return Entry(subscription: subscription) }
            guard var one = needed.first(where: { $0.filter == subscription.filter }) else { return nil }
            let covered = own.filter { one.filter.covers($0.filter) }
            // The broker must send what any of them wants.
            one.retained = covered.map(\.retained).max { $0.breadth < $1.breadth } ?? one.retained
            return Entry(subscription: one)
        }
        if hasIdentifiers { self.identify() }
    }

    private static func raised(_ subscription: MQTTSubscription, among all: [MQTTSubscription]) -> MQTTSubscription {
        var result = subscription
        result.qos = all.filter { $0.filter.overlaps(subscription.filter) }.map(\.qos).max() ?? subscription.qos
        return result
    }

    /// An identifier is made of its filter: one of an earlier file, on messages that have waited in the session, means no other filter.
    private mutating func identify() {
        var taken: Set<UInt32> = []
        for index in self.entries.indices where self.isCrossed(index) {
            var hash = Fingerprint()
            hash.add(self.entries[index].wireFilter)
            // 1 to 268 435 455 is allowed.
            var identifier = UInt32(hash.value % 0x0fff_ffff) + 1
            while !taken.insert(identifier).inserted { identifier = identifier % 0x0fff_ffff + 1 }
            self.entries[index].identifier = identifier
        }
    }

    private func isCrossed(_ index: Int) -> Bool {
        let one = self.entries[index].subscription
        guard one.share == nil else { return false }
        return self.entries.enumerated().contains {
            $0.offset != index && $0.element.subscription.share == nil && $0.element.subscription.filter.overlaps(one.filter)
        }
    }
}

extension MQTTSubscription.Retained {
    /// How many retained messages it lets through, compared with the others.
    fileprivate var breadth: Int {
        switch self {
        case .ignore: 0
        case .firstTime: 1
        case .accept: 2
        }
    }
}
