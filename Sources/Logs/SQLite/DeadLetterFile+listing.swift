package import BridgeCore

extension DeadLetterFile {
    /// How many rows are read at once.
    private static let page = 1024

    /// Gives the letters to `body`, in the order in which they came to be, without their events.
    ///
    /// Between pieces of the list the file is free: whoever reads slowly must not keep the running program from tidying it up.
    package func list(_ selection: Selection, _ body: (LetterSummary) throws -> Void) throws {
        let query = try self.connection.prepare(
            """
            SELECT id, time, sink, attempts, target, replay, subject, reason, \(LogReading.event) FROM dead_letters
            WHERE id > ? AND \(selection.condition) ORDER BY id LIMIT \(Self.page)
            """
        )
        var last = Int64.min
        while true {
            var summaries: [LetterSummary] = []
            query.bind(1, last)
            while try query.step() {
                summaries.append(
                    LetterSummary(
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

    /// Gives the letters to `body`, in the order in which they came to be, one at a time: their events may be large.
    ///
    /// - Returns: those whose event cannot be read.
    package func show(_ selection: Selection, _ body: (StoredLetter) throws -> Void) throws -> [Int64] {
        var ids: [Int64] = []
        try self.list(selection) { ids.append($0.id) }
        var unreadable: [Int64] = []
        for id in ids {
            let found = try self.letters(Selection(ids: [id]))
            for letter in found.letters { try body(letter) }
            unreadable += found.unreadable.map(\.id)
        }
        return unreadable
    }

    /// Whether the file has a sink of a name, or a letter that such a sink gave up.
    package func knows(sink: String) throws -> Bool {
        // What no sink gave up stands under an empty name.
        if sink.isEmpty || self.sinks.contains(sink) { return true }
        let query = try self.connection.prepare("SELECT 1 FROM dead_letters WHERE sink = ? LIMIT 1")
        query.bind(1, sink)
        defer { query.reset() }
        return try query.step()
    }

    /// - Parameter target: the sink for dead letters that is owed the letter; one that the file no longer has is given nothing.
    func state(_ state: StoredLetter.State, _ target: String?) -> StoredLetter.State {
        guard let target, !self.sinks.contains(target), state == .onItsWay else { return state }
        return .kept
    }
}
