import BridgeTesting
import Glibc
import Testing

@testable import FileAdapter

struct FileRotationTests {
    @Test(arguments: [
        (["log.3", "log.2", "log.1", "log"], "log.3", "log.2", FileRotation.Proof.immediate),
        (["log.1", "log"], "log.1", "log", .immediate),
        (["log.10", "log.9", "log.1", "log"], "log.10", "log.9", .immediate),
        (["log.3", "log.1", "log"], "log.3", "log.1", .broken),
        (["log.2", "log.1.gz", "log"], "log.2", "log", .broken),
        (["log-20260101", "log-20260102", "log-20260103", "log"], "log-20260101", "log-20260102", .immediate),
        (["log-20260103", "log-20260102", "log"], "log-20260103", "log", .immediate),
        (["log.2026-01-01", "log.2026-01-02.gz", "log.2026-01-03", "log"], "log.2026-01-01", "log.2026-01-03", .broken),
        (["log-20260101.gz", "log-20260102", "log"], "log-20260102", "log", .immediate),
        (["log.2", "log.1.bak", "log.1", "logs.1", "log"], "log.2", "log.1", .immediate),
        (["log.old", "log.1", "log"], "log.old", "log", .unknown),
        (["log\u{301}.1", "log.2", "log.1", "log\u{301}", "log"], "log.2", "log.1", .immediate),
    ])
    func `names show which file was written next`(
        names: [String], from: String, next: String, proof: FileRotation.Proof
    ) throws {
        let directory = try TemporaryDirectory()
        for name in names { try directory.write(name, to: name) }
        let successor = try FileRotation.successor(of: Self.inode(directory.file(from)), at: directory.file("log"))
        let expected = FileRotation.Successor(
            path: directory.file(next), inode: Self.inode(directory.file(next)), proof: proof
        )
        #expect(successor == expected)
    }

    @Test func `a file at the path has no successor, and neither has one with nothing there`() throws {
        let directory = try TemporaryDirectory()
        try directory.write("a", to: "log")
        let inode = Self.inode(directory.file("log"))
        #expect(try FileRotation.successor(of: inode, at: directory.file("log")) == nil)
        rename(directory.file("log"), directory.file("log.1"))
        #expect(try FileRotation.successor(of: inode, at: directory.file("log")) == nil)
    }

    @Test func `names with different bytes belong to different files`() throws {
        let directory = try TemporaryDirectory()
        for name in ["e\u{301}", "e\u{301}.1", "\u{e9}.1", "\u{e9}"] { try directory.write(name, to: name) }
        for name in ["e\u{301}", "\u{e9}"] {
            let successor = try FileRotation.successor(of: Self.inode(directory.file("\(name).1")), at: directory.file(name))
            #expect(successor?.inode == Self.inode(directory.file(name)))
            #expect(try FileRotation.successor(of: Self.inode(directory.file(name)), at: directory.file(name)) == nil)
        }
    }

    private static func inode(_ path: String) -> UInt64 {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : 0
    }
}
