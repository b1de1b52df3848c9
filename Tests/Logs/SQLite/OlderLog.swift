import NIOCore

@testable import BridgeCore
@testable import SQLiteLog

/// Makes a log as an older version has left it.
enum OlderLog {
    /// - Parameters:
    ///   - version: the number of its tables, from 1.
    ///   - sql: what fills them.
    static func create(at path: String, version: Int, _ sql: String) throws {
        let file = try SQLiteConnection(path: path, creates: true)
        try file.execute("PRAGMA journal_mode = WAL")
        for migration in LogSchema.migrations.prefix(version) { try file.execute(migration) }
        try file.execute("PRAGMA application_id = \(LogSchema.application); PRAGMA user_version = \(version)")
        try file.execute(sql)
    }

    static func event(_ id: String) -> Event {
        Event(
            id: id, title: nil, message: "m'\(id)", priority: 4, tags: ["t"],
            timestamp: Timestamp(milliseconds: 1_700_000_000_123), payload: nil, source: "in", subject: "a/b",
            attributes: Attributes([("x", "y")]), raw: ByteBuffer(string: "raw \(id)"),
            provenance: Provenance(origin: "here", hops: 1), limits: EventLimits())
    }

    /// The seven columns of an event, from `source` to `kind`.
    static func columns(_ event: Event) -> String {
        let json = String(buffer: event.json).replacing("'", with: "''")
        let raw = event.raw.readableBytesView.map { $0.hexadecimal }.joined()
        return "'in', 'a/b', '\(json)', x'\(raw)', '[[\"x\",\"y\"]]', NULL, \(event.kind == .deadLetter ? 2 : 0)"
    }

    static func insertEvent(_ position: Int, _ id: String, to sink: String) -> String {
        """
        INSERT INTO events (position, accepted, source, subject, event, raw, attributes, passage, kind, targets, copies, weight)
        VALUES (\(position), 1000, \(self.columns(self.event(id))), '[["\(sink)","all",0,-1]]', NULL, 300);
        """
    }

    /// A letter of the sink `out`.
    static func insertLetter(_ id: Int, target: String? = nil, replay: Int = 0) -> String {
        """
        INSERT INTO dead_letters (id, time, sink, route, reason, attempts, target, replay, position, source, subject, event, raw,
        attributes, passage, kind) VALUES (\(id), 2000, 'out', 'all', 'it is wrong', 2, \(target.map { "'\($0)'" } ?? "NULL"), \(replay),
        1, \(self.columns(self.event("e\(id)"))));
        """
    }
}

extension UInt8 {
    fileprivate var hexadecimal: String { (self < 16 ? "0" : "") + String(self, radix: 16) }
}
