import BridgeCore

/// Counts the pending deliveries of each sink, in one pass over the events that may have any.
struct BacklogCount {
    private var marks: [String: SinkMark]
    private let sinks: [String]
    private let rows: EventRows

    /// Reads the sinks' cursors and adds the sinks that the log does not know.
    ///
    /// - Parameters:
    ///   - sinks: the sinks of the configuration file; a new one begins at `head`.
    ///   - head: the last position of the log.
    init(_ connection: borrowing SQLiteConnection, sinks: [String], head: Position, _ rows: EventRows) throws {
        self.sinks = sinks
        self.rows = rows
        self.marks = try LogReading.marks(connection)
        // A new sink cannot replay numbers that were given before: a subscriber that asks for them has missed events.
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

    /// What is pending for one sink.
    ///
    /// - Throws: ``LogError``.
    func owed(by sink: String, _ connection: borrowing SQLiteConnection) throws -> LogContents.Owed {
        let mark = self.marks[sink] ?? SinkMark(sink: sink, position: .start)
        let ahead = Set(mark.ahead)
        var owed = LogContents.Owed(mark: mark, count: 0, weight: 0)
        let query = try connection.prepare(
            "SELECT position, targets, weight FROM events WHERE position > ? AND instr(targets, ?) ORDER BY position")
        query.bind(1, Int64(mark.position.rawValue)).bind(2, LogReading.mention(sink))
        while try query.step() {
            let position = Position(UInt64(clamping: query.integer(0)))
            guard !ahead.contains(position) else { continue }
            for target in self.rows.targets(query.text(1) ?? "") ?? [] where target.sink == sink {
                owed.add(key: target.key, at: position, weight: Int(query.integer(2)))
            }
        }
        return owed
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
                contents.sinks[target.sink]?.add(key: target.key, at: position, weight: Int(query.integer(2)))
            }
        }
    }
}
