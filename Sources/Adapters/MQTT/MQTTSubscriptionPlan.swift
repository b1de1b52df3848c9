import BridgeCore

/// The subscriptions to request, so that overlapping filters of one source deliver each message once.
///
/// A filter that another one covers is not requested if the covering one has at least its QoS. The configured filters
/// then decide which retained messages are accepted. If overlapping filters are both needed, the broker may send a copy
/// for each. With MQTT 5 each copy has the identifier of its filter (§3.8.2.1.2), see ``MQTTOverlapDeduplicator``.
/// Without identifiers, copies cannot be distinguished, so all overlapping filters get the highest QoS among them. A
/// broker that sends only one copy then sends a safe one.
struct MQTTSubscriptionPlan: Sendable {
    /// One subscription in the broker's form.
    struct Entry: Sendable {
        var subscription: MQTTSubscription
        /// The subscription identifier; `nil` where no other filter overlaps.
        var identifier: UInt32?

        var wireFilter: String { self.subscription.wireFilter }
    }

    /// In the order of the file.
    private(set) var entries: [Entry]

    /// - Parameter hasIdentifiers: whether the broker supports subscription identifiers.
    init(_ subscriptions: [MQTTSubscription], hasIdentifiers: Bool) {
        let own = hasIdentifiers ? subscriptions : Self.raised(subscriptions)
        let tree = MQTTFilterTree(own.indices.lazy.filter { own[$0].share == nil }.map { (value: $0, filter: own[$0].filter) })
        var isNeeded = own.map { _ in true }
        var retained = own.map(\.retained)
        for (index, subscription) in own.enumerated() where subscription.share == nil {
            tree.forEachCovering(subscription.filter) { covering in
                // The broker must send every retained message that any covered filter accepts.
                if retained[covering].breadth < subscription.retained.breadth { retained[covering] = subscription.retained }
                if own[covering].filter != subscription.filter, own[covering].qos >= subscription.qos { isNeeded[index] = false }
            }
        }
        self.entries = own.indices.filter { isNeeded[$0] }.map { index in
            var subscription = own[index]
            subscription.retained = retained[index]
            return Entry(subscription: subscription)
        }
        if hasIdentifiers { self.identify() }
    }

    /// The subscriptions, where those that overlap one of QoS 1 have QoS 1 too.
    private static func raised(_ subscriptions: [MQTTSubscription]) -> [MQTTSubscription] {
        let acknowledged = MQTTFilterTree(
            subscriptions.enumerated().lazy.filter { $0.element.share == nil && $0.element.qos > 0 }
                .map { (value: $0.offset, filter: $0.element.filter) }
        )
        return subscriptions.enumerated().map { index, subscription in
            guard subscription.share == nil, subscription.qos == 0 else { return subscription }
            var result = subscription
            if acknowledged.mayOverlap(subscription.filter, of: index) { result.qos = 1 }
            return result
        }
    }

    /// An identifier is derived from its filter, so that one of an earlier configuration, on messages that have waited
    /// in the session, matches no other filter.
    private mutating func identify() {
        let tree = MQTTFilterTree(
            self.entries.enumerated().lazy.filter { $0.element.subscription.share == nil }
                .map { (value: $0.offset, filter: $0.element.subscription.filter) }
        )
        var taken: Set<UInt32> = []
        for (index, subscription) in self.entries.map(\.subscription).enumerated()
        where subscription.share == nil && tree.mayOverlap(subscription.filter, of: index) {
            var hash = Fingerprint()
            hash.add(self.entries[index].wireFilter)
            // 1 to 268 435 455 is allowed.
            var identifier = UInt32(hash.value % 0x0fff_ffff) + 1
            while !taken.insert(identifier).inserted { identifier = identifier % 0x0fff_ffff + 1 }
            self.entries[index].identifier = identifier
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
