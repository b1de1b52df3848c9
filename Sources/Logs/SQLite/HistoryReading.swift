import BridgeCore

/// Reads what a sink has published, with the numbers that it was published under.
struct HistoryReading {
    let rows: EventRows
    let limit: Int

    /// See ``LogStore/history(of:atMost:)``.
    func history(_ connection: borrowing SQLiteConnection, of sink: String) throws -> SinkHistory {
        let runs = try connection.prepare(
            "SELECT first, last, count, sequence FROM numbers WHERE sink = ? ORDER BY sequence DESC")
        let query = try connection.prepare(
            """
            SELECT position, accepted, targets, copies, \(LogReading.event) FROM events
            WHERE position BETWEEN ? AND ? AND instr(targets, ?) ORDER BY position
            """
        )
        var history = SinkHistory(forgotten: try self.forgotten(connection, sink))
        var latestFirst: [NumberedEvent] = []
        runs.bind(1, sink)
        while latestFirst.count < self.limit, try runs.step() {
            query.bind(1, runs.integer(0)).bind(2, runs.integer(1)).bind(3, LogReading.mention(sink))
            let run = try self.events(query, sink, connection.path)
            // Events of its beginning may have been removed: those that are left have the last numbers.
            var sequence = UInt64(runs.integer(3) + runs.integer(2))
            for (event, accepted) in run.reversed().prefix(Int(runs.integer(2))) {
                sequence -= 1
                latestFirst.append(NumberedEvent(event: event, sequence: sequence, accepted: accepted))
            }
            if run.count < Int(runs.integer(2)) { history.forgotten = max(history.forgotten, sequence - 1) }
        }
        runs.reset()
        if latestFirst.count >= self.limit {
            let first = try latestFirst.prefix(self.limit).last?.sequence ?? self.next(connection, sink)
            history.forgotten = max(history.forgotten, first - 1)
        }
        history.events = latestFirst.prefix(self.limit).reversed()
        return history
    }

    private func events(
        _ query: SQLiteStatement, _ sink: String, _ path: String
    ) throws -> [(event: Event, accepted: Timestamp)] {
        var events: [(event: Event, accepted: Timestamp)] = []
        while try query.step() {
            let stored = try LogReading.stored(query, self.rows, path)
            for target in stored.targets where target.sink == sink {
                events.append((stored.event(for: target), stored.accepted))
            }
        }
        return events
    }

    /// The number behind the last one.
    private func next(_ connection: borrowing SQLiteConnection, _ sink: String) throws -> UInt64 {
        let query = try connection.prepare("SELECT ifnull(max(sequence + count), 1) FROM numbers WHERE sink = ?")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 1
    }

    private func forgotten(_ connection: borrowing SQLiteConnection, _ sink: String) throws -> UInt64 {
        let query = try connection.prepare("SELECT forgotten FROM sinks WHERE name = ?")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step() ? UInt64(query.integer(0)) : 0
    }
}
