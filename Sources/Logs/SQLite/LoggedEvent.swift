package import BridgeCore

/// Finds an event of a log on disk by its id, also while the program runs.
package enum LoggedEvent {
    /// Reads the latest event with an id; the file is not changed.
    ///
    /// Events that every sink has confirmed stay for as long as `retain` says, and dead letters longer.
    ///
    /// - Parameters:
    ///   - path: an existing log.
    ///   - bridge: the name of the program, which events of earlier builds do not have.
    /// - Returns: `nil` when there is none.
    /// - Throws: ``LogError``.
    package static func find(id: String, in path: String, bridge: String) throws -> Event? {
        // Outlives the connection: see ``FileLock``.
        let lock = try FileLock(lookingAt: path)
        defer { withExtendedLifetime(lock) {} }
        let connection = try SQLiteConnection(path: path, creates: false, isReadOnly: true)
        guard try connection.integer("PRAGMA application_id") == LogSchema.application else {
            throw LogError("\(path) is a database, but not a log of this program; name another file")
        }
        let rows = EventRows(bridge: bridge)
        for (table, order) in [("events", "kind, position DESC"), ("dead_letters", "kind, id DESC")] {
            // The search for the text is far cheaper than to parse each event.
            let statement = try connection.prepare(
                "SELECT \(LogReading.eventColumns) FROM \(table) WHERE instr(event, ?1) AND json_valid(event) AND json_extract(event, '$.id') = ?1 "
                    + "ORDER BY \(order) LIMIT 1")
            statement.bind(1, id)
            guard try statement.step() else { continue }
            let event = rows.event(rows.columns(statement, from: 0))
            statement.reset()
            if let event { return event }
        }
        return nil
    }
}
