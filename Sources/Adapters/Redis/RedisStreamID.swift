/// The id of an entry: `milliseconds` or `milliseconds-sequence`.
struct RedisStreamID {
    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), parts.allSatisfy({ UInt64($0) != nil }) else { return nil }
    }
}
