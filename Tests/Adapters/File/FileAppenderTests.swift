import BridgeCore
import BridgeTesting
import Glibc
import NIOCore
import Synchronization
import Testing

@testable import FileAdapter

struct FileAppenderTests {
    private let directory: TemporaryDirectory

    init() throws {
        self.directory = try TemporaryDirectory()
    }

    @Test func `lines are appended to what is there`() throws {
        try self.directory.write("before\n", to: "log")
        let file = try FileAppender(self.destination())
        try file.append(ByteBuffer(string: "one\ntwo\n"))
        #expect(self.text("log") == "before\none\ntwo\n")
        #expect(!file.hasEndedLine)
    }

    @Test func `a line that a crash cut off is completed first`() throws {
        try self.directory.write("before\nhal", to: "log")
        let file = try FileAppender(self.destination())
        try file.append(ByteBuffer(string: "one\n"))
        #expect(self.text("log") == "before\nhal\none\n")
        #expect(file.hasEndedLine)
    }

    @Test func `a line cut off by a full disk is removed, and nothing is lost or duplicated`() throws {
        let calls = Mutex(0)
        let file = try FileAppender(self.destination()) { descriptor, bytes, count in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            switch call {
            case 2: return write(descriptor, bytes, count / 2)
            case 3:
                errno = ENOSPC
                return -1
            default: return write(descriptor, bytes, count)
            }
        }
        try file.append(ByteBuffer(string: "one\n"))
        let error = #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "two\nthree\n")) }
        #expect(error?.componentError.description == "\(self.directory.file("log")) cannot be written: No space left on device")
        #expect(error?.componentError.code == .inputOutput)
        #expect(error?.componentError.isRetryable == true)
        #expect(self.text("log") == "one\n")
        try file.append(ByteBuffer(string: "two\nthree\n"))
        #expect(self.text("log") == "one\ntwo\nthree\n")
    }

    @Test func `a file truncated by another program is not filled with zeros`() throws {
        let isFull = Mutex(false)
        let file = try FileAppender(self.destination(largestSize: 30, kept: 2)) { descriptor, bytes, count in
            guard isFull.withLock({ $0 }) else { return write(descriptor, bytes, count) }
            errno = ENOSPC
            return -1
        }
        try file.append(ByteBuffer(string: "one\ntwo\nthree\nfour\n"))
        #expect(truncate(self.directory.file("log"), 0) == 0)
        try file.append(ByteBuffer(string: "five\n"))
        #expect(self.text("log") == "five\n")
        #expect(truncate(self.directory.file("log"), 0) == 0)
        isFull.withLock { $0 = true }
        #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "six\n")) }
        #expect(self.text("log") == "")
        isFull.withLock { $0 = false }
        try file.append(ByteBuffer(string: "1234567890123456789\n"))
        #expect(TemporaryDirectory.names(in: self.directory.path) == ["log"], "it is far from its largest size")
    }

    /// Writes the first piece, then half of the second, and then finds the disk full after another program has done something.
    private func fullAfter(_ other: @escaping @Sendable (String) -> Void) throws -> FileAppender {
        let calls = Mutex(0)
        let path = self.directory.file("log")
        return try FileAppender(self.destination()) { descriptor, bytes, count in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            switch call {
            case 2: return write(descriptor, bytes, count / 2)
            case 3:
                other(path)
                errno = ENOSPC
                return -1
            default: return write(descriptor, bytes, count)
            }
        }
    }

    private static func append(_ text: String, to path: String, _ flags: Int32 = O_APPEND) {
        let descriptor = open(path, O_WRONLY | flags)
        defer { close(descriptor) }
        #expect(text.utf8.withContiguousStorageIfAvailable { write(descriptor, $0.baseAddress, $0.count) } == text.utf8.count)
    }

    @Test func `a failed write removes nothing of a file that another program has replaced`() throws {
        let file = try self.fullAfter { Self.append("the content of another program\n", to: $0, O_TRUNC) }
        try file.append(ByteBuffer(string: "one\n"))
        #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "two\nthree\n")) }
        #expect(self.text("log") == "the content of another program\n")
        try file.append(ByteBuffer(string: "two\n"))
        #expect(self.text("log") == "the content of another program\ntwo\n")
    }

    @Test func `a failed write removes nothing that another program has appended`() throws {
        let file = try self.fullAfter { Self.append("other\n", to: $0) }
        try file.append(ByteBuffer(string: "one\n"))
        #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "two\nthree\n")) }
        #expect(self.text("log") == "one\ntwo\ntother\n")
    }

    @Test func `a partial write to a truncated file is removed`() throws {
        let calls = Mutex(0)
        let path = self.directory.file("log")
        let file = try FileAppender(self.destination()) { descriptor, bytes, count in
            let call = calls.withLock { calls in
                calls += 1
                return calls
            }
            switch call {
            case 2:
                truncate(path, 0)
                return write(descriptor, bytes, 2)
            case 3:
                errno = ENOSPC
                return -1
            default: return write(descriptor, bytes, count)
            }
        }
        try file.append(ByteBuffer(string: "a long line before\n"))
        #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "two\n")) }
        #expect(self.text("log") == "")
        try file.append(ByteBuffer(string: "two\n"))
        #expect(self.text("log") == "two\n")
    }

