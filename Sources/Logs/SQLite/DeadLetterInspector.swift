package import BridgeCore

/// The dead letters of a log, for an operator's commands; usable with and without a running program.
///
/// For one thread at a time.
package struct DeadLetterInspector: ~Copyable {
    /// Selects dead letters; both conditions must hold.
    package struct Selection: Sendable {
        /// Their ids; `nil` selects every id.
        package var ids: [Int64]?
        /// The sink that abandoned them; `nil` selects every sink.
        package var sink: String?

        /// Selects all dead letters by default.
        package init(ids: [Int64]? = nil, sink: String? = nil) {
            self.ids = ids
            self.sink = sink
        }

        var condition: String {
            var parts: [String] = []
            if let ids { parts.append("id IN (\(ids.map(String.init).joined(separator: ",")))") }
            if let sink { parts.append("sink = '\(sink.replacing("'", with: "''"))'") }
            return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
        }
    }

    /// The result of a change.
    package struct Outcome: Sendable, Equatable {
        /// The number of changed dead letters.
        package var done = 0
        /// The unchanged dead letters with the reasons.
        package var refused: [Refusal] = []
    }

    /// Why one dead letter was not changed.
    package struct Refusal: Sendable, Equatable {
        /// The id of the dead letter.
        package let id: Int64
        /// The reason in words, without a final stop.
        package let reason: String
        /// Whether the requested state holds or is reached without the change.
        package let isMet: Bool

        /// Makes a refusal.
        package init(id: Int64, reason: String, isMet: Bool = false) {
            self.id = id
            self.reason = reason
            self.isMet = isMet
        }
    }

    let connection: SQLiteConnection
    let rows = EventRows(bridge: "")
    /// The names of the sinks in the configuration file.
    let sinks: Set<String>
    private let lock: FileLock

    /// Opens a log and migrates its tables.
    ///
    /// - Parameters:
    ///   - path: an existing log.
    ///   - sinks: the names of the sinks in the configuration file.
    /// - Throws: ``LogError``.
    package init(path: String, sinks: [String]) throws {
        let lock = try FileLock(lookingAt: path)
        let connection = try SQLiteConnection(path: path, creates: false)
        try LogSchema.migrate(connection)
        self.lock = lock
        self.connection = connection
        self.sinks = Set(sinks)
    }

    /// The selected dead letters with their events, oldest first.
    ///
    /// - Throws: ``LogError``.
    package func letters(_ selection: Selection) throws -> FoundDeadLetters {
        var found = try LogReading.letters(self.connection, selection.condition, self.rows)
        for (index, letter) in found.letters.enumerated() {
            found.letters[index].state = self.state(letter.state, letter.target)
        }
        return found
    }

    /// Requests another delivery of the selected dead letters; a running program starts it within a second, otherwise
    /// the next one at its start.
    ///
    /// Refuses dead letters that are unreadable, in flight or already requested, or whose sink is no longer configured.
    ///
    /// - Throws: ``LogError``; no dead letter is changed then.
    package func replay(_ selection: Selection) throws -> Outcome {
        var unreadable: Set<Int64> = []
        try self.list(selection) { if !$0.isReadable { unreadable.insert($0.id) } }
        return try self.change(selection, "UPDATE dead_letters SET replay = 1, target = NULL WHERE id = ?") { letter in
            if unreadable.contains(letter.id) { return ("is unreadable, so it cannot be delivered", false) }
            if let held = letter.held {
                guard held == letter.sink else {
                    return (
                        "is in delivery to \(held), its dead-letter sink; retry once that has refused it, or while no program runs",
                        false
                    )
                }
                return ("is in delivery already", true)
            }
            if letter.isRequested { return ("has a requested retry already", true) }
            guard letter.sink.isEmpty || self.sinks.contains(letter.sink) else {
                return ("its sink \(letter.sink) is no longer in the configuration", false)
            }
            return nil
        }
    }

    /// Removes the selected dead letters permanently; refuses those that the running program is delivering.
    ///
    /// - Throws: ``LogError``; no dead letter is changed then.
    package func drop(_ selection: Selection) throws -> Outcome {
        try self.change(selection, "DELETE FROM dead_letters WHERE id = ?") { letter in
            letter.held.map { held in
                let way = held.isEmpty ? "through the routes" : "to \(held)"
                return ("is in delivery \(way); drop it when it is refused again, or while no program runs", false)
            }
        }
    }

    /// One row of the table, read within the transaction that changes it.
    private struct Row {
        let id: Int64
        let sink: String
        let isRequested: Bool
        /// The sink to which the running program is delivering it; empty for the routes, `nil` when it is not in
        /// flight.
        let held: String?
    }

    /// - Parameter refuses: the reason not to change a dead letter, and whether the requested state holds already;
    ///   `nil` changes it.
    private func change(
        _ selection: Selection, _ sql: String, _ refuses: (Row) -> (reason: String, isMet: Bool)?
    ) throws -> Outcome {
        var outcome = Outcome()
        try self.connection.transaction {
            // A program that starts now waits for the end of this transaction before it reads.
            let isRunning = self.lock.isHeldByAnother
            let query = try self.connection.prepare(
                "SELECT id, sink, replay, target FROM dead_letters WHERE \(selection.condition) ORDER BY id")
            let statement = try self.connection.prepare(sql)
            // Its record is pending for no sink, but stays: positions continue after the last one.
            let release = try self.connection.prepare("UPDATE events SET targets = '[]' WHERE letter = ?")
            var missing = Set(selection.ids ?? [])
            var rows: [Row] = []
            while try query.step() {
                let (sink, replay, target) = (query.text(1) ?? "", query.integer(2), query.text(3))
                let held = replay == 2 ? sink : replay == 0 ? target.flatMap { self.sinks.contains($0) ? $0 : nil } : nil
                rows.append(
                    Row(
                        id: query.integer(0), sink: sink, isRequested: replay == 1 || (held == sink && !isRunning),
                        held: isRunning ? held : nil
                    )
                )
            }
            for row in rows {
                missing.remove(row.id)
                if let refusal = refuses(row) {
                    outcome.refused.append(Refusal(id: row.id, reason: refusal.reason, isMet: refusal.isMet))
                } else {
                    try statement.bind(1, row.id).run()
                    try release.bind(1, row.id).run()
                    outcome.done += 1
                }
            }
            outcome.refused += missing.sorted().map { Refusal(id: $0, reason: "there is no such dead letter") }
        }
        return outcome
    }
}
