package import BridgeCore

extension DeadLetterInspector {
    /// How many rows one query reads.
    private static let page = 1024

    /// Passes a summary of each dead letter to `body`, oldest first, without its event.
    ///
    /// No read transaction is open while `body` runs, so a slow reader does not keep the running program from
    /// checkpointing its WAL.
    ///
    /// - Throws: ``LogError``, and what `body` throws.
    package func list(_ selection: Selection, _ body: (DeadLetterSummary) throws -> Void) throws {
        let query = try self.connection.prepare(
            """
            SELECT id, time, sink, attempts, target, replay, subject, reason, \(LogReading.eventColumns) FROM dead_letters
            WHERE id > ? AND \(selection.condition) ORDER BY id LIMIT \(Self.page)
            """
        )
        var last = Int64.min
        while true {
            var summaries: [DeadLetterSummary] = []
            query.bind(1, last)
            while try query.step() {
                summaries.append(
                    DeadLetterSummary(
                        id: query.integer(0), time: Timestamp(milliseconds: query.integer(1)),
                        state: self.state(LogReading.state(replay: query.integer(5), target: query.text(4)), query.text(4)),
                        sink: query.text(2) ?? "", attempts: Int(query.integer(3)), subject: query.text(6) ?? "",
                        reason: query.text(7) ?? "", isReadable: self.rows.event(self.rows.columns(query, from: 8)) != nil
                    )
                )
            }
            for summary in summaries { try body(summary) }
            guard let id = summaries.last?.id, summaries.count == Self.page else { return }
            last = id
        }
    }

    /// Passes each dead letter with its event to `body`, oldest first, one at a time to bound the memory.
    ///
    /// - Returns: the ids of the dead letters whose event is unreadable.
    /// - Throws: ``LogError``, and what `body` throws.
    package func show(_ selection: Selection, _ body: (StoredDeadLetter) throws -> Void) throws -> [Int64] {
        var ids: [Int64] = []
        try self.list(selection) { ids.append($0.id) }
        var unreadable: [Int64] = []
        for id in ids {
            let found = try self.letters(Selection(ids: [id]))
            for letter in found.letters { try body(letter) }
            unreadable += found.unreadable
        }
        return unreadable
    }

    /// Whether the configuration has a sink of this name, or a dead letter names it; true for the empty name.
    ///
    /// - Throws: ``LogError``.
    package func knows(sink: String) throws -> Bool {
        // Dead letters without a sink have an empty name.
        if sink.isEmpty || self.sinks.contains(sink) { return true }
        let query = try self.connection.prepare("SELECT 1 FROM dead_letters WHERE sink = ? LIMIT 1")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step()
    }

    /// The state that an operator sees.
    ///
    /// - Parameter target: the dead-letter sink that the dead letter is pending for; one that is no longer configured
    ///   never gets it.
    func state(_ state: StoredDeadLetter.State, _ target: String?) -> StoredDeadLetter.State {
        guard let target, !self.sinks.contains(target), state == .inDelivery else { return state }
        return .kept
    }
}
