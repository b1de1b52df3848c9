import BridgeCore

/// Appends the dead letters that are pending for sinks in a log before version 7, in their original order.
///
/// Such a log has them in their own table only. Unreadable ones get no record; an operator can drop them.
enum DeadLetterMigration {
    /// Must run inside the transaction of the migration.
    ///
    /// - Throws: ``LogError``.
    static func run(_ connection: borrowing SQLiteConnection) throws {
        // The same empty bridge name in both directions leaves the events unchanged.
        let rows = EventRows(bridge: "")
        let ids = try connection.prepare("SELECT id FROM dead_letters WHERE target IS NOT NULL AND replay = 0 ORDER BY id")
        let insert = try connection.prepare(
            """
            INSERT INTO events (position, accepted, source, subject, event, raw, attributes, passage, kind, targets, weight, letter)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        var position = try connection.integer("SELECT \(LogReading.head)")
        while try ids.step() {
            let found = try LogReading.letters(connection, "id = \(ids.integer(0))", rows)
            guard let letter = found.letters.first, let target = letter.target else { continue }
            position += 1
            let event = letter.undelivered
            insert.bind(1, position).bind(2, Timestamp.now().milliseconds)
            insert.bind(10, rows.text(of: [StoredEvent.Target(sink: target, route: "", variant: 0, copy: -1)]))
            insert.bind(11, Int64(event.weight)).bind(12, letter.id)
            try rows.bind(event, to: insert, from: 3) { try insert.run() }
        }
    }
}
