/// An entry that a group has delivered and that is not acknowledged.
struct RedisPendingEntry: Sendable {
    let id: String
    /// The consumer that it was delivered to.
    let consumer: String
    /// Milliseconds since it was last delivered or kept alive.
    let idle: Int64
    /// How often it was delivered.
    let deliveries: Int

    /// Reads the entries of an XPENDING answer.
    static func entries(_ reply: RedisReply) -> [RedisPendingEntry] {
        (reply.items ?? []).compactMap { entry in
            guard let parts = entry.items, parts.count >= 4, let id = parts[0].text, case .integer(let idle) = parts[2],
                case .integer(let deliveries) = parts[3]
            else { return nil }
            return RedisPendingEntry(id: id, consumer: parts[1].text ?? "", idle: idle, deliveries: Int(deliveries))
        }
    }
}
