import BridgeCore

/// The events that are pending for sinks which the configuration no longer has; only age removes them.
struct OrphanedEvents {
    private var marks: [SinkMark]
    /// The first of them at the last search; `.max` once there are none.
    private var first: (position: Int64, accepted: Int64) = (0, 0)

    /// - Parameter sinks: the removed sinks with pending deliveries.
    init(_ connection: borrowing SQLiteConnection, sinks: some Sequence<String>) throws {
        let marks = try LogReading.marks(connection)
        self.marks = sinks.compactMap { marks[$0] }
    }

    /// Adds a sink that the configuration no longer has; its cursor has been written.
    mutating func add(_ sink: String, _ connection: borrowing SQLiteConnection) throws {
        guard let mark = try LogReading.marks(connection)[sink] else { return }
        self.remove(sink)
        self.marks.append(mark)
    }

    /// Removes a sink that the configuration has again.
    mutating func remove(_ sink: String) {
        self.marks.removeAll { $0.sink == sink }
        // Searches again.
        self.first = (0, 0)
    }

    /// The position of the first remaining one, `.max` when there is none.
    ///
    /// - Parameters:
    ///   - oldest: the first position of the log.
    ///   - cutoff: events accepted before it are too old and do not count, in milliseconds since 1970.
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
