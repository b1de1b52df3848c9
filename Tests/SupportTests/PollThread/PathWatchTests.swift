import BridgeTesting
import Glibc
import PollThread
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct PathWatchTests {
    /// A watch of one file, and how often it noticed something.
    private final class Watched: Sendable {
        let directory: TemporaryDirectory
        private let count = Atomic(0)
        private let watch: Mutex<PathWatch?> = Mutex(nil)

        init(_ name: String, readSince time: Int64 = .max, _ prepare: (TemporaryDirectory) throws -> Void = { _ in }) throws {
            self.directory = try TemporaryDirectory()
            try prepare(self.directory)
            let watch = try PathWatch([self.directory.file(name)], readSince: time) { [weak self] in
                self?.count.add(1, ordering: .relaxed)
            } unwatched: {
                Issue.record("\($0) is not watched")
            }
            self.watch.withLock { $0 = watch }
        }

        deinit {
            self.watch.withLock { $0?.stop() }
        }

        func follow(_ names: String..., readSince time: Int64 = .max) {
            self.watch.withLock { $0?.follow(Set(names.map(self.directory.file)), readSince: time) }
        }

        func untilNoticed(_ what: String, _ count: Int) async throws {
            try await eventually(what) { self.count.load(ordering: .relaxed) == count }
        }
    }

    @Test func `a file is noticed when it is written, replaced, removed and made`() async throws {
        let watched = try Watched("f") { try $0.write("1", to: "f") }
        let file = watched.directory.file("f")
        // Another file of the directory does not count.
        try watched.directory.write("x", to: "other")
        try watched.directory.write("22", to: "f")
        try await watched.untilNoticed("it is written", 1)
        try watched.directory.write("33", to: "g")
        rename(watched.directory.file("g"), file)
        try await watched.untilNoticed("it is replaced", 2)
        unlink(file)
        try await watched.untilNoticed("it is removed", 3)
        try watched.directory.write("4", to: "f")
        try await watched.untilNoticed("it is made", 4)
    }

    @Test func `many writes count once`() async throws {
        let watched = try Watched("f")
        for text in ["1", "22", "333", "4444"] { try watched.directory.write(text, to: "f") }
        try await watched.untilNoticed("they are noticed", 1)
        try watched.directory.write("5", to: "f")
        try await watched.untilNoticed("the next one is the second", 2)
    }

    @Test func `a replaced link on the way to a file is noticed`() async throws {
        // The files of a volume of Kubernetes: f -> ..data/f, ..data -> ..1.
        let watched = try Watched("f") { directory in
            for version in ["..1", "..2"] {
                mkdir(directory.file(version), 0o755)
                try directory.write(version, to: "\(version)/f")
            }
            symlink("..1", directory.file("..data"))
            symlink("..data/f", directory.file("f"))
        }
        symlink("..2", watched.directory.file("..tmp"))
        rename(watched.directory.file("..tmp"), watched.directory.file("..data"))
        try await watched.untilNoticed("the link is replaced", 1)
        try watched.directory.write("in place", to: "..2/f")
        try await watched.untilNoticed("the file behind the new link is written", 2)
    }

    @Test func `a replaced directory is noticed`() async throws {
        let watched = try Watched("d/f") { directory in
            for (name, text) in [("d", "1"), ("e", "22")] {
                mkdir(directory.file(name), 0o755)
                try directory.write(text, to: "\(name)/f")
            }
        }
        rename(watched.directory.file("d"), watched.directory.file("old"))
        rename(watched.directory.file("e"), watched.directory.file("d"))
        try await watched.untilNoticed("the directory is another", 1)
        try watched.directory.write("333", to: "d/f")
        try await watched.untilNoticed("the file in the new one is written", 2)
    }

    @Test func `a file that changed since it was read is noticed when it is followed`() async throws {
        let watched = try Watched("f") { directory in
            try directory.write("1", to: "f")
            try directory.write("1", to: "g")
        }
        // It was read long after it was written.
        watched.follow("f", "g")
        // It was written after the program began to read.
        try watched.directory.write("1", to: "h")
        watched.follow("f", "g", "h", readSince: 0)
        try await watched.untilNoticed("the last one is noticed", 1)
        try watched.directory.write("22", to: "g")
        try await watched.untilNoticed("a file that is followed is noticed", 2)
    }

    @Test func `the first file of a directory is noticed`() async throws {
        let watched = try Watched("d") { mkdir($0.file("d"), 0o755) }
        try watched.directory.write("1", to: "d/f")
        try await watched.untilNoticed("it is made", 1)
        unlink(watched.directory.file("d/f"))
        try await watched.untilNoticed("it is removed", 2)
    }

    @Test func `a directory is noticed whose parents do not exist yet`() async throws {
        let watched = try Watched("a/b/c/d")
        for name in ["a", "a/b", "a/b/c"] { mkdir(watched.directory.file(name), 0o755) }
        mkdir(watched.directory.file("a/b/c/d"), 0o755)
        try await watched.untilNoticed("it is made", 1)
        try watched.directory.write("1", to: "a/b/c/d/f")
        try await watched.untilNoticed("its first file is made", 2)
    }
}
