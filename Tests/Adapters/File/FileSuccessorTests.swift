import BridgeCore
import BridgeTesting
import Glibc
import NIOCore
import Testing

@testable import FileAdapter

/// Files that come to the path one after the other while the source still waits for the end of the first.
@Suite(.timeLimit(.minutes(1)))
struct FileSuccessorTests {
    /// The source, its directory and its expectations are those of the other tests of a file source.
    private let base: FileSourceTests
    private var directory: TemporaryDirectory { self.base.directory }

    init() throws {
        self.base = try FileSourceTests()
    }

    /// How a file at the path makes room for the next one.
    enum Replacement: String, CaseIterable, Sendable {
        case rotated, misnumbered, overwritten, removed, movedElsewhere
    }

    private func replace(_ name: String, _ number: Int, by text: String, _ replacement: Replacement) throws {
        switch replacement {
        case .rotated:
            for older in stride(from: number - 1, to: 0, by: -1) { try self.base.rotate("log.\(older)", "log.\(older + 1)") }
            try self.base.rotate(name, "log.1")
        case .misnumbered: try self.base.rotate(name, "log.\(number)")
        case .overwritten:
            try self.directory.write(text, to: "new")
            return try self.base.rotate("new", name)
        case .removed: try #require(unlink(self.directory.file(name)) == 0)
        case .movedElsewhere:
            mkdir(self.directory.file("old"), 0o700)
            try self.base.rotate(name, "old/\(number)")
        }
        try self.directory.write(text, to: name)
    }

