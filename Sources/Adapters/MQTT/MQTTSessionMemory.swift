import BridgeCore
import Logging

/// Stores which subscriptions the broker's session holds, and the state of its packet identifiers.
///
/// So removed filters can be unsubscribed, and unchanged ones need no retained messages again.
///
/// One line for the session, then one for each subscription: `=` when the broker has granted it, `?` while that is
/// uncertain.
struct MQTTSessionMemory {
    /// The limit of a cursor.
    private static let limit = 4096

    /// The known content of a session.
    struct Contents: Equatable {
        /// Descriptions of granted subscriptions.
        var granted: Set<ExactText> = []
        /// Filters in the broker's form, granted or not.
        var filters: [String] = []
        /// `nil` when nothing is known.
        var packets: MQTTDuplicateDetector.Session?
        /// Whether messages have arrived at QoS 0, which the broker does not store.
        var hasAtMostOnce = false
    }

    let context: ComponentContext
    /// Identifies the session: broker and client id.
    let session: UInt64
    let packets: MQTTDuplicateDetector
    let hasAtMostOnce: Bool

    init(
        context: ComponentContext, broker: String, clientID: String, packets: MQTTDuplicateDetector, hasAtMostOnce: Bool
    ) {
        self.context = context
        self.packets = packets
        self.hasAtMostOnce = hasAtMostOnce
        var hash = Fingerprint()
        hash.add(broker)
        hash.add(clientID)
        self.session = hash.value
    }

    /// The stored state of this session; empty if it is of another one.
    func contents() -> Contents {
        guard let text = self.context.cursors.cursor(of: self.context.name) else { return Contents() }
        let lines = Self.split(text[...], UInt8(ascii: "\n"))
        guard let first = lines.first else { return Contents() }
        // Version 0.1.0 wrote filters only.
        guard first.hasPrefix("session ") else { return Contents(filters: lines.map(String.init)) }
        let words = Self.split(first, UInt8(ascii: " "))
        guard words.count > 1, words[1] == String(self.session, radix: 16) else { return Contents() }
        var contents = Contents()
        if words.count > 3, let number = UInt64(words[2], radix: 16) {
            contents.packets = MQTTDuplicateDetector.Session(number: number, countsUp: words[3] == Self.counting)
        }
        contents.hasAtMostOnce = words.count > 4 && words[4] == Self.atMostOnce
        for line in lines.dropFirst() {
            let parts = Self.split(line, UInt8(ascii: " "), atMost: 2)
            guard parts.count == 3 else { continue }
            contents.filters.append(String(parts[2]))
            if parts[0] == "=" { contents.granted.insert(ExactText(Substring(line.utf8.dropFirst(2)))) }
        }
        return contents
    }

    /// Splits by bytes: a combining mark at the start of a filter would form one character with the separator.
    private static func split(_ text: Substring, _ separator: UInt8, atMost limit: Int = .max) -> [Substring] {
        text.utf8.split(separator: separator, maxSplits: limit).map { Substring($0) }
    }

    /// Stores that these filters are being requested, and that the broker may still have the others.
    func asking(for entries: [MQTTSubscriptionPlan.Entry], granted: Set<ExactText>, besides stale: [String]) throws {
        let asked = entries.map(Self.description).map { (granted.contains(ExactText($0)) ? "= " : "? ") + $0 }
        try self.write(asked + stale.map { "? - \($0)" })
    }

    /// Stores that the broker has exactly these.
    ///
    /// - Parameter refused: the filters that it does not have, in the broker's form.
    func granted(_ entries: [MQTTSubscriptionPlan.Entry], but refused: Set<ExactText> = []) throws {
        try self.write(entries.map { (refused.contains(ExactText($0.wireFilter)) ? "? " : "= ") + Self.description(of: $0) })
    }

    /// Describes a subscription with everything that decides whether it must be requested again.
    static func description(of entry: MQTTSubscriptionPlan.Entry) -> String {
        let subscription = entry.subscription
        return "\(subscription.qos),\(subscription.retained.rawValue),\(entry.identifier ?? 0) \(entry.wireFilter)"
    }

    /// Stores the known state of the packet identifiers and the quality of service.
    func keepPackets() throws {
        let lines = Self.split((self.context.cursors.cursor(of: self.context.name) ?? "")[...], UInt8(ascii: "\n"))
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
                "Too many filters to store; filters removed from the file stay subscribed until the session expires",
                metadata: ["bytes": "\(text.utf8.count)"]
            )
            text = self.head
        }
        guard self.context.cursors.cursor(of: self.context.name).map(ExactText.init) != ExactText(text) else { return }
        try self.context.cursors.move(text, of: self.context.name)
    }
}
