import BridgeTesting
import Glibc
import NIOCore
import Testing

@testable import BridgeCore
@testable import SQLiteLog

/// The log on a disk of a few MiB.
@Suite(.timeLimit(.minutes(1)))
struct SmallDiskTests {
    @Test(arguments: [
        (0, 32), (3 << 20, 32), (100 << 20, 400), (1 << 30, 2000), (Int.max, 2000),
    ])
    func `the journal may take a small part of the disk, at most 16 MiB`(room: Int, pages: Int) {
        #expect(JournalLimit(room: room).pages == pages)
    }

    @Test(.enabled(if: SmallDisk.obstacle == nil, "a small disk must be mounted"))
    func `the journal does not take a disk that the content has room on`() throws {
        let disk = try SmallDisk.mounted(size: "3m")
        let log = try Self.open(disk)
        defer { log.close() }
        // Each group appends several pages to the journal, whatever little is in it.
        for position in 1...600 { try log.commit(Self.event(UInt64(position), bytes: 1000)) }
        #expect(Self.size("\(disk.path)/events.db-wal") < 1 << 20)
        #expect(try log.page(of: "out", after: .start, atMost: 1000).events.count == 600)
    }

    @Test(.enabled(if: SmallDisk.obstacle == nil, "a small disk must be mounted"))
    func `a full disk is written again as soon as there is some room, and all of it is used`() throws {
        let disk = try SmallDisk.mounted(size: "3m")
        let log = try Self.open(disk)
        defer { log.close() }
        var position: UInt64 = 0
        for _ in 0..<100 {
            position += 1
            try log.commit(Self.event(position, bytes: 1000))
        }
        try disk.fill()
        var refused: LogError?
        for _ in 0..<500 where refused == nil {
            position += 1
            do { try log.commit(Self.event(position, bytes: 8000)) } catch { refused = error as? LogError }
        }
        #expect(refused?.isDiskFull == true && refused?.isTransient == true)
        disk.free()
        try log.commit(Self.event(position, bytes: 8000))
        // Until the content fills the disk.
        refused = nil
        while refused == nil {
            position += 1
            do { try log.commit(Self.event(position, bytes: 8000)) } catch { refused = error as? LogError }
        }
        #expect(refused?.isDiskFull == true)
        #expect(Self.size("\(disk.path)/events.db") > 2 << 20, "the journal leaves the room to the content")
    }

    @Test(.enabled(if: SmallDisk.obstacle == nil, "a small disk must be mounted"))
    func `a journal that takes the disk is emptied once there is room for its content`() throws {
        let disk = try SmallDisk.mounted(size: "3m")
        let path = "\(disk.path)/events.db"
        let log = try Self.open(disk)
        defer { log.close() }
        // As a program without the limit leaves it: most of the disk is journal, of little content.
        let other = try SQLiteConnection(path: path, creates: false)
        try other.execute("PRAGMA wal_autocheckpoint = 0; CREATE TABLE ballast (text TEXT)")
        while Self.size(path + "-wal") < 2 << 20 {
            try other.execute("INSERT INTO ballast VALUES ('\(String(repeating: "x", count: 100))')")
        }
        let reserve = "\(disk.path)/reserve"
        try Self.write(256 << 10, to: reserve)
        try disk.fill()
        let refusal = #expect(throws: LogError.self) { try log.commit(Self.event(1, bytes: 600_000)) }
        #expect(refusal?.isDiskFull == true)
        // Too little for the event, enough for what the journal holds.
        unlink(reserve)
        try log.commit(Self.event(1, bytes: 600_000))
        #expect(try log.page(of: "out", after: .start, atMost: 10).events.count == 1)
        #expect(Self.size(path + "-wal") < 1 << 20)
    }

    private static func write(_ count: Int, to path: String) throws {
        let file = Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        let bytes = [UInt8](repeating: 0, count: count)
        try #require(Glibc.write(file, bytes, count) == count)
    }

    private static func open(_ disk: SmallDisk) throws -> SQLiteLog {
        try SQLiteLog.open(DurableLogSettings(path: "\(disk.path)/events.db"), bridge: "here", sinks: ["out"]).log
    }

    private static func event(_ position: UInt64, bytes: Int) -> LogChanges {
        let event = Event(
            id: "e\(position)", title: nil, message: "m", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: nil, source: "in", subject: "s", attributes: Attributes(),
            raw: ByteBuffer(repeating: UInt8(ascii: "x"), count: bytes), limits: EventLimits()
        )
        var changes = LogChanges()
        changes.events = [
            StoredEvent(
                position: Position(position), accepted: .now(), event: event,
                targets: [StoredEvent.Target(sink: "out", route: "all", variant: 0, copy: -1)])
        ]
        return changes
    }

    private static func size(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
