import BridgeCore

/// Appends the dead letters that a log before version 7 owes to sinks, in the order in which they were given up.
///
/// Such a log has them in their own table only. Unreadable ones get no record, and stay for an operator.
enum DeadLetterMigration {
    /// Must run inside the transaction of the migration.
    ///
    /// - Throws: ``LogError``.
    static func run(_ connection: borrowing SQLiteConnection) throws {
        // The name of the bridge stands for itself in both directions.
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
