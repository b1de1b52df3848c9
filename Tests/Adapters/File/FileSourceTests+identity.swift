import BridgeCore
import BridgeTesting
import FoundationEssentials
import Glibc
import NIOCore
import Testing

@testable import FileAdapter

/// How lines keep their ids, and how a source finds its file again.
extension FileSourceTests {
    @Test func `lines have no byte order mark, no CR and no zeros of a writer that missed a truncation`() async throws {
        try self.directory.write("\u{FEFF}one\r\ntwo\r\n", to: "log")
        let harness = try self.harness(#""max_line": "16""#)
        let writer = open(self.directory.file("log"), O_WRONLY)
        defer { close(writer) }
        lseek(writer, 0, SEEK_END)
        try await harness.run {
            try await Self.expect(["one", "two"], in: harness)
            #expect(truncate(self.directory.file("log"), 0) == 0)
            lseek(writer, 4000, SEEK_SET)
            #expect(write(writer, "three\r\n", 7) == 7)
            try await Self.expect(["one", "two", "three"], in: harness)
        }
        #expect(harness.recorder.events.allSatisfy { $0.attributes["truncated"] == nil })
    }

    @Test func `lines that are read again after a kill have the same ids, across rotation and truncation`() async throws {
        try self.directory.write("one\n", to: "log")
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        var kept: String?
        try await first.run {
            try await Self.expect(["one"], in: first)
            try await eventually("the cursor moves") {
                kept = options.cursors.cursor(of: "file")
                return kept?.contains(":4:") == true
            }
            try self.directory.append("two\ntwo\n", to: "log")
            try await Self.expect(["one", "two", "two"], in: first)
            try self.rotate("log", "log.1")
            try self.directory.write("two\n", to: "log")
            try await Self.expect(["one", "two", "two", "two"], in: first)
        }
        let ids = first.recorder.events.map(\.id)
        #expect(Set(ids).count == 4)
        #expect(ids.allSatisfy { $0.hasPrefix("file_") && EventID.isLegal($0) })
        // As a kill leaves it.
        try options.cursors.move(try #require(kept), of: "file")
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["two", "two", "two"], in: second) }
        #expect(second.recorder.events.map(\.id) == Array(ids.dropFirst()))
        // The same text at the same offset of the same inode is another line after a cut.
        kept = options.cursors.cursor(of: "file")
        var seen: [String] = []
        try self.directory.write("new\ntwo\n", to: "log")
        for _ in 0..<2 {
            try options.cursors.move(try #require(kept), of: "file")
            let third = try self.harness(options: options)
            try await third.run { try await Self.expect(["new", "two"], in: third) }
            let again = third.recorder.events.map(\.id)
            #expect(Set(again).intersection(ids).isEmpty)
            #expect(Set(again).count == 2 && Set(seen + again).count == 2)
            seen = again
        }
    }

    @Test func `a file rewritten with the same text makes other events`() async throws {
        try self.directory.write("ok\n", to: "log")
        let options = SourceHarness.Options()
        let harness = try self.harness(options: options)
        try await harness.run {
            for count in 1...3 {
                try await Self.expect(Array(repeating: "ok", count: count), in: harness)
                try await eventually("the cursor moves") { options.cursors.cursor(of: "file")?.contains(":3:") == true }
                try self.directory.write("", to: "log")
                try await eventually("the cut is seen") { options.cursors.cursor(of: "file")?.contains(":0:") == true }
                try self.directory.write("ok\n", to: "log")
            }
            try await Self.expect(Array(repeating: "ok", count: 4), in: harness)
        }
        #expect(Set(harness.recorder.events.map(\.id)).count == 4)
    }

    @Test func `a link whose target is rotated while nothing runs loses no line`() async throws {
        try self.directory.write("one\n", to: "target")
        #expect(symlink("target", self.directory.file("log")) == 0)
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.directory.append("two\n", to: "target")
        try self.rotate("target", "target.2")
        try self.directory.write("three\n", to: "target.1")
        try self.directory.write("four\n", to: "target")
        let second = try self.harness(options: options)
        try await second.run {
            try await Self.expect(["two", "three", "four"], in: second)
            try self.directory.append("five\n", to: "target")
            for (name, next) in [("target.2", "target.3"), ("target.1", "target.2"), ("target", "target.1")] {
                try self.rotate(name, next)
            }
            try self.directory.write("six\n", to: "target")
            try await Self.expect(["two", "three", "four", "five", "six"], in: second)
        }
        #expect(second.recorder.gaps.isEmpty)
    }

    @Test func `a link changed to another file while nothing runs finishes the old one first`() async throws {
        let elsewhere = self.directory.file("elsewhere")
        #expect(mkdir(elsewhere, 0o700) == 0)
        try self.directory.write("one\n", to: "elsewhere/a")
        #expect(symlink("\(elsewhere)/a", self.directory.file("log")) == 0)
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.directory.append("two\n", to: "elsewhere/a")
        try self.directory.write("three\n", to: "elsewhere/b")
        unlink(self.directory.file("log"))
        #expect(symlink("elsewhere/b", self.directory.file("log")) == 0)
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["two", "three"], in: second) }
    }

    @Test func `a link changed to another directory while nothing runs finishes the old file first`() async throws {
        for name in ["pod-1", "pod-2"] { #expect(mkdir(self.directory.file(name), 0o700) == 0) }
        try self.directory.write("one\n", to: "pod-1/0.log")
        #expect(symlink("pod-1/0.log", self.directory.file("log")) == 0)
        let options = SourceHarness.Options()
        let first = try self.harness(options: options)
        try await first.run { try await Self.expect(["one"], in: first) }
        try self.directory.append("two\n", to: "pod-1/0.log")
        try self.rotate("pod-1/0.log", "pod-1/0.log.1")
        try self.directory.write("three\n", to: "pod-2/0.log")
        unlink(self.directory.file("log"))
        #expect(symlink("pod-2/0.log", self.directory.file("log")) == 0)
        let second = try self.harness(options: options)
        try await second.run { try await Self.expect(["two", "three"], in: second) }
        // What lay between the two, in either directory, cannot be known.
        #expect(second.recorder.gaps.count == 1)
    }

    @Test func `cyclic links are not followed forever`() {
        #expect(symlink("log", self.directory.file("log")) == 0)
        #expect(FileRotation.target(of: self.directory.file("log")).hasSuffix("/log"))
    }

    @Test func `a source that finds no descriptor waits for one and reports no gap`() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            try directory.write("one\n", to: "log")
            let options = SourceHarness.Options()
            func harness() throws -> SourceHarness {
                let json = #"{"path": "\#(directory.file("log"))", "rotate_wait": "50ms"}"#
                let settings = try JSONDecoder().decode(FileSource.Configuration.self, from: Data(json.utf8))
                return try SourceHarness(name: "file", kind: "file", options: options) {
                    try FileSource(configuration: settings, context: $0)
                }
            }
            let first = try harness()
            try await first.run { try await eventually { first.recorder.count == 1 } }
            try directory.append("two\n", to: "log")
            rename(directory.file("log"), directory.file("log.1"))
            try directory.write("three\n", to: "log")
            var limit = rlimit(rlim_cur: 256, rlim_max: 256)
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var taken: [Int32] = []
            // Several times, because the first run's files are still being closed.
            for _ in 0..<20 {
                while case let descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC), descriptor >= 0 { taken.append(descriptor) }
                _ = await holds(within: .milliseconds(5)) { false }
            }
            let second = try harness()
            try await second.run(untilConnected: false) {
                try await eventually { second.status.lastError?.contains("Too many open files") == true }
                // One after the other, so that each of the calls is the first to lack one.
                for descriptor in taken {
                    close(descriptor)
                    _ = await holds(within: .milliseconds(20)) { second.recorder.bodies.last == ByteBuffer(string: "three") }
                }
                try await eventually { second.recorder.bodies.last == ByteBuffer(string: "three") }
            }
            // A run that failed midway begins again where the cursor is.
            #expect(Set(second.recorder.bodies) == [ByteBuffer(string: "two"), ByteBuffer(string: "three")])
            #expect(Set(second.recorder.events.map(\.id)).count == 2)
            #expect(second.recorder.gaps.isEmpty)
        }
    }
}
