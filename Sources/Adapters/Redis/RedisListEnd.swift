/// An end of a list.
enum RedisListEnd: String, CaseIterable, Sendable {
    /// The tail, where senders that use LPUSH leave the oldest message.
    case right
    /// The head, where senders that use RPUSH leave the oldest message.
    case left
}
