import BridgeCore

/// The prepared statements of a commit.
final class LogStatements {
    let begin: SQLiteStatement
    let commit: SQLiteStatement
    private let event: SQLiteStatement
    private let sink: SQLiteStatement
    private let cursor: SQLiteStatement
    private let keepDeadLetter: SQLiteStatement
    private let keepRepeatKey: SQLiteStatement
    private let sendDeadLetter: SQLiteStatement
    private let holdDeadLetter: SQLiteStatement
    private let forgetDeadLetter: SQLiteStatement
    private let number: SQLiteStatement
    private let key: SQLiteStatement
    private let flow: FlowStatements
    private let keepInSnapshot: SQLiteStatement
    private let removeFromSnapshot: SQLiteStatement

    init(_ connection: borrowing SQLiteConnection) throws(LogError) {
        self.begin = try connection.prepare("BEGIN IMMEDIATE")
        self.commit = try connection.prepare("COMMIT")
        self.event = try connection.prepare(
            """
            INSERT INTO events (position, accepted, source, subject, event, raw, attributes, passage, kind, targets, copies, weight,
            repeat_key, letter) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        self.sink = try connection.prepare(
            """
            INSERT INTO sinks (name, position, ahead) VALUES (?, ?, ?)
            ON CONFLICT (name) DO UPDATE SET position = excluded.position, ahead = excluded.ahead
            """
        )
        self.cursor = try connection.prepare("INSERT OR REPLACE INTO cursors (source, cursor) VALUES (?, ?)")
        self.keepDeadLetter = try connection.prepare(
            """
            INSERT OR REPLACE INTO dead_letters (id, time, sink, route, reason, attempts, target, position, source, subject, event, raw,
            attributes, passage, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        self.keepRepeatKey = try connection.prepare(
            "INSERT OR REPLACE INTO repeat_keys (position, source, repeat_key) VALUES (?, ?, ?)")
        self.sendDeadLetter = try connection.prepare("UPDATE dead_letters SET target = ?, replay = 0 WHERE id = ?")
        self.holdDeadLetter = try connection.prepare("UPDATE dead_letters SET target = NULL, replay = 0 WHERE id = ?")
        self.forgetDeadLetter = try connection.prepare("DELETE FROM dead_letters WHERE id = ?")
        self.number = try connection.prepare(
            "INSERT OR REPLACE INTO numbers (sink, first, last, count, sequence) VALUES (?, ?, ?, ?, ?)")
        self.keepInSnapshot = try connection.prepare(
            """
            INSERT OR REPLACE INTO snapshots (sink, sequence, accepted, \(LogReading.eventColumns)) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """
        )
        self.removeFromSnapshot = try connection.prepare("DELETE FROM snapshots WHERE sink = ? AND sequence = ?")
        self.key = try connection.prepare("INSERT OR REPLACE INTO delivered_keys (sink, key, expires) VALUES (?, ?, ?)")
        self.flow = try FlowStatements(connection)
    }

    /// Writes a group of changes; must run inside a transaction.
    func write(_ changes: LogChanges, _ rows: EventRows) throws {
        for stored in changes.events { try self.write(stored, rows) }
        for mark in changes.sinks {
            let ahead = mark.ahead.isEmpty ? nil : "[\(mark.ahead.map(\.description).joined(separator: ","))]"
            try self.sink.bind(1, mark.sink).bind(2, Int64(mark.position.rawValue)).bind(3, ahead).run()
        }
        for change in changes.letters {
            switch change {
            case .keep(let letter): try self.write(letter, rows)
            case .hold(let id): try self.holdDeadLetter.bind(1, id).run()
            case .forget(let id): try self.forgetDeadLetter.bind(1, id).run()
            }
        }
        for run in changes.numbers {
            try self.number.bind(1, run.sink).bind(2, Int64(run.first.rawValue)).bind(3, Int64(run.last.rawValue))
                .bind(4, Int64(run.count)).bind(5, Int64(run.sequence)).run()
        }
        for change in changes.snapshots { try self.write(change, rows) }
        for key in changes.keys {
            try self.key.bind(1, key.sink).bind(2, key.key).bind(3, key.expires.milliseconds).run()
        }
        for change in changes.flow {
            guard case .repeatKey(let position, let source, let key) = change else {
                try self.flow.write(change, rows)
                continue
            }
            try self.keepRepeatKey.bind(1, Int64(position.rawValue)).bind(2, source).bind(3, Int64(bitPattern: key)).run()
        }
        for (source, cursor) in changes.cursors { try self.cursor.bind(1, source).bind(2, cursor).run() }
        guard !changes.cursors.isEmpty else { return }
        try self.cursor.bind(1, LogSchema.cursorTime).bind(2, "\(Timestamp.now().milliseconds)").run()
    }

    private func write(_ stored: StoredEvent, _ rows: EventRows) throws {
        self.event.bind(1, Int64(stored.position.rawValue)).bind(2, stored.accepted.milliseconds)
        self.event.bind(10, rows.text(of: stored.targets)).bind(11, rows.text(of: stored.copies))
        self.event.bind(12, Int64(stored.event.weight)).bind(13, stored.repeatKey.map { Int64(bitPattern: $0) })
        self.event.bind(14, stored.letter)
        try rows.bind(stored.event, to: self.event, from: 3) { try self.event.run() }
        guard let letter = stored.letter, let target = stored.targets.first else { return }
        try self.sendDeadLetter.bind(1, target.sink).bind(2, letter).run()
    }

    private func write(_ snapshot: SnapshotChanges, _ rows: EventRows) throws {
        for sequence in snapshot.removed { try self.removeFromSnapshot.bind(1, snapshot.sink).bind(2, Int64(sequence)).run() }
        for kept in snapshot.kept {
            self.keepInSnapshot.bind(1, snapshot.sink).bind(2, Int64(kept.sequence)).bind(3, kept.accepted.milliseconds)
            try rows.bind(kept.event, to: self.keepInSnapshot, from: 4) { try self.keepInSnapshot.run() }
        }
    }

    private func write(_ letter: StoredDeadLetter, _ rows: EventRows) throws {
        self.keepDeadLetter.bind(1, letter.id).bind(2, letter.time.milliseconds).bind(3, letter.sink).bind(4, letter.route)
        self.keepDeadLetter.bind(5, letter.reason).bind(6, Int64(letter.attempts)).bind(7, letter.target)
        self.keepDeadLetter.bind(8, Int64(letter.position.rawValue))
        try rows.bind(letter.event, to: self.keepDeadLetter, from: 9) { try self.keepDeadLetter.run() }
        guard let key = letter.repeatKey else { return }
        try self.keepRepeatKey.bind(1, Int64(letter.position.rawValue)).bind(2, letter.event.source)
            .bind(3, Int64(bitPattern: key)).run()
    }
}
