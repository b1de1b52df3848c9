import BridgeTesting
import Glibc
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// What is wrong with a file is said, with what to do.
struct LogRefusalTests {
    private let directory: TemporaryDirectory
    private var path: String { "\(self.directory.path)/events.db" }

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    private func open() throws -> (log: SQLiteLog, contents: LogContents) {
        try SQLiteLog.open(DurableLogSettings(path: self.path), bridge: "here", sinks: ["out"])
    }

    @Test func `a file that is held by another program is refused`() throws {
        let (log, _) = try self.open()
        #expect(throws: LogError.self) { try self.open() }
        #expect(self.complaint == "the log \(self.path) is in use by another streambridge; give each its own file")
        withExtendedLifetime(log) {}
    }

    @Test func `a damaged file is refused with what to do`() throws {
        try self.directory.write("this is no database, but it is long enough to be looked at as one", to: "events.db")
        #expect(self.complaint?.hasPrefix("the log \(self.path) is damaged (file is not a database); move it away") == true)
    }

    @Test func `a database of somebody else is refused`() throws {
        do {
            let other = try SQLiteConnection(path: self.path, creates: true)
            try other.execute("CREATE TABLE theirs (a)")
        }
        #expect(self.complaint == "\(self.path) is a database, but not a log of this program; name another file")
    }

    @Test func `a log of a newer version is refused`() throws {
        _ = try self.open()
        do {
            let newer = try SQLiteConnection(path: self.path, creates: false)
            try newer.execute("PRAGMA user_version = 99")
        }
        #expect(
            self.complaint
                == "the log \(self.path) was written by a newer version (its tables have number 99, this program knows up to 9)")
    }

    @Test(arguments: [
        ("DROP TABLE numbers", "no such table: main.numbers"), ("DROP TABLE sinks", "no such table: sinks"),
        ("PRAGMA user_version = 0", "table events already exists"),
        ("ALTER TABLE events DROP COLUMN copies", "table events has no column named copies"),
    ])
    func `a log whose tables are others than those of its version is refused with what to do`(
        sql: String, reason: String
    ) throws {
        _ = try self.open()
        do {
            let tool = try SQLiteConnection(path: self.path, creates: false)
            try tool.execute(sql)
        }
        let complaint = try #require(self.complaint)
        #expect(complaint.hasPrefix("the log \(self.path) does not have the tables of its version ("))
        #expect(complaint.contains("(\(reason));"))
        #expect(complaint.contains("; move it away to begin with an empty one, 'sqlite3 "))
    }

    @Test func `a version that there never was is refused`() throws {
        _ = try self.open()
        do {
            let tool = try SQLiteConnection(path: self.path, creates: false)
            try tool.execute("PRAGMA user_version = -1")
        }
        let complaint = try #require(self.complaint)
        #expect(complaint.hasPrefix("the log \(self.path) does not have the tables of its version (there is no version -1);"))
        #expect(Self.complaint { _ = try DeadLetterInspector(path: self.path, sinks: []) } == complaint)
    }

    @Test(arguments: ["/dev/null", "pipe", "."])
    func `what is no regular file is refused as that`(name: String) throws {
        mkfifo(self.directory.file("pipe"), 0o600)
        let path = name.hasPrefix("/") ? name : self.directory.file(name)
        let expected = "the log \(path) is not a regular file; name another file"
        #expect(
            Self.complaint { _ = try SQLiteLog.open(DurableLogSettings(path: path), bridge: "", sinks: []) } == expected)
        #expect(Self.complaint { _ = try DeadLetterInspector(path: path, sinks: []) } == expected)
    }

    @Test func `a place that is not there is refused`() {
        let complaint = Self.complaint {
            _ = try SQLiteLog.open(DurableLogSettings(path: "/nowhere/events.db"), bridge: "", sinks: [])
        }
        #expect(complaint == "the log /nowhere/events.db cannot be opened: No such file or directory")
    }

    private var complaint: String? { Self.complaint { _ = try self.open() } }

    private static func complaint(_ body: () throws -> Void) -> String? {
        do {
            try body()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
