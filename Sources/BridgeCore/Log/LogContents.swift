/// What a log on disk holds when the program starts.
package struct LogContents: Sendable {
    /// What one sink is owed.
    package struct Owed: Sendable, Equatable {
        /// How far the sink has come.
        package var mark: SinkMark
        /// How many deliveries it has not settled.
        package var count: Int
        /// What they weigh, in bytes.
        package var weight: Int

        /// Makes the record of one sink's backlog.
        package init(mark: SinkMark, count: Int, weight: Int) {
            self.mark = mark
            self.count = count
            self.weight = weight
        }
    }

    /// The place of the last event.
    package var head = Position.start
    /// By the name of the sink, only sinks that the file has.
    package var sinks: [String: Owed] = [:]
    /// Events that are owed to sinks which the file no longer has, by their names.
    package var orphans: [String: Int] = [:]
    /// By the name of the source.
    package var cursors: [String: String] = [:]
    /// When one of them was last written; `nil` when that is not known.
    package var cursorsWritten: Timestamp?
    /// The highest id of a dead letter ever given.
    package var lastDeadLetter: Int64 = 0
    /// By the name of the source, the latest ``ReceivedMessage/repeatKey``s in order.
    package var repeatKeys: [String: [UInt64]] = [:]
    /// Keys of `dedupe:` that have not expired.
    package var keys: [DeliveredKey] = []

    /// Makes the contents of an empty log.
    package init() {}
}
