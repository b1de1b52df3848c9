import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The limits of the dead letters that are pending for no sink.
struct DeadLetterTrimmingTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open(_ limits: DeadLetterLimits) throws -> SQLiteLog {
        try SQLiteLog.open(
            DurableLogSettings(path: self.path, letters: limits), bridge: "here", sinks: ["out", "letters"]
        ).log
    }

    /// Dead letters one second apart, the last one now.
    private static func keep(_ ids: ClosedRange<Int64>, of bytes: Int = 10, target: String? = nil, in log: SQLiteLog) throws {
        let event = Event(
            id: "e", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            source: "in", subject: "a", attributes: Attributes(), raw: ByteBuffer(repeating: 0x78, count: bytes),
            limits: EventLimits())
        var changes = LogChanges()
        changes.letters = ids.map { id in
            .keep(
                StoredDeadLetter(
                    id: id, time: Timestamp(milliseconds: Timestamp.now().milliseconds - (ids.upperBound - id) * 1000),
                    sink: "out",
                    route: "all", reason: "r", attempts: 1, target: target, event: event, position: Position(1)))
        }
        try log.commit(changes)
    }

    /// Trims until nothing is removed, and returns what is left.
    private func trim(_ log: SQLiteLog) throws -> (removed: Int, left: [Int64]) {
        var removed = 0
        while case let count = try log.trimDeadLetters(), count > 0 { removed += count }
        var left: [Int64] = []
        try DeadLetterInspector(path: self.path, sinks: ["out", "letters"]).list(.init()) { left.append($0.id) }
        return (removed, left)
    }

    @Test func `the oldest dead letters above the limit in number are removed`() throws {
        let log = try self.open(DeadLetterLimits(events: 5))
        try Self.keep(1...5, in: log)
        #expect(try self.trim(log).removed == 0)
        try Self.keep(6...8, in: log)
        let (removed, left) = try self.trim(log)
        #expect(removed == 3 && left == [4, 5, 6, 7, 8])
        #expect(try log.deadLetterCount() == 5)
    }

    @Test func `many are removed in portions`() throws {
        let log = try self.open(DeadLetterLimits(events: 1))
        try Self.keep(1...6001, in: log)
        #expect(try log.trimDeadLetters() == 2000)
        #expect(try self.trim(log) == (4000, [6001]))
    }

    @Test func `one call looks at a bounded number of letters and continues where the last one ended`() throws {
        let log = try self.open(DeadLetterLimits())
        try Self.keep(1...50, in: log)
        let file = try SQLiteConnection(path: self.path, creates: false)
        var trimming = DeadLetterTrimming(DeadLetterLimits(events: 35), portion: 7, searched: 10)
        var removed: [Int] = []
        for _ in 0..<7 {
            removed.append(try trimming.trim(file))
            #expect(trimming.isSearching == (removed.count < 4))
        }
        #expect(removed == [0, 0, 0, 7, 7, 1, 0])
        #expect(try self.trim(log).left == Array(16...50))
    }

    @Test(arguments: [2, 4])
    func `a search begins again when another process has removed letters meanwhile`(calls: Int) throws {
        let log = try self.open(DeadLetterLimits())
        try Self.keep(1...50, in: log)
        let file = try SQLiteConnection(path: self.path, creates: false)
        var trimming = DeadLetterTrimming(DeadLetterLimits(events: 35), portion: 7, searched: 10)
        var removed = 0
        for _ in 0..<calls { removed += try trimming.trim(file) }
        let tool = try DeadLetterInspector(path: self.path, sinks: ["out"])
        #expect(try tool.drop(.init(ids: Array(36...50))).done == 15)
        for _ in 0..<10 { removed += try trimming.trim(file) }
        #expect(removed == (calls == 2 ? 0 : 7))
        #expect(!trimming.isSearching)
        #expect(try self.trim(log).left == Array((calls == 2 ? 1 : 8)...35))
    }

    @Test func `the oldest dead letters above the limit in bytes are removed, except the newest`() throws {
        let log = try self.open(DeadLetterLimits(bytes: 1 << 20))
        try Self.keep(1...5, of: 300_000, in: log)
        #expect(try self.trim(log) == (2, [3, 4, 5]))
        try Self.keep(6...6, of: 2 << 20, in: log)
        #expect(try self.trim(log) == (3, [6]))
    }

    @Test func `dead letters that are too old are removed without a new one`() throws {
        let log = try self.open(DeadLetterLimits(age: .seconds(20)))
        try Self.keep(1...40, in: log)
        #expect(try self.trim(log).left.first.map { (20...22).contains($0) } == true)
        var short = DeadLetterTrimming(DeadLetterLimits(age: .milliseconds(1)))
        #expect(try short.trim(SQLiteConnection(path: self.path, creates: false)) > 10)
    }

    @Test func `pending and replayed dead letters are never removed and do not count`() throws {
        let log = try self.open(DeadLetterLimits(events: 2))
        try Self.keep(1...2, target: "letters", in: log)
        try Self.keep(3...4, in: log)
        let file = try DeadLetterInspector(path: self.path, sinks: ["out", "letters"])
        #expect(try file.replay(.init(ids: [3])).done == 1)
        #expect(try log.replays().letters.map(\.id) == [3])
        #expect(try file.replay(.init(ids: [4])).done == 1)
        try Self.keep(5...8, in: log)
        #expect(try self.trim(log) == (2, [1, 2, 3, 4, 7, 8]))
        // Once refused again it is the newest.
        try Self.keep(3...3, in: log)
        #expect(try self.trim(log) == (1, [1, 2, 3, 4, 8]))
    }

    @Test func `nothing is trimmed until a dead letter is added`() throws {
        let log = try self.open(DeadLetterLimits(events: 1))
        try Self.keep(1...1, in: log)
        #expect(try self.trim(log).removed == 0)
        let tool = try SQLiteConnection(path: self.path, creates: false)
        try tool.execute(
            "INSERT INTO dead_letters SELECT 2, time + 1, sink, route, reason, attempts, target, replay, position, source, "
                + "subject, event, raw, attributes, passage, kind FROM dead_letters")
        #expect(try log.trimDeadLetters() == 0)
        _ = try log.replays()
        #expect(try self.trim(log) == (1, [2]), "another process has written")
    }
}