    @Test func `a partial line that cannot be removed is ended before the next`() throws {
        let calls = Mutex(0)
        let file = try FileAppender(
            self.destination(),
            write: { descriptor, bytes, count in
                let call = calls.withLock { calls in
                    calls += 1
                    return calls
                }
                if call == 1 { return write(descriptor, bytes, 2) }
                guard call == 2 else { return write(descriptor, bytes, count) }
                errno = ENOSPC
                return -1
            }, truncate: { _, _ in -1 })
        #expect(throws: FileFailure.self) { try file.append(ByteBuffer(string: "one\n")) }
        try file.append(ByteBuffer(string: "one\n"))
        try file.append(ByteBuffer(string: "two\n"))
        #expect(self.text("log") == "on\none\ntwo\n")
    }

    @Test(arguments: [["log", "log.2", "log.3"], ["log", "log.1", "log.3"], ["log", "log.1", "log.2"], ["log"]])
    func `a rotation that a kill interrupted is completed by the next, and no file is lost`(names: [String]) throws {
        for name in names { try self.directory.write("\(name)\n", to: name) }
        let file = try FileAppender(self.destination(largestSize: 6, kept: 3))
        try file.append(ByteBuffer(string: "new\n"))
        #expect(self.text("log") == "new\n")
        let kept = (1...3).map { self.text("log.\($0)") }.filter { !$0.isEmpty }
        #expect(kept == names.map { "\($0)\n" }, "newest first")
    }

    @Test(.enabled(if: SmallDisk.obstacle == nil))
    func `a file on another disk with the same number is another file`() throws {
        let disks = [try SmallDisk.mounted(size: "1m"), try SmallDisk.mounted(size: "1m")]
        let paths = disks.map { "\($0.path)/log" }
        for path in paths { close(open(path, O_CREAT | O_WRONLY, 0o600)) }
        let inodes = try paths.map { try #require(FileIdentity(path: $0)).inode }
        try #require(inodes[0] == inodes[1])
        #expect(symlink(paths[0], self.directory.file("log")) == 0)
        let file = try FileAppender(self.destination())
        try file.append(ByteBuffer(string: "one\n"))
        #expect(symlink(paths[1], self.directory.file("next")) == 0)
        #expect(rename(self.directory.file("next"), self.directory.file("log")) == 0)
        try file.append(ByteBuffer(string: "two\n"))
        #expect(self.text("log") == "two\n")
    }

    @Test func `a full device is reported`() {
        let destination = FileSink.Configuration.Destination(path: "/dev/full", isSynchronised: false, largestSize: nil, kept: 0)
        let error = #expect(throws: FileFailure.self) { try FileAppender(destination).append(ByteBuffer(string: "x\n")) }
        #expect(error?.description == "/dev/full cannot be written: No space left on device")
    }

    @Test func `a missing directory is named`() {
        let destination = FileSink.Configuration.Destination(
            path: self.directory.file("no/log"), isSynchronised: false, largestSize: nil, kept: 0
        )
        let error = #expect(throws: FileFailure.self) { try FileAppender(destination) }
        #expect(error?.description == "the directory \(self.directory.file("no")) does not exist: No such file or directory")
    }

    @Test func `a file that grows too large is rotated, and the oldest is removed`() throws {
        let file = try FileAppender(self.destination(largestSize: 10, kept: 2))
        for line in ["1111\n", "2222\n", "3333\n", "4444\n", "5555\n", "6666\n", "7777\n"] {
            try file.append(ByteBuffer(string: line))
        }
        #expect(self.text("log") == "7777\n")
        #expect(self.text("log.1") == "5555\n6666\n")
        #expect(self.text("log.2") == "3333\n4444\n")
        #expect(TemporaryDirectory.names(in: self.directory.path) == ["log", "log.1", "log.2"])
    }

    @Test func `with keep 0 a large file begins empty`() throws {
        let file = try FileAppender(self.destination(largestSize: 6, kept: 0))
        try file.append(ByteBuffer(string: "1111\n"))
        try file.append(ByteBuffer(string: "2222\n"))
        #expect(self.text("log") == "2222\n")
        #expect(TemporaryDirectory.names(in: self.directory.path) == ["log"])
    }

    @Test func `a line larger than the largest size is written whole`() throws {
        let file = try FileAppender(self.destination(largestSize: 6, kept: 1))
        try file.append(ByteBuffer(string: "11111111111\n"))
        #expect(self.text("log") == "11111111111\n")
    }

    @Test func `a file that was moved away is created again`() throws {
        let file = try FileAppender(self.destination())
        try file.append(ByteBuffer(string: "one\n"))
        rename(self.directory.file("log"), self.directory.file("moved"))
        try file.append(ByteBuffer(string: "two\n"))
        #expect(self.text("moved") == "one\n")
        #expect(self.text("log") == "two\n")
    }

    @Test func `synchronised lines arrive as well`() throws {
        let file = try FileAppender(
            FileSink.Configuration.Destination(path: self.directory.file("log"), isSynchronised: true, largestSize: nil, kept: 0)
        )
        try file.append(ByteBuffer(string: "one\n"))
        #expect(self.text("log") == "one\n")
    }

    private func destination(largestSize: Int? = nil, kept: Int = 5) -> FileSink.Configuration.Destination {
        .init(path: self.directory.file("log"), isSynchronised: false, largestSize: largestSize, kept: kept)
    }

    private func text(_ name: String) -> String {
        String(decoding: self.directory.read(name), as: UTF8.self)
    }
}
