import BridgeTesting
import Glibc
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The files of a log while it is open, and after its orderly end.
struct OpenFilesTests {
    private let directory: TemporaryDirectory
    private var path: String { self.directory.file("events.db") }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> SQLiteLog {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out"]).log
    }

    private static func write(_ position: UInt64, to log: SQLiteLog) throws {
        let event = Event(
            id: "e", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            source: "in", subject: "a", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits()
        )
        var changes = LogChanges()
        changes.events = [
            StoredEvent(
                position: Position(position), accepted: .now(), event: event,
                targets: [StoredEvent.Target(sink: "out", route: "all", variant: 0, copy: -1)]
            )
        ]
        try log.commit(changes)
    }

    private static func positions(_ log: SQLiteLog) throws -> [UInt64] {
        try log.page(of: "out", after: .start, atMost: 100).events.map(\.position.rawValue)
    }

    private func isThere(_ name: String) -> Bool { access(self.directory.file(name), F_OK) == 0 }

    @Test(arguments: ["events.db", "events.db-wal", "events.db-shm"])
    func `into a file that was taken away nothing is written, and it goes on once it is back`(name: String) throws {
        let log = try self.open()
        try Self.write(1, to: log)
        rename(self.directory.file(name), self.directory.file("away"))
        do {
            // As the writer of the log asks once a second.
            try log.commit(LogChanges())
            Issue.record("it takes changes")
        } catch {
            #expect("\(error)".hasPrefix("the log \(self.path) was removed, replaced or emptied while the program runs"))
            #expect("\(error)".hasSuffix("; restore the file, or restart with the current one"))
        }
        #expect(throws: LogError.self, "from then on nothing is written") { try Self.write(2, to: log) }
        try self.directory.write("another", to: name)
        #expect(throws: LogError.self, "another file in its place is not it") { try Self.write(2, to: log) }
        rename(self.directory.file("away"), self.directory.file(name))
        try Self.write(2, to: log)
        #expect(try Self.positions(log) == [1, 2])
    }

    @Test func `into a file that was emptied nothing is written`() throws {
        let log = try self.open()
        try Self.write(1, to: log)
        truncate(self.path, 0)
        #expect(throws: LogError.self) { try log.commit(LogChanges()) }
        #expect(throws: LogError.self) { try Self.write(2, to: log) }
    }

    @Test func `an orderly end leaves one file`() throws {
        let log = try self.open()
        try Self.write(1, to: log)
        #expect(self.isThere("events.db-wal"))
        log.close()
        #expect(!self.isThere("events.db-wal"))
        #expect(!self.isThere("events.db-shm"))
        #expect(throws: LogError.self) { try Self.write(2, to: log) }
        let tables = try SQLiteConnection(path: self.path, creates: false)
        #expect(try tables.integer("SELECT count(*) FROM events") == 1)
    }

    @Test func `an orderly end while a tool has the file open leaves everything in the one file`() throws {
        let log = try self.open()
        try Self.write(1, to: log)
        let tool = try SQLiteConnection(path: self.path, creates: false)
        #expect(try tool.integer("SELECT count(*) FROM events") == 1)
        log.close()
        try self.directory.write(bytes: self.directory.read("events.db"), to: "copy.db")
        let copy = try SQLiteConnection(path: self.directory.file("copy.db"), creates: false)
        #expect(try copy.integer("SELECT count(*) FROM events") == 1)
        withExtendedLifetime(tool) {}
    }

    @Test func `what a long reader had grow goes when it has ended`() throws {
        let log = try self.open()
        let limit = try SQLiteConnection(path: self.path, creates: false)
        try limit.execute("BEGIN; SELECT count(*) FROM events")
        for position in 1...20_000 as ClosedRange<UInt64> where position % 4 == 0 { try Self.write(position, to: log) }
        let grown = self.directory.read("events.db-wal").count
        #expect(grown > 32 << 20, "\(grown)")
        try limit.execute("COMMIT")
        for position in 20_001...20_010 as ClosedRange<UInt64> { try Self.write(position, to: log) }
        #expect(self.directory.read("events.db-wal").count <= 16 << 20)
    }
}
