import BridgeCore
import Logging

/// Remembers which subscriptions the broker's session holds: those that left the file can then be ended, and those that are granted
/// unchanged need no retained messages again; and what is known of its packet identifiers.
///
/// One line for the session, then one for each subscription: `=` when the broker has granted it, `?` while that is unsure.
struct MQTTSessionMemory {
    /// The bound of a cursor.
    private static let limit = 4096

    /// What a session holds as far as we know.
    struct Contents: Equatable {
        /// Descriptions of what is granted.
        var granted: Set<String> = []
        /// Filters as the broker reads them, granted or not.
        var filters: [String] = []
        /// `nil` when nothing is known.
        var packets: MQTTPacketIdentifiers.Session?
        /// Whether messages have come at QoS 0, of which the broker keeps none.
        var hasAtMostOnce = false
    }

    let context: ComponentContext
    /// Which session it is: broker and client id.
    let session: UInt64
    let packets: MQTTPacketIdentifiers
    let hasAtMostOnce: Bool

    init(
        context: ComponentContext, broker: String, clientID: String, packets: MQTTPacketIdentifiers, hasAtMostOnce: Bool
    ) {
        self.context = context
        self.packets = packets
        self.hasAtMostOnce = hasAtMostOnce
        var hash = Fingerprint()
        hash.add(broker)
        hash.add(clientID)
        self.session = hash.value
    }

    /// What is remembered of this session; nothing when it is another one that is.
    func contents() -> Contents {
        guard let text = self.context.cursors.cursor(of: self.context.name) else { return Contents() }
        let lines = text.split(separator: "\n")
        guard let first = lines.first else { return Contents() }
        // Version 0.1.0 wrote filters only.
        guard first.hasPrefix("session ") else { return Contents(filters: lines.map(String.init)) }
        let words = first.split(separator: " ")
        guard words.count > 1, words[1] == String(self.session, radix: 16) else { return Contents() }
        var contents = Contents()
        if words.count > 3, let number = UInt64(words[2], radix: 16) {
            contents.packets = MQTTPacketIdentifiers.Session(number: number, countsUp: words[3] == Self.counting)
        }
        contents.hasAtMostOnce = words.count > 4 && words[4] == Self.atMostOnce
        for line in lines.dropFirst() {
            let parts = line.split(separator: " ", maxSplits: 2)
            guard parts.count == 3 else { continue }
            contents.filters.append(String(parts[2]))
            if parts[0] == "=" { contents.granted.insert(String(line.dropFirst(2))) }
        }
        return contents
    }

    /// Remembers that the broker is being asked for these, and that it may hold the others.
    func asking(for entries: [MQTTSubscriptionPlan.Entry], granted: Set<String>, besides stale: [String]) throws {
        let asked = entries.map(Self.description).map { (granted.contains($0) ? "= " : "? ") + $0 }
        try self.write(asked + stale.map { "? - \($0)" })
    }

    /// Remembers that the broker holds these and no others.
    ///
    /// - Parameter refused: those of them that it does not hold, as it reads them.
    func granted(_ entries: [MQTTSubscriptionPlan.Entry], but refused: Set<String> = []) throws {
        try self.write(entries.map { (refused.contains($0.wireFilter) ? "? " : "= ") + Self.description(of: $0) })
    }

    /// A subscription with all that matters for whether it must be asked for again.
    static func description(of entry: MQTTSubscriptionPlan.Entry) -> String {
        let subscription = entry.subscription
        return "\(subscription.qos),\(subscription.retained.rawValue),\(entry.identifier ?? 0) \(entry.wireFilter)"
    }

    /// Remembers what has become known of the packet identifiers and the quality of service.
    func keepPackets() throws {
        let lines = self.context.cursors.cursor(of: self.context.name)?.split(separator: "\n") ?? []
        try self.write(lines.dropFirst().map(String.init))
    }

    private static let counting = "counting"
    private static let atMostOnce = "at-most-once"

    private var head: String {
        let packets = self.packets.session
        let words = [
            String(self.session, radix: 16), String(packets.number, radix: 16), packets.countsUp ? Self.counting : "unknown",
        ]
        return "session " + (words + (self.hasAtMostOnce ? [Self.atMostOnce] : [])).joined(separator: " ")
    }

    private func write(_ lines: [String]) throws {
        var text = ([self.head] + lines).joined(separator: "\n")
        if text.utf8.count > Self.limit {
            self.context.logger.info(
                "Too many filters to remember: those that leave the file stay subscribed until the session expires",
                metadata: ["bytes": "\(text.utf8.count)"]
            )
            text = self.head
        }
        guard self.context.cursors.cursor(of: self.context.name) != text else { return }
        try self.context.cursors.move(text, of: self.context.name)
    }
}
