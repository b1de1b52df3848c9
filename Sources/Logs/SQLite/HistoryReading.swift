import BridgeCore

/// Reads the events that a sink has published, with their sequence numbers.
struct HistoryReading {
    let rows: EventRows
    let limit: Int

    /// See ``LogStore/history(of:atMost:)``.
    func history(_ connection: borrowing SQLiteConnection, of sink: String) throws -> SinkHistory {
        let runs = try connection.prepare(
            "SELECT first, last, count, sequence FROM numbers WHERE sink = ? ORDER BY sequence DESC")
        let query = try connection.prepare(
            """
            SELECT position, accepted, targets, copies, letter, \(LogReading.eventColumns) FROM events
            WHERE position BETWEEN ? AND ? AND instr(targets, ?) ORDER BY position
            """
        )
        var found = Found(forgotten: try self.forgotten(connection, sink))
        runs.bind(1, sink)
        query.bind(3, LogReading.mention(sink))
        while found.count < self.limit, try runs.step() { try self.add(run: runs, query, sink, to: &found) }
        runs.reset()
        var history = try self.history(of: found, next: self.next(connection, sink))
        try self.readSnapshot(connection, of: sink, into: &history)
        return history
    }

    private func readSnapshot(_ connection: borrowing SQLiteConnection, of sink: String, into history: inout SinkHistory) throws {
        let query = try connection.prepare(
            "SELECT sequence, accepted, \(LogReading.eventColumns) FROM snapshots WHERE sink = ? ORDER BY sequence")
        query.bind(1, sink)
        while try query.step() {
            let sequence = UInt64(clamping: query.integer(0))
            guard let event = self.rows.event(self.rows.columns(query, from: 2)) else {
                history.unreadableSnapshot.append(sequence)
                continue
            }
            history.snapshot.append(
                NumberedEvent(event: event, sequence: sequence, accepted: Timestamp(milliseconds: query.integer(1))))
        }
        query.reset()
    }

    /// The rows read so far, latest first.
    private struct Found {
        var events: [NumberedEvent] = []
        var forgotten: UInt64
        var unreadable: [Position] = []

        init(forgotten: UInt64) {
            self.forgotten = forgotten
        }

        var count: Int { self.events.count + self.unreadable.count }

        mutating func add(_ event: Event?, _ sequence: UInt64, _ accepted: Timestamp, at position: Position) {
            if let event {
                self.events.append(NumberedEvent(event: event, sequence: sequence, accepted: accepted))
            } else {
                self.unreadable.append(position)
                self.forgotten = max(self.forgotten, sequence)
            }
        }
    }

    private func add(run: SQLiteStatement, _ query: SQLiteStatement, _ sink: String, to found: inout Found) throws {
        query.bind(1, run.integer(0)).bind(2, run.integer(1))
        var events: [(event: Event?, accepted: Timestamp, position: Position)] = []
        while try query.step() {
            let (accepted, position) = (Timestamp(milliseconds: query.integer(1)), Position(UInt64(clamping: query.integer(0))))
            let stored = LogReading.stored(query, self.rows)
            guard let targets = self.rows.targets(query.text(2) ?? "") else {
                events.append((nil, accepted, position))
                continue
            }
            for target in targets where target.sink == sink { events.append((stored?.event(for: target), accepted, position)) }
        }
        // Events at the start of the run may have been removed; the remaining ones have the last numbers.
        let count = Int(run.integer(2))
        // A row that no log has written has no numbers.
        guard count >= 0, run.integer(3) > 0, run.integer(3) <= .max - run.integer(2) else { return }
        var sequence = UInt64(run.integer(3) + run.integer(2))
        for (event, accepted, position) in events.reversed().prefix(count) {
            sequence -= 1
            found.add(event, sequence, accepted, at: position)
        }
        if events.count < count { found.forgotten = max(found.forgotten, sequence - 1) }
    }

    /// - Parameter next: the number after the last one.
    private func history(of found: Found, next: UInt64) -> SinkHistory {
        var forgotten = found.forgotten
        if found.count >= self.limit {
            forgotten = max(forgotten, (found.events.prefix(self.limit).last?.sequence ?? next) - 1)
        }
        // Events before a missing one are not part of the history.
        let events = found.events.prefix(self.limit).prefix { $0.sequence > forgotten }
        return SinkHistory(events: events.reversed(), forgotten: forgotten, unreadable: found.unreadable)
    }

    private func next(_ connection: borrowing SQLiteConnection, _ sink: String) throws -> UInt64 {
        let query = try connection.prepare("SELECT ifnull(max(last), 0) + 1 FROM last_numbers WHERE sink = ?")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step() ? UInt64(clamping: query.integer(0)) : 1
    }

    private func forgotten(_ connection: borrowing SQLiteConnection, _ sink: String) throws -> UInt64 {
        let query = try connection.prepare("SELECT forgotten FROM sinks WHERE name = ?")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step() ? UInt64(clamping: query.integer(0)) : 0
    }
}
