/// Tells the copies of a message that several subscriptions of one connection bring.
///
/// Redis sends what is published once for each subscription that matches, all of them one after the other: the channel's own first, then
/// the patterns. So what follows with the same channel and body under a pattern that has not had its turn is a copy, and a subscription
/// whose turn comes again brings the next message, be it of the same text.
struct RedisCopies {
    private var channel: [UInt8] = []
    private var body: [UInt8] = []
    /// The patterns that have brought the message.
    private var patterns: Set<[UInt8]> = []
    private var isEmpty = true

    /// Takes the next message as it comes.
    ///
    /// - Parameter pattern: `nil` for one of the channel's own subscription.
    /// - Returns: whether it has been taken before, under another subscription.
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
