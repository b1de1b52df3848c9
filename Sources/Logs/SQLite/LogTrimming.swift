import BridgeCore

/// Removes delivered events above the limits of count, age and size, in portions.
struct LogTrimming {
    /// The number of events in one portion, which bounds how long a commit waits.
    private static let piece: Int64 = 5000
    /// The number of events that are always kept, for the detection of duplicates.
    ///
    /// Where they are too large, only their keys are kept.
    private static let least: Int64 = 4096

    let settings: DurableLogSettings

    /// See ``LogStore/trim(before:)``.
    ///
    /// - Parameter orphans: from the first of them on, only age removes events.
    func trim(
        _ connection: borrowing SQLiteConnection, before position: Position, _ orphans: inout OrphanedEvents
    ) throws -> Bool {
        let newest = try connection.integer("SELECT ifnull(max(position), 0) FROM events")
        let oldest = try connection.integer("SELECT ifnull(min(position), 0) FROM events")
        let excess = try Self.size(connection) - Int64(self.settings.bytes)
        let limit = min(Int64(position.rawValue), newest - Self.least + 1)
        let cutoff = Timestamp.now().milliseconds - self.settings.age.milliseconds
        let orphan = try orphans.first(connection, from: oldest, since: cutoff)
        guard oldest > 0, oldest < limit else {
            guard excess > 0 else { return false }
            return try Self.removeLatest(connection, excess, oldest, newest, before: min(Int64(position.rawValue), orphan))
        }
        let end = min(limit, oldest + Self.piece)
        let free = min(end, orphan)
        var last = min(free, newest - Int64(self.settings.events) + 1)
        last = max(
            last,
            try connection.integer(
                "SELECT ifnull(max(position), 0) + 1 FROM events WHERE position < \(end) AND accepted < \(cutoff)"
            )
        )
        if excess > 0 { last = max(last, try Self.place(connection, freeing: excess, from: oldest, before: free)) }
        guard last > oldest else { return false }
        try connection.transaction {
            try Self.remove(connection, before: last, newest: newest)
        }
        return excess > 0 || last == end
    }

    /// Removes large events even among the last ``least``, and keeps their keys for the detection of duplicates.
    ///
    /// The very last event stays, because positions continue after it.
    private static func removeLatest(
        _ connection: borrowing SQLiteConnection, _ excess: Int64, _ oldest: Int64, _ newest: Int64, before position: Int64
    ) throws -> Bool {
        let end = min(position, newest, oldest + Self.piece)
        guard oldest > 0, oldest < end else { return false }
        let last = try Self.place(connection, freeing: excess, from: oldest, before: end)
        try connection.transaction {
            try connection.execute(
                """
                INSERT OR REPLACE INTO repeat_keys SELECT position, source, repeat_key FROM events
                WHERE position < \(last) AND repeat_key IS NOT NULL
                """
            )
            try Self.remove(connection, before: last, newest: newest)
        }
        return true
    }

    private static func remove(_ connection: borrowing SQLiteConnection, before last: Int64, newest: Int64) throws {
        try connection.execute(
            """
            DELETE FROM events WHERE position < \(last);
            DELETE FROM repeat_keys WHERE position <= \(newest - Self.least);
            UPDATE sinks SET forgotten = max(forgotten,
            (SELECT ifnull(max(sequence + count - 1), 0) FROM numbers WHERE numbers.sink = sinks.name AND last < \(last)));
            DELETE FROM numbers WHERE last < \(last);
            DELETE FROM delivered_keys WHERE expires < \(Timestamp.now().milliseconds);
            """
        )
    }

    /// The position before which enough events lie to free `excess` bytes, at most `end`.
    private static func place(
        _ connection: borrowing SQLiteConnection, freeing excess: Int64, from first: Int64, before end: Int64
    ) throws -> Int64 {
        try connection.integer(
            """
            SELECT ifnull(min(position) + 1, \(end)) FROM (SELECT position, sum(weight) OVER (ORDER BY position) AS total
            FROM events WHERE position >= \(first) AND position < \(end)) WHERE total >= \(excess)
            """
        )
    }

    /// The bytes of the file in use, without its free pages.
    private static func size(_ connection: borrowing SQLiteConnection) throws -> Int64 {
        let pages = try connection.integer("PRAGMA page_count") - connection.integer("PRAGMA freelist_count")
        return try pages * connection.integer("PRAGMA page_size")
    }
}
