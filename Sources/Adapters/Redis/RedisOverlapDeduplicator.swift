/// Recognises the copies of a message that matches several subscriptions of one connection.
///
/// Redis sends a message once for each matching subscription, in sequence: the channel's own first, then the patterns.
/// So a message with the same channel and body under a pattern that has not yet delivered it is a copy. A subscription
/// that delivers again begins the next message, even with the same text.
struct RedisOverlapDeduplicator {
    private var channel: [UInt8] = []
    private var body: [UInt8] = []
    /// The patterns that have delivered the message.
    private var patterns: Set<[UInt8]> = []
    private var isEmpty = true

    /// Processes the next message.
    ///
    /// - Parameter pattern: `nil` for one of the channel's own subscription.
    /// - Returns: whether it was received before, through another subscription.
    mutating func isCopy(
        _ channel: UnsafeRawBufferPointer, pattern: UnsafeRawBufferPointer?, _ body: UnsafeRawBufferPointer
    ) -> Bool {
        let pattern = pattern.map { Array($0) }
        if let pattern, !self.isEmpty, channel.elementsEqual(self.channel), !self.patterns.contains(pattern),
            body.elementsEqual(self.body)
        {
            self.patterns.insert(pattern)
            return true
        }
        self.isEmpty = false
        self.channel = Array(channel)
        self.body = Array(body)
        self.patterns = pattern.map { [$0] } ?? []
        return false
    }
}
