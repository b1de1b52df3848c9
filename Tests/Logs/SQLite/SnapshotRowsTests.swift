import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The snapshots of sinks in the log: the last events of each key, apart from the records.
struct SnapshotRowsTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(self.directory.path)/events.db" }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open(_ sinks: [String] = ["s", "t"]) throws -> SQLiteLog {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: sinks).log
    }

    private static func kept(_ sequence: UInt64, raw: String = "body") -> NumberedEvent {
        let event = Event(
            id: "e\(sequence)", title: "T", message: "m", priority: 2, tags: ["a"], timestamp: Timestamp(milliseconds: 5),
            payload: nil, source: "in", subject: "a/b", attributes: Attributes([("qos", "1")]), raw: ByteBuffer(string: raw),
            provenance: Provenance(origin: "here", hops: 1), limits: EventLimits())
        return NumberedEvent(event: event, sequence: sequence, accepted: Timestamp(milliseconds: 1000 + Int64(sequence)))
    }

    private static func changes(_ sink: String, kept: [UInt64], removed: [UInt64] = []) -> LogChanges {
        var snapshot = SnapshotChanges(kept: kept.map { Self.kept($0) }, removed: removed)
        snapshot.sink = sink
        var changes = LogChanges()
        changes.snapshots = [snapshot]
        return changes
    }

    @Test func `a snapshot comes back in order, and each sink has its own`() throws {
        do {
            let log = try self.open()
            try log.commit(Self.changes("s", kept: [3, 1, 2]))
            try log.commit(Self.changes("t", kept: [2]))
            try log.commit(Self.changes("s", kept: [7], removed: [2]))
        }
        let log = try self.open()
        let history = try log.history(of: "s", atMost: 0)
        #expect(history.snapshot.map(\.sequence) == [1, 3, 7])
        #expect(history.snapshot.map(\.accepted.milliseconds) == [1001, 1003, 1007])
        let event = history.snapshot[0].event
        let original = Self.kept(1).event
        #expect(event.json == original.json && event.raw == original.raw && event.attributes == original.attributes)
        #expect(event.source == "in" && event.subject == "a/b")
        #expect(try log.history(of: "t", atMost: 0).snapshot.map(\.sequence) == [2])
    }

    @Test func `a sink that the file no longer has leaves no snapshot`() throws {
        try self.open().commit(Self.changes("s", kept: [1]))
        try self.open(["t"]).close()
        #expect(try self.open().history(of: "s", atMost: 0).snapshot.isEmpty)
    }

    @Test func `an unreadable row is reported and does not affect the others`() throws {
        try self.open().commit(Self.changes("s", kept: [1, 2, 3]))
        try SQLiteConnection(path: self.path, creates: false).execute("UPDATE snapshots SET event = '{' WHERE sequence = 2")
        let history = try self.open().history(of: "s", atMost: 0)
        #expect(history.snapshot.map(\.sequence) == [1, 3])
        #expect(history.unreadableSnapshot == [2])
    }

    @Test func `later changes follow earlier ones of a group`() {
        var changes = SnapshotChanges(kept: [Self.kept(5)], removed: [1])
        changes.follow(removed: [5, 2], kept: [Self.kept(6)])
        #expect(changes.kept.map(\.sequence) == [6])
        #expect(changes.removed == [1, 2])
        #expect(SnapshotChanges().isEmpty && !changes.isEmpty)
    }
}
