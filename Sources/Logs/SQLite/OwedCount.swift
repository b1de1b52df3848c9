import BridgeCore

/// Counts what each sink is owed, in one pass over the events that any may be owed.
struct OwedCount {
    private var marks: [String: SinkMark]
    private let sinks: [String]
    private let rows: EventRows

    /// - Parameters:
    ///   - sinks: those of the file; such as the log does not know begin at its end.
    ///   - head: the last place of the log.
    init(_ connection: borrowing SQLiteConnection, sinks: [String], head: Position, _ rows: EventRows) throws {
        self.sinks = sinks
        self.rows = rows
        self.marks = try LogReading.marks(connection)
        // What streams have numbered before is nothing that a new one could give again: who asks it for that has missed something.
        let add = try connection.prepare(
            """
            INSERT OR IGNORE INTO sinks (name, position, forgotten) VALUES (?, ?,
            max((SELECT ifnull(max(last), 0) FROM last_numbers), (SELECT ifnull(max(forgotten), 0) FROM sinks)))
            """
        )
        for name in sinks where self.marks[name] == nil {
            self.marks[name] = SinkMark(sink: name, position: head)
            try add.bind(1, name).bind(2, Int64(head.rawValue)).run()
        }
    }

    func fill(_ contents: inout LogContents, _ connection: borrowing SQLiteConnection) throws {
        let known = Set(self.sinks)
        let ahead = self.marks.mapValues { Set($0.ahead) }
        for name in self.sinks {
            guard let mark = self.marks[name] else { continue }
            contents.sinks[name] = LogContents.Owed(mark: mark, count: 0, weight: 0)
        }
        let first = self.marks.values.map(\.position).min() ?? .start
        let query = try connection.prepare("SELECT position, targets, weight FROM events WHERE position > ? ORDER BY position")
        query.bind(1, Int64(first.rawValue))
        while try query.step() {
            let position = Position(UInt64(clamping: query.integer(0)))
            for target in self.rows.targets(query.text(1) ?? "") ?? [] {
                guard let mark = self.marks[target.sink], position > mark.position,
                    ahead[target.sink]?.contains(position) != true
                else { continue }
                guard known.contains(target.sink) else {
                    contents.orphans[target.sink, default: 0] += 1
                    continue
                }
                contents.sinks[target.sink]?.count += 1
                contents.sinks[target.sink]?.weight += Int(query.integer(2))
            }
        }
    }
}
