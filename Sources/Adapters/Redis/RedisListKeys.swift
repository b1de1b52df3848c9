import BridgeCore

/// The names of the keys that a source uses next to a list.
///
/// All are in the slot of the list: a list without a hash tag becomes the tag of the others.
struct RedisListKeys: Equatable, Sendable {
    /// The list that senders write to.
    let list: String
    /// A sorted set of all processing lists, by the time of their reader's last sign of life, in milliseconds of the
    /// server.
    let registry: String

    init(list: String) {
        self.list = list
        self.registry = (RedisSlot.hasTag(list) ? list : "{\(list)}") + ":streambridge"
    }

    /// Whether a cluster keeps all keys on one node.
    var areInOneSlot: Bool { RedisSlot.hasTag(self.list) || !self.list.utf8.contains(UInt8(ascii: "}")) }

    /// The processing list of one session of a consumer.
    func processing(_ consumer: String, session: UInt64) -> String {
        "\(self.registry):\(consumer):\(session.hexadecimal)"
    }

    /// Whether a member of the registry names a processing list of the list; the registry belongs to a peer.
    func isProcessing(_ member: String) -> Bool {
        member.utf8.starts(with: "\(self.registry):".utf8) && Self.endsWithSession(member)
    }

    /// Whether a processing list belongs to a session of a consumer.
    func isProcessing(_ member: String, of consumer: String) -> Bool {
        let prefix = "\(self.registry):\(consumer):".utf8
        // The name of another consumer may begin with this one.
        return member.utf8.starts(with: prefix) && member.utf8.count == prefix.count + Self.sessionLength
            && Self.endsWithSession(member)
    }

    private static let sessionLength = 16

    private static func endsWithSession(_ member: String) -> Bool {
        let end = member.utf8.suffix(self.sessionLength + 1)
        return end.count == self.sessionLength + 1 && end.first == UInt8(ascii: ":")
            && end.dropFirst().allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}
