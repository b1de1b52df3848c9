import BridgeCore
import JSON
import NIOCore

/// Reads the tables of the log.
enum LogReading {
    /// The weight in bytes at which no more replays are taken.
    private static let replayBytes = 8 << 20
    /// The weight in bytes at which a page ends.
    private static let pageBytes = 8 << 20

    /// The columns of an event, in the order that ``EventRows`` reads.
    static let eventColumns = "source, subject, event, raw, attributes, passage, kind"

    // MARK: For sinks

    /// See ``LogStore/page(of:after:atMost:)``.
    static func page(
        _ connection: borrowing SQLiteConnection, of sink: String, after position: Position, atMost limit: Int, _ rows: EventRows
    ) throws -> LogPage {
        let last = try connection.integer("SELECT ifnull(max(position), 0) FROM events")
        let query = try connection.prepare(
            """
            SELECT position, accepted, targets, copies, letter, \(Self.eventColumns), weight FROM events
            WHERE position > ? AND instr(targets, ?) ORDER BY position LIMIT ?
            """
        )
        query.bind(1, Int64(position.rawValue)).bind(2, Self.mention(sink)).bind(3, Int64(limit))
        var page = LogPage(events: [], through: position)
        var (count, weight) = (0, 0)
        while weight < Self.pageBytes, try query.step() {
            count += 1
            weight += min(max(0, Int(query.integer(12))), Self.pageBytes)
            page.through = Position(UInt64(clamping: query.integer(0)))
            if let stored = Self.stored(query, rows) {
                page.events.append(stored)
            } else {
                let deliveries = (rows.targets(query.text(2) ?? "") ?? []).filter { $0.sink == sink }.count
                page.unreadable.append(
                    UnreadableEvent(
                        position: page.through, deliveries: deliveries, weight: Int(query.integer(12)), letter: Self.letter(query)
                    )
                )
            }
        }
        query.reset()
        // A page below the limits has covered every row.
        if count < limit, weight < Self.pageBytes { page.through = max(position, Position(UInt64(last))) }
        return page
    }

    /// The text of a sink's name within `targets`; names have no characters that JSON escapes.
    static func mention(_ sink: String) -> String { "[\"\(sink)\"," }

    /// - Returns: `nil` for an unreadable row.
    static func stored(_ row: SQLiteStatement, _ rows: EventRows) -> StoredEvent? {
        let columns = rows.columns(row, from: 5)
        guard let event = rows.event(columns), let copies = rows.copies(row.text(3), of: event, columns),
            let targets = rows.targets(row.text(2) ?? "")
        else { return nil }
        return StoredEvent(
            position: Position(UInt64(clamping: row.integer(0))), accepted: Timestamp(milliseconds: row.integer(1)), event: event,
            targets: targets, copies: copies, letter: Self.letter(row)
        )
    }

    private static func letter(_ row: SQLiteStatement) -> Int64? { row.isNull(4) ? nil : row.integer(4) }

    // MARK: Dead letters

    /// Takes the dead letters that are requested again, and marks them as in flight.
    ///
    /// In one transaction: a request of another process in between would be marked without being read.
    static func replays(
        _ connection: borrowing SQLiteConnection, atMost limit: Int, _ rows: EventRows
    ) throws -> FoundDeadLetters {
        var found = FoundDeadLetters()
        try connection.transaction {
            found = try Self.letters(connection, "replay = 1", rows, atMost: limit, bytes: Self.replayBytes)
            try Self.hold(found.unreadable, connection)
            guard let last = found.letters.last else { return }
            try connection.execute("UPDATE dead_letters SET replay = 2 WHERE replay = 1 AND id <= \(last.id)")
        }
        return found
    }

    /// Ends the delivery of unreadable dead letters; an operator can drop them.
    private static func hold(_ letters: [Int64], _ connection: borrowing SQLiteConnection) throws {
        guard !letters.isEmpty else { return }
        let ids = letters.map(String.init).joined(separator: ",")
        try connection.execute("UPDATE dead_letters SET target = NULL, replay = 0 WHERE id IN (\(ids))")
    }

    /// The dead letters that match a condition, ordered by id.
    static func letters(
        _ connection: borrowing SQLiteConnection, _ condition: String, _ rows: EventRows, atMost limit: Int = .max,
        bytes: Int = .max
    ) throws -> FoundDeadLetters {
        let query = try connection.prepare(
            """
            SELECT id, time, sink, route, reason, attempts, target, position, replay, \(Self.eventColumns) FROM dead_letters
            WHERE \(condition) ORDER BY id LIMIT \(limit)
            """
        )
        var found = FoundDeadLetters()
        var weight = 0
        while weight <= bytes, try query.step() {
            guard let event = rows.event(rows.columns(query, from: 9)) else {
                found.unreadable.append(query.integer(0))
                continue
            }
            weight += event.weight
            found.letters.append(
                StoredDeadLetter(
                    id: query.integer(0), time: Timestamp(milliseconds: query.integer(1)), sink: query.text(2) ?? "",
                    route: query.text(3) ?? "", reason: query.text(4) ?? "", attempts: Int(query.integer(5)),
                    target: query.text(6),
                    event: event, position: Position(UInt64(clamping: query.integer(7))),
                    state: Self.state(replay: query.integer(8), target: query.text(6))
                )
            )
        }
        query.reset()
        found.hasMore = weight > bytes || found.letters.count + found.unreadable.count == limit
        return found
    }

