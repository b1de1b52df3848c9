/// The latest ``ReceivedMessage/repeatKey``s of one source: what the log has taken and its peer may send again.
struct RepeatKeys {
    /// More than any peer keeps unacknowledged.
    static let capacity = SourceOutlet.repeatMemory

    private var known: Set<UInt64> = []
    private var order: [UInt64] = []
    private var oldest = 0

    /// - Parameter keys: those of an earlier run, in order.
    init(_ keys: [UInt64] = []) {
        for key in keys { _ = self.insert(key) }
    }

    func contains(_ key: UInt64) -> Bool { self.known.contains(key) }

    /// - Returns: false when it is among the latest already.
    mutating func insert(_ key: UInt64) -> Bool {
        guard self.known.insert(key).inserted else { return false }
        if self.order.count < Self.capacity {
            self.order.append(key)
        } else {
            self.known.remove(self.order[self.oldest])
            self.order[self.oldest] = key
            self.oldest = (self.oldest + 1) % Self.capacity
        }
        return true
    }
}
