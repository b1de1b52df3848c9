import BridgeCore

/// Removes published dead letters above limits of their own, in portions.
///
/// Most are removed with the events between which they were published. Without routed events nothing else removes them.
enum NumberedLetterTrimming {
    private static let piece = 5000

    /// Removes letters above the limits of count and age, which are those of events.
    ///
    /// - Parameter cutoff: letters published before it are too old, in milliseconds since 1970.
    static func trim(_ connection: borrowing SQLiteConnection, atMost limit: Int, since cutoff: Int64) throws {
        let newest = try connection.integer("SELECT ifnull(max(rowid), 0) FROM numbered_letters")
        guard newest > 0 else { return }
        let old = try connection.integer(
            """
            SELECT ifnull(max(rowid), 0) FROM (SELECT rowid, time FROM numbered_letters ORDER BY rowid LIMIT \(Self.piece))
            WHERE time < \(cutoff)
            """
        )
        try Self.remove(connection, through: max(old, newest - Int64(limit)))
    }

    /// Removes the oldest letters to free `excess` bytes.
    ///
    /// - Returns: whether it removed any.
    static func trim(_ connection: borrowing SQLiteConnection, freeing excess: Int64) throws -> Bool {
        let last = try connection.integer(
            """
            SELECT ifnull(min(CASE WHEN total >= \(excess) THEN rowid END), ifnull(max(rowid), 0)) FROM (
            SELECT rowid, sum(length(event) + ifnull(length(raw), 0) + 256) OVER (ORDER BY rowid) AS total FROM numbered_letters
            ORDER BY rowid LIMIT \(Self.piece))
            """
        )
        return try Self.remove(connection, through: last)
    }

    @discardableResult
    private static func remove(_ connection: borrowing SQLiteConnection, through last: Int64) throws -> Bool {
        guard last > 0, try connection.integer("SELECT EXISTS (SELECT 1 FROM numbered_letters WHERE rowid <= \(last))") > 0 else {
            return false
        }
        try connection.transaction {
            try connection.execute(
                """
                UPDATE sinks SET forgotten = max(forgotten, (SELECT ifnull(max(sequence), 0) FROM numbered_letters
                WHERE numbered_letters.sink = sinks.name AND numbered_letters.rowid <= \(last)));
                DELETE FROM numbered_letters WHERE rowid <= \(last);
                """
            )
        }
        return true
    }
}