    @Test(arguments: Replacement.allCases)
    func `files that replace each other within the wait are all read in order`(replacement: Replacement) async throws {
        try self.directory.write("0\n", to: "log")
        let harness = try self.base.harness(#""rotate_wait": "1s""#)
        try await harness.run {
            try await FileSourceTests.expect(["0"], in: harness)
            for number in 1...6 {
                let before = try #require(FileIdentity(path: self.directory.file("log")))
                try await eventually("the file is held") { Self.openFiles().contains(before) }
                try self.replace("log", number, by: "\(number)\n", replacement)
            }
            try await FileSourceTests.expect((0...6).map { "\($0)" }, in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
        #expect(Set(harness.recorder.events.map(\.id)).count == 7)
    }

    @Test(arguments: [Replacement.rotated, .misnumbered])
    func `files renamed faster than the source can check are found under their new names`(
        replacement: Replacement
    ) async throws {
        try self.directory.write("0\n", to: "log")
        let harness = try self.base.harness(#""rotate_wait": "1s""#)
        try await harness.run {
            try await FileSourceTests.expect(["0"], in: harness)
            for number in 1...10 { try self.replace("log", number, by: "\(number)\n", replacement) }
            try await FileSourceTests.expect((0...10).map { "\($0)" }, in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test(arguments: [Replacement.overwritten, .removed])
    func `a file removed before the source could open it is reported as a gap`(replacement: Replacement) async throws {
        let harness = try await self.base.reading(["one", "last"]) {
            for number in 1...3 {
                try self.replace("log", number, by: number == 3 ? "last\n" : "gone\n", replacement)
            }
        }
        #expect(
            harness.recorder.gaps.map(\.message)
                == ["files at \(self.directory.file("log")) were removed before they were read"])
    }

    @Test func `more files than are held open are read too, and only removed ones are a gap`() async throws {
        let count = FileSuccessors.mostHeld + 9
        let lines = ["one"] + (1...count).filter { $0 != count - 3 }.map { "\($0)" }
        let harness = try await self.base.reading(lines) {
            for number in 1...count { try self.replace("log", number, by: "\(number)\n", .misnumbered) }
            // The file with the number n was renamed when the next one came.
            let names = (1..<count).map { "log.\($0 + 1)" } + ["log"]
            let files = names.compactMap { FileIdentity(path: self.directory.file($0)) }
            try await eventually("as many are held as may be") {
                Self.openFiles().intersection(files) == Set(files.prefix(FileSuccessors.mostHeld))
            }
            try #require(unlink(self.directory.file(names[count - 4])) == 0)
        }
        #expect(harness.recorder.gaps.count == 1)
    }

    @Test func `a named pipe that is created again is read again`() async throws {
        mkfifo(self.directory.file("log"), 0o600)
        let harness = try self.base.harness()
        try await harness.run {
            try self.directory.append("f1\n", to: "log")
            try await FileSourceTests.expect(["f1"], in: harness)
            unlink(self.directory.file("log"))
            try await eventually("the absence is reported") { !harness.status.isConnected }
            mkfifo(self.directory.file("log"), 0o600)
            try await eventually("the source is back") { harness.status.isConnected }
            try self.directory.append("f2\n", to: "log")
            try await FileSourceTests.expect(["f1", "f2"], in: harness)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `a file, a pipe, a device and a file at one path are read one after another`() async throws {
        try self.directory.write("one\n", to: "log")
        let harness = try self.base.harness()
        try await harness.run {
            try await FileSourceTests.expect(["one"], in: harness)
            try self.base.rotate("log", "log.1")
            mkfifo(self.directory.file("log"), 0o600)
            try self.directory.append("two\n", to: "log")
            try await FileSourceTests.expect(["one", "two"], in: harness)
            unlink(self.directory.file("log"))
            symlink("/dev/null", self.directory.file("log"))
            try await eventually("the device is reported") {
                harness.status.lastError == "\(self.directory.file("log")) is a device that has nothing to read"
            }
            unlink(self.directory.file("log"))
            try self.directory.write("three\n", to: "log")
            try await FileSourceTests.expect(["one", "two", "three"], in: harness)
            #expect(harness.status.isConnected)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    /// What may be at a path for a while.
    enum Obstacle: String, CaseIterable, Sendable {
        case nothing, directory, socket, loop

        var reason: String {
            switch self {
            case .nothing: "does not exist"
            case .directory: "is a directory; a file or a named pipe is needed"
            case .socket: "is a socket; a file or a named pipe is needed"
            case .loop: "Too many levels of symbolic links"
            }
        }

        func put(at path: String) {
            switch self {
            case .nothing: break
            case .directory: mkdir(path, 0o700)
            case .socket: mknod(path, S_IFSOCK | 0o600, 0)
            case .loop: symlink(path, path)
            }
        }

        func remove(from path: String) {
            if self == .directory { rmdir(path) } else if self != .nothing { unlink(path) }
        }
    }

    @Test(arguments: Obstacle.allCases)
    func `an unreadable path is reported, and the next file there is read`(obstacle: Obstacle) async throws {
        let path = self.directory.file("log")
        try self.directory.write("one\n", to: "log")
        let harness = try self.base.harness()
        try await harness.run {
            try await FileSourceTests.expect(["one"], in: harness)
            try self.base.rotate("log", "log.1")
            obstacle.put(at: path)
            try await eventually("it is reported, not \(harness.status.lastError ?? "nothing")") {
                harness.status.lastError?.contains(obstacle.reason) == true
            }
            try self.directory.append("two\n", to: "log.1")
            try await FileSourceTests.expect(["one", "two"], in: harness)
            obstacle.remove(from: path)
            try self.directory.write("three\n", to: "log")
            try await FileSourceTests.expect(["one", "two", "three"], in: harness)
            #expect(harness.status.isConnected)
        }
        #expect(harness.recorder.gaps.isEmpty)
    }

    @Test func `a removed file that waits to be read is reported when the program stops`() async throws {
        try self.directory.write("one\n", to: "log")
        let harness = try self.base.harness(#""rotate_wait": "1h""#)
        try await harness.run {
            try await FileSourceTests.expect(["one"], in: harness)
            try self.base.rotate("log", "log.1")
            try self.directory.write("two\n", to: "log")
            let waiting = try #require(FileIdentity(path: self.directory.file("log")))
            try await eventually("the file is held") { Self.openFiles().contains(waiting) }
            unlink(self.directory.file("log"))
            try self.directory.write("three\n", to: "log")
        }
        #expect(harness.recorder.gaps.count == 1)
    }

    /// The files that this process has open.
    private static func openFiles() -> Set<FileIdentity> {
        Set((0..<1024).compactMap { FileIdentity(path: "/proc/self/fd/\($0)") })
    }
}
