import BridgeCore
import BridgeTesting
import FoundationEssentials
import Glibc
import NIOCore
import Testing

@testable import FileAdapter

@Suite(.timeLimit(.minutes(1)))
struct FileSourceTests {
    let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `lines become messages with the path as subject`() async throws {
        try self.directory.write("one\ntwo\n", to: "log")
        let harness = try self.harness()
        try await harness.run { try await Self.expect(["one", "two"], in: harness) }
        #expect(harness.recorder.events[0].subject == self.directory.file("log"))
        #expect(harness.recorder.events[0].attributes["path"] == self.directory.file("log"))
    }

    @Test func `a rotated file is read to its end before the new one`() async throws {
        try self.directory.write("one\n", to: "log")
        let harness = try self.harness()
        try await harness.run {
            try await Self.expect(["one"], in: harness)
            rename(self.directory.file("log"), self.directory.file("log.1"))
            try self.directory.append("two\nthree without LF", to: "log.1")
            try self.directory.append("four\n", to: "log")
            try await Self.expect(["one", "two", "three without LF", "four"], in: harness)
            try self.directory.append("five\n", to: "log")
            try await Self.expect(["one", "two", "three without LF", "four", "five"], in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `lines written to a rotated file are read before those of the new one`() async throws {
        try self.directory.write("one\n", to: "log")
        let harness = try self.harness(#""rotate_wait": "3s""#)
        try await harness.run {
            try await Self.expect(["one"], in: harness)
            try self.rotate("log", "log.1")
            try self.directory.write("new\n", to: "log")
            try self.directory.append("late\nha", to: "log.1")
            try await Self.expect(["one", "late"], in: harness)
            try self.directory.append("lf\n", to: "log.1")
            try await Self.expect(["one", "late", "half"], in: harness)
            try await Self.expect(["one", "late", "half", "new"], in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `a program that stops while it waits resumes with the rotated file`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(#""rotate_wait": "1h""#, options: options)
        try await first.run {
            try await Self.expect(["one"], in: first)
            try self.rotate("log", "log.1")
            try self.directory.write("new\n", to: "log")
            try self.directory.append("two\nha", to: "log.1")
            try await Self.expect(["one", "two"], in: first)
        }
        try self.directory.append("lf\n", to: "log.1")
        let second = try self.harness(#""rotate_wait": "3s""#, options: options)
        try await second.run {
            try await Self.expect(["half"], in: second)
            try self.directory.append("last\n", to: "log.1")
            try await Self.expect(["half", "last"], in: second)
            try await Self.expect(["half", "last", "new"], in: second)
        }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `the source does not wait for a rotated file without writers`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.rotate("log", "log.2")
        try self.directory.write("two\n", to: "log.1")
        try self.directory.write("three\n", to: "log")
        for name in ["log.2", "log.1"] {
            var times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, self.directory.file(name), &times, 0) == 0)
        }
        // The last of them has just been moved, so that it is waited for.
        let second = try self.harness(#""rotate_wait": "1h""#, options: options)
        try await second.run { try await Self.expect(["two"], in: second) }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `a rotated file that keeps growing beside the new one is left and reported`() async throws {
        try self.directory.write("one\n", to: "log")
        let harness = try self.harness(#""rotate_wait": "100ms""#)
        try await harness.run {
            try await Self.expect(["one"], in: harness)
            try self.rotate("log", "log.1")
            try self.directory.write("new\n", to: "log")
            try await eventually("the new one is begun") {
                try self.directory.append("more\n", to: "log.1")
                return harness.recorder.bodies.last == ByteBuffer(string: "new")
            }
        }
        #expect(harness.recorder.gaps.count == 1)
    }

    @Test func `a truncated file is read from its beginning`() async throws {
        try self.directory.write("one\ntwo\n", to: "log")
        let harness = try self.harness()
        try await harness.run {
            try await Self.expect(["one", "two"], in: harness)
            try self.directory.write("3\n", to: "log")
            try await Self.expect(["one", "two", "3"], in: harness)
        }
    }

    @Test func `a file rotated while nothing ran is finished first`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.directory.append("two\n", to: "log")
        rename(self.directory.file("log"), self.directory.file("log.1"))
        try self.directory.write("three\n", to: "log")
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["two", "three"], in: second) }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `a file that was replaced while nothing ran is reported as a gap`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        // Moved away rather than removed, so that the new file does not get the old one's inode.
        let elsewhere = try TemporaryDirectory()
        #expect(rename(self.directory.file("log"), elsewhere.file("log")) == 0)
        try self.directory.write("new\n", to: "log")
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["new"], in: second) }
        #expect(second.recorder.gaps.count == 1)
    }

    @Test func `files rotated more than once while nothing ran are all read`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.directory.append("two\n", to: "log")
        try self.rotate("log", "log.1")
        try self.directory.write("three\n", to: "log")
        try self.rotate("log.1", "log.2")
        try self.rotate("log", "log.1")
        try self.directory.write("four\n", to: "log")
        // A copy with another name is no rotated file.
        try self.directory.write("copied\n", to: "log.copy")
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["two", "three", "four"], in: second) }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `files rotated more than once while the sink is slow are all read`() async throws {
        let harness = try await self.reading(["one", "two", "three", "four"]) {
            try self.directory.append("two\n", to: "log")
            try self.rotate("log", "log-20260101")
            try self.directory.write("three\n", to: "log")
            try self.rotate("log", "log-20260102")
            try self.directory.write("four\n", to: "log")
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test(arguments: [["log.1"], ["log.1", "log.1.gz"]])
    func `a rotated file that is gone or compressed is reported as a gap`(names: [String]) async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.rotate("log", "log.2")
        try self.directory.write("two\n", to: "log.1")
        try self.directory.write("three\n", to: "log")
        if names.count == 2 { try self.rotate(names[0], names[1]) } else { unlink(self.directory.file(names[0])) }
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["three"], in: second) }
        #expect(
            second.recorder.gaps.map(\.message) == [
                "rotated files of \(self.directory.file("log")) were removed or compressed before they were read; "
                    + "reading continues with \(self.directory.file("log"))"
            ]
        )
    }

