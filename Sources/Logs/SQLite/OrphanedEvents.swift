import BridgeCore

/// Events that are owed to sinks which the file no longer has: they go when they are too old, and for no other reason.
struct OrphanedEvents {
    private let marks: [SinkMark]
    /// The first of them when it was last looked for, behind everything once there are none.
    private var first: (position: Int64, accepted: Int64) = (0, 0)

    /// - Parameter sinks: those that are gone and still owed something.
    init(_ connection: borrowing SQLiteConnection, sinks: some Sequence<String>) throws {
        let marks = try LogReading.marks(connection)
        self.marks = sinks.compactMap { marks[$0] }
    }

    /// The place of the first that is left, `.max` when none is.
    ///
    /// - Parameters:
    ///   - oldest: the first place of the log.
    ///   - cutoff: what was accepted before it is too old, and counts no more.
    mutating func first(
        _ connection: borrowing SQLiteConnection, from oldest: Int64, since cutoff: Int64
    ) throws -> Int64 {
        guard self.first.position < oldest || self.first.accepted < cutoff else { return self.first.position }
        self.first = (.max, .max)
        let query = try connection.prepare(
            "SELECT position, accepted FROM events WHERE position > ? AND accepted >= ? AND instr(targets, ?) ORDER BY position")
        for mark in self.marks {
            query.bind(1, max(Int64(mark.position.rawValue), oldest - 1)).bind(2, cutoff).bind(3, LogReading.mention(mark.sink))
            while try query.step() {
                guard !mark.ahead.contains(Position(UInt64(clamping: query.integer(0)))) else { continue }
                if query.integer(0) < self.first.position { self.first = (query.integer(0), query.integer(1)) }
                query.reset()
                break
            }
        }
        return self.first.position
    }
}