    /// The state of a dead letter, from its columns.
    ///
    /// - Parameters:
    ///   - replay: the column of that name.
    ///   - target: the sink that the dead letter is pending for.
    static func state(replay: Int64, target: String?) -> StoredDeadLetter.State {
        if replay == 1 { return .requested }
        return replay == 2 || target != nil ? .inDelivery : .kept
    }

    // MARK: At the start

    /// The last assigned position, as an expression.
    static let head = """
        max(ifnull((SELECT max(position) FROM events), 0), ifnull((SELECT max(position) FROM sinks), 0),
        ifnull((SELECT max(position) FROM dead_letters), 0), ifnull((SELECT max(position) FROM repeat_keys), 0))
        """

    /// The cursor of each sink that the log knows, by name.
    static func marks(_ connection: borrowing SQLiteConnection) throws -> [String: SinkMark] {
        let parser = JSONParser()
        let query = try connection.prepare("SELECT name, position, ahead FROM sinks")
        var marks: [String: SinkMark] = [:]
        while try query.step() {
            let name = query.text(0) ?? ""
            var mark = SinkMark(sink: name, position: Position(UInt64(clamping: query.integer(1))))
            if let ahead = query.text(2), let root = try? parser.parse(ByteBuffer(string: ahead)) {
                root.forEachItem { if let ahead = $0.integer { mark.ahead.append(Position(UInt64(clamping: ahead))) } }
            }
            marks[name] = mark
        }
        return marks
    }

    /// The contents that a starting program needs.
    static func contents(
        _ connection: borrowing SQLiteConnection, sinks: [String], _ rows: EventRows
    ) throws -> LogContents {
        var contents = LogContents()
        contents.head = Position(UInt64(try connection.integer("SELECT \(Self.head)")))
        // A replay that was taken and is not in the log is taken again. A dead letter whose record was removed, for its
        // age or with its sink, is pending for no sink.
        try connection.execute(
            """
            UPDATE dead_letters SET replay = 1 WHERE replay = 2;
            UPDATE dead_letters SET target = NULL WHERE target IS NOT NULL AND NOT EXISTS (SELECT 1 FROM events
            JOIN sinks ON name = target WHERE letter = id AND events.position > sinks.position);
            """
        )
        contents.lastDeadLetter = try connection.integer("SELECT last FROM letter_numbers")
        let cursors = try connection.prepare("SELECT source, cursor FROM cursors")
        while try cursors.step() { contents.cursors[cursors.text(0) ?? ""] = cursors.text(1) }
        contents.cursorsWritten = contents.cursors.removeValue(forKey: LogSchema.cursorTime).flatMap { Int64($0) }
            .map { Timestamp(milliseconds: $0) }
        contents.keys = try Self.keys(connection)
        contents.flow = try FlowReading.flow(connection, rows)
        contents.repeatKeys = try Self.repeatKeys(connection)
        try BacklogCount(connection, sinks: sinks, head: contents.head, rows).fill(&contents, connection)
        return contents
    }

    /// The keys of `dedupe:` that have not expired.
    static func keys(_ connection: borrowing SQLiteConnection) throws -> [DeliveredKey] {
        let query = try connection.prepare("SELECT sink, key, expires FROM delivered_keys WHERE expires > ? ORDER BY expires")
        query.bind(1, Timestamp.now().milliseconds)
        var keys: [DeliveredKey] = []
        while try query.step() {
            keys.append(
                DeliveredKey(
                    sink: query.text(0) ?? "", key: query.text(1) ?? "", expires: Timestamp(milliseconds: query.integer(2))
                )
            )
        }
        return keys
    }

    private static func repeatKeys(_ connection: borrowing SQLiteConnection) throws -> [String: [UInt64]] {
        let query = try connection.prepare(
            """
            SELECT source, repeat_key FROM (SELECT position, source, repeat_key FROM events WHERE repeat_key IS NOT NULL
            UNION ALL SELECT position, source, repeat_key FROM repeat_keys) ORDER BY position DESC LIMIT 20000
            """
        )
        var keys: [String: [UInt64]] = [:]
        while try query.step() { keys[query.text(0) ?? "", default: []].append(UInt64(bitPattern: query.integer(1))) }
        return keys.mapValues { $0.prefix(4096).reversed() }
    }
}
