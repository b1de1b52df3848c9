/// What a log on disk holds when the program starts.
package struct LogContents: Sendable {
    /// The backlog of one sink.
    package struct Owed: Sendable, Equatable {
        /// The sink's cursor.
        package var mark: SinkMark
        /// The number of unsettled deliveries.
        package var count: Int
        /// Their weight in bytes.
        package var weight: Int
        /// By key of `replace_key:`, the position of the last of them.
        package var newest: [String: Position] = [:]

        /// Makes the record of one sink's backlog.
        package init(mark: SinkMark, count: Int, weight: Int) {
            self.mark = mark
            self.count = count
            self.weight = weight
        }

        /// Counts one unsettled delivery; call it in the order of positions.
        ///
        /// - Parameters:
        ///   - key: the key of the delivery; only one of `replace_key:` is kept.
        ///   - weight: the weight of the event in bytes.
        package mutating func add(key: DedupeKey?, at position: Position, weight: Int) {
            self.count += 1
            self.weight += weight
            if let key, key.replaces { self.newest[key.text] = position }
        }
    }

    /// The position of the last event.
    package var head = Position.start
    /// By the name of the sink; only sinks in the configuration.
    package var sinks: [String: Owed] = [:]
    /// The number of pending events of sinks that the configuration no longer has, by name.
    package var orphans: [String: Int] = [:]
    /// By the name of the source.
    package var cursors: [String: String] = [:]
    /// When one of them was last written; `nil` when unknown.
    package var cursorsWritten: Timestamp?
    /// The highest id of any dead letter so far.
    package var lastDeadLetter: Int64 = 0
    /// By the name of the source, the latest ``ReceivedMessage/repeatKey``s in order.
    package var repeatKeys: [String: [UInt64]] = [:]
    /// Keys of `dedupe:` that have not expired.
    package var keys: [DeliveredKey] = []
    /// What the tools of routes kept.
    package var flow = StoredFlow()

    /// Makes the contents of an empty log.
    package init() {}
}
