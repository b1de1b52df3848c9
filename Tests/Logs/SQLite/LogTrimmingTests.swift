import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The bound in bytes of what is delivered: large events go before they are many or old.
struct LogTrimmingTests {
    private static let bound = 1 << 20

    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open(
        _ sinks: [String] = ["s"], events: Int = 1_000_000, age: Duration = .seconds(3600), bytes: Int = Self.bound
    ) throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(
            DurableLogSettings(path: self.path, events: events, age: age, bytes: bytes), bridge: "here", sinks: sinks)
    }

    /// Events of so many bytes each, from a position on.
    private static func write(
        _ positions: ClosedRange<UInt64>, of bytes: Int, for sinks: [String] = ["s"], to log: SQLiteLog
    ) throws {
        var changes = LogChanges()
        let event = Event(
            id: "e", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: ByteBuffer(string: "\"\(String(repeating: "x", count: bytes))\""), source: "in", subject: "a",
            attributes: Attributes(), raw: ByteBuffer(), provenance: Provenance(origin: "here", hops: 1), limits: EventLimits()
        )
        changes.events = positions.map { position in
            StoredEvent(
                position: Position(position), accepted: .now(), event: event,
                targets: sinks.map { StoredEvent.Target(sink: $0, route: "all", variant: 0, copy: -1) }, repeatKey: position
            )
        }
        let count = positions.count
        changes.numbers = [
            NumberedRun(
                sink: "s", first: Position(positions.lowerBound), last: Position(positions.upperBound), count: count,
                sequence: positions.lowerBound
            )
        ]
        try log.commit(changes)
    }

    /// What the tables hold, in bytes.
    private func size() throws -> Int64 {
        let connection = try SQLiteConnection(path: self.path, creates: false)
        let pages = try connection.integer("PRAGMA page_count") - connection.integer("PRAGMA freelist_count")
        return try pages * connection.integer("PRAGMA page_size")
    }

    private static func kept(_ log: SQLiteLog) throws -> [UInt64] {
        try log.page(of: "s", after: .start, atMost: 100_000).events.map(\.position.rawValue)
    }

    @Test func `within the bound nothing goes`() throws {
        let (log, _) = try self.open()
        try Self.write(1...80, of: 10_000, to: log)
        #expect(try !log.trim(before: Position(81)))
        #expect(try Self.kept(log) == Array(1...80))
    }

    @Test func `above the bound the oldest go, no more than are too much`() throws {
        let (log, _) = try self.open()
        try Self.write(1...300, of: 10_000, to: log)
        while try log.trim(before: Position(301)) {}
        #expect(try self.size() <= Self.bound)
        let kept = try Self.kept(log)
        #expect((80...100).contains(kept.count), "the bound has room for about a hundred")
        #expect(kept.last == 300)
        #expect(kept == Array(kept[0]...300))
    }

    @Test func `among many events no more go than are too much`() throws {
        let (log, _) = try self.open(bytes: 6 << 20)
        try Self.write(1...7000, of: 1000, to: log)
        while try log.trim(before: Position(7001)) {}
        #expect(try self.size() <= 6 << 20)
        #expect((4200...5500).contains(try Self.kept(log).count))
    }

    @Test func `what a sink owes never goes, however large`() throws {
        let (log, _) = try self.open()
        try Self.write(1...300, of: 10_000, to: log)
        while try log.trim(before: Position(51)) {}
        #expect(try Self.kept(log) == Array(51...300))
        #expect(try self.size() > Self.bound)
        #expect(try !log.trim(before: Position(51)), "there is nothing more to remove")
    }

    @Test func `what a sink is owed that the file no longer has goes when it is too old, and only then`() throws {
        do {
            let (log, _) = try self.open(["s", "gone"])
            try Self.write(1...3000, of: 10, to: log)
            try Self.write(3001...3002, of: 10, for: ["s", "gone"], to: log)
            try Self.write(3003...9000, of: 1000, to: log)
            var changes = LogChanges()
            changes.sinks = [SinkMark(sink: "gone", position: Position(3), ahead: [Position(3001)])]
            try log.commit(changes)
        }
        do {
            let (log, contents) = try self.open(events: 10)
            #expect(contents.orphans == ["gone": 1])
            while try log.trim(before: Position(9001)) {}
            #expect(try Self.kept(log) == Array(3002...9000))
            #expect(try self.size() > Self.bound)
        }
        // Everything is older than a minute from now.
        let (log, _) = try self.open(events: 10, age: .seconds(-60))
        while try log.trim(before: Position(9001)) {}
        #expect(try Self.kept(log).first ?? 0 > 4000)
        #expect(try self.size() <= Self.bound, "the other bounds hold again")
    }

    @Test func `what a sink is owed that the file no longer has stays among the last, however large`() throws {
        do {
            let (log, _) = try self.open(["s", "gone"])
            try Self.write(1...50, of: 10_000, to: log)
            try Self.write(51...300, of: 10_000, for: ["s", "gone"], to: log)
        }
        do {
            let (log, _) = try self.open()
            while try log.trim(before: Position(301)) {}
            #expect(try Self.kept(log) == Array(51...300))
        }
        let (log, _) = try self.open(age: .seconds(-60))
        while try log.trim(before: Position(301)) {}
        #expect(try self.size() <= Self.bound, "what is too old is nothing to wait for")
    }

    @Test func `the latest keys of what a peer may send again stay, and positions go on`() throws {
        do {
            let (log, _) = try self.open()
            try Self.write(1...300, of: 10_000, to: log)
            var changes = LogChanges()
            changes.sinks = [SinkMark(sink: "s", position: Position(300))]
            try log.commit(changes)
            while try log.trim(before: Position(301)) {}
        }
        do {
            let (log, contents) = try self.open(events: 0)
            #expect(contents.repeatKeys == ["in": Array(1...300)])
            #expect(contents.head == Position(300))
            #expect(contents.sinks["s"]?.count == 0)
            try Self.write(301...5000, of: 10, to: log)
            while try log.trim(before: Position(5001)) {}
        }
        #expect(try self.open().contents.repeatKeys == ["in": Array((5000 - 4095)...5000)])
        let connection = try SQLiteConnection(path: self.path, creates: false)
        #expect(try connection.integer("SELECT count(*) FROM repeat_keys") == 0, "older ones go")
    }

    @Test func `a stream knows which of its numbers are gone`() throws {
        let (log, _) = try self.open()
        try Self.write(1...100, of: 10_000, to: log)
        try Self.write(101...300, of: 10_000, to: log)
        while try log.trim(before: Position(301)) {}
        let history = try log.history(of: "s", atMost: 1000)
        let kept = try Self.kept(log)
        #expect(history.events.map(\.sequence) == kept)
        #expect(history.forgotten == kept[0] - 1)
    }
}
