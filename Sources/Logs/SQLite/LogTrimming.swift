import BridgeCore

/// Removes delivered events that are too many, too old or too large, a piece at a time.
struct LogTrimming {
    /// How many events go at once, so that writing never waits long.
    private static let piece: Int64 = 5000
    /// So many are kept in any case: what a peer sends again is told by them.
    private static let least: Int64 = 4096

    let settings: DurableLogSettings

    /// See ``LogStore/trim(before:)``.
    func trim(_ connection: borrowing SQLiteConnection, before position: Position) throws -> Bool {
        let newest = try connection.integer("SELECT ifnull(max(position), 0) FROM events")
        let oldest = try connection.integer("SELECT ifnull(min(position), 0) FROM events")
        let limit = min(Int64(position.rawValue), newest - Self.least + 1)
        guard oldest > 0, oldest < limit else { return false }
        let end = min(limit, oldest + Self.piece)
        var last = min(end, newest - Int64(self.settings.events) + 1)
        let cutoff = Timestamp.now().milliseconds - self.settings.age.milliseconds
        last = max(
            last,
            try connection.integer(
                "SELECT ifnull(max(position), 0) + 1 FROM events WHERE position < \(end) AND accepted < \(cutoff)"
            )
        )
        if try Self.size(connection) > Int64(self.settings.bytes) { last = end }
        guard last > oldest else { return false }
        try connection.transaction {
            try connection.execute("DELETE FROM events WHERE position < \(last)")
            try connection.execute(
                """
                UPDATE sinks SET forgotten = max(forgotten, (SELECT ifnull(max(sequence + count - 1), 0) FROM numbers
                WHERE numbers.sink = sinks.name AND last < \(last)))
                """
            )
            try connection.execute("DELETE FROM numbers WHERE last < \(last)")
            try connection.execute("DELETE FROM delivered_keys WHERE expires < \(Timestamp.now().milliseconds)")
        }
        return last == end
    }

    /// What the file holds, in bytes, without what is free in it.
    private static func size(_ connection: borrowing SQLiteConnection) throws -> Int64 {
        let pages = try connection.integer("PRAGMA page_count") - connection.integer("PRAGMA freelist_count")
        return try pages * connection.integer("PRAGMA page_size")
    }
}