    @Test func `a file removed before a slow sink allowed reading it is reported as a gap`() async throws {
        let harness = try await self.reading(["one", "three"]) {
            unlink(self.directory.file("log"))
            try self.directory.write("two\n", to: "log")
            unlink(self.directory.file("log"))
            try self.directory.write("three\n", to: "log")
        }
        #expect(harness.recorder.gaps.count == 1)
    }

    @Test func `a file replaced while the sink is slow is not a gap when none was in between`() async throws {
        let harness = try await self.reading(["one", "three"]) {
            unlink(self.directory.file("log"))
            try self.directory.write("three\n", to: "log")
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `a file truncated and grown again while nothing ran is read from its beginning`() async throws {
        try self.directory.write("one\ntwo\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one", "two"], in: first) }
        try self.directory.write("a longer first line\nthe second\n", to: "log")
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["a longer first line", "the second"], in: second) }
        #expect(second.recorder.gaps.count == 1)
        let third = try self.harness(options: options)
        try await third.run {
            try self.directory.append("the third\n", to: "log")
            try await Self.expect(["the third"], in: third)
        }
        #expect(third.recorder.gaps.isEmpty)
    }

    @Test func `a file truncated while the sink is slow is reported as a gap`() async throws {
        let harness = try await self.reading(["one", "a longer line"]) {
            try self.directory.append("lost\n", to: "log")
            try self.directory.write("a longer line\n", to: "log")
        }
        #expect(harness.recorder.gaps.count == 1)
    }

    @Test func `start at the end resumes there after a restart`() async throws {
        try self.directory.write("old\n", to: "log")
        let options = SourceHarness.Options()
        try await self.harness(#""start": "end""#, options: options).run {}
        try self.directory.append("while away\n", to: "log")
        let second = try self.harness(#""start": "end""#, options: options)
        try await second.run { try await Self.expect(["while away"], in: second) }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `start at the end reads a file that appears later from its beginning`() async throws {
        let harness = try self.harness(#""start": "end""#)
        try await harness.run(untilConnected: false) {
            try await eventually("it is missed") { harness.status.lastError != nil }
            try self.directory.write("one\n", to: "log")
            try await Self.expect(["one"], in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `start at the end reads later lines`() async throws {
        try self.directory.write("old\n", to: "log")
        let harness = try self.harness(#""start": "end""#)
        try await harness.run {
            try self.directory.append("new\n", to: "log")
            try await Self.expect(["new"], in: harness)
        }
    }

    @Test func `a file that is not followed ends with its last line, whole or not`() async throws {
        try self.directory.write("one\ntwo", to: "log")
        let harness = try self.harness(#""follow": false"#)
        let end = try await harness.run {
            try await Self.expect(["one", "two"], in: harness)
            try self.directory.append("three\n", to: "log")
            #expect(harness.status.isConnected)
        }
        #expect(end.left == 0)
        #expect(harness.recorder.count == 2)
    }

    @Test func `a line that is too long is cut and marked as such`() async throws {
        try self.directory.write(String(repeating: "a", count: 40) + "\nshort\n", to: "log")
        let harness = try self.harness(#""max_line": "16""#)
        try await harness.run { try await Self.expect([String(repeating: "a", count: 16), "short"], in: harness) }
        #expect(harness.recorder.events.map { $0.attributes["truncated"] } == ["true", nil])
    }

    @Test func `a named pipe stays open when a writer leaves`() async throws {
        mkfifo(self.directory.file("log"), 0o600)
        let harness = try self.harness()
        try await harness.run {
            try self.directory.append("one\n", to: "log")
            try await Self.expect(["one"], in: harness)
            try self.directory.append("two\n", to: "log")
            try await Self.expect(["one", "two"], in: harness)
        }
    }

    @Test func `a source waits for a missing file`() async throws {
        let harness = try self.harness()
        try await harness.run(untilConnected: false) {
            try await eventually("the reason is reported") {
                harness.status.lastError
                    == "the file \(self.directory.file("log")) does not exist: No such file or directory"
            }
            try self.directory.write("one\n", to: "log")
            try await Self.expect(["one"], in: harness)
        }
    }

    @Test func `a directory is reported until a file is there`() async throws {
        mkdir(self.directory.file("log"), 0o700)
        let harness = try self.harness()
        try await harness.run(untilConnected: false) {
            try await eventually("the reason is reported") {
                harness.status.lastError == "\(self.directory.file("log")) is a directory; a file or a named pipe is needed"
            }
            rmdir(self.directory.file("log"))
            try self.directory.write("one\n", to: "log")
            try await Self.expect(["one"], in: harness)
        }
    }

    func rotate(_ name: String, _ other: String) throws {
        try #require(rename(self.directory.file(name), self.directory.file(other)) == 0)
    }

    func harness(_ more: String = "", options: SourceHarness.Options = .init()) throws -> SourceHarness {
        let wait = more.contains("rotate_wait") ? "" : #", "rotate_wait": "50ms""#
        let json = #"{"path": "\#(self.directory.file("log"))"\#(wait)\#(more.isEmpty ? "" : ", " + more)}"#
        let settings = try JSONDecoder().decode(FileSource.Configuration.self, from: Data(json.utf8))
        try settings.validate()
        return try SourceHarness(name: "file", kind: "file", options: options) { context in
            try FileSource(configuration: settings, context: context)
        }
    }

    /// Reads a file with the line `one`, pauses the source after it while `change` is made, and waits for lines.
    func reading(_ lines: [String], whilePaused change: () async throws -> Void) async throws -> SourceHarness {
        try self.directory.write("one\n", to: "log")
        var options = SourceHarness.Options()
        options.buffer = 0
        let harness = try self.harness(options: options)
        harness.recorder.close()
        try await harness.run {
            try await eventually("the source must pause") { harness.outlet.demand == .pause }
            try await change()
            harness.recorder.close(false)
            try await Self.expect(lines, in: harness)
        }
        return harness
    }

    static func expect(_ lines: [String], in harness: SourceHarness) async throws {
        try await eventually("there are \(lines), not \(harness.recorder.bodies.map { String(buffer: $0) })") {
            harness.recorder.bodies == lines.map { ByteBuffer(string: $0) }
        }
    }
}
