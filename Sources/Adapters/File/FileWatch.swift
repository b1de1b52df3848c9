import CLinux
import Glibc

/// Notifies (inotify) when a file may have grown, and records where the files went that were at its path.
///
/// Growth is only a hint: the reader checks the file itself.
final class FileWatch {
    let descriptor: Int32
    /// The path with links resolved.
    private let target: String
    private let directories: [FileIdentity?]
    /// The watch of the target's directory.
    private var targetWatch: Int32 = -1
    /// The watch of the file that is read.
    private var fileWatch: Int32 = -1
    private var history: PathHistory

    /// Watches the directories where new files may appear.
    ///
    /// - Parameter path: the path in the settings; its directory and that of its link's target are watched.
    /// - Throws: ``FileFailure`` when the kernel has no instance or watch left; the reader then checks once a second.
    init(path: String) throws {
        let target = FileRotation.target(of: path)
        self.target = target
        self.directories = Self.directories(of: path, target)
        let name = target.lastIndex(of: "/").map { String(target[target.index(after: $0)...]) } ?? target
        // Checked before the first event, so that a new file does not count as overwritten.
        self.history = PathHistory(name: name, isOccupied: FileIdentity(path: target) != nil)
        self.descriptor = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        guard self.descriptor >= 0 else { throw FileFailure("the kernel has no inotify instance for \(path)") }
        for place in [path, self.target] {
            let watch = try self.watch(
                FileFailure.directory(of: place), for: Int32(IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE))
            if place == self.target { self.targetWatch = watch }
        }
    }

    deinit {
        close(self.descriptor)
    }

    /// Whether the path still leads to the same name in the same directory.
    func isCurrent(for path: String) -> Bool {
        let target = FileRotation.target(of: path)
        return target == self.target && Self.directories(of: path, target) == self.directories
    }

    /// Watches another file for growth instead of the one before.
    ///
    /// - Throws: ``FileFailure`` when the kernel has no room for it.
    func follow(_ file: OpenFile) throws {
        if self.fileWatch >= 0 { inotify_rm_watch(self.descriptor, self.fileWatch) }
        self.fileWatch = -1
        let events = Int32(IN_MODIFY | IN_ATTRIB | IN_MOVE_SELF)
        // The file itself, which may have another name by now or none.
        self.fileWatch = try self.watch("/proc/self/fd/\(file.descriptor)", for: events)
        if self.fileWatch < 0 { self.fileWatch = try self.watch(file.path, for: events) }
    }

    /// Discards the pending notifications of growth and keeps those about the path.
    func reset() {
        self.drain()
        guard self.history.awaitsMove else { return }
        // The kernel queues both halves of a move one after the other; a file that left the directory has no second half.
        var poll = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
        if Glibc.poll(&poll, 1, 10) > 0 { self.drain() }
    }

    /// Files have left the path since the last ``takeDeparted()``.
    func hasDeparted() -> Bool {
        self.reset()
        return !self.history.departures.isEmpty
    }

    /// Opens the files that left the path since the last call, oldest first; `nil` stands for a removed one.
    ///
    /// - Returns: the files, and whether these are all.
    func takeDeparted() -> (files: [OpenFile?], isComplete: Bool) {
        let start = self.target.lastIndex(of: "/").map { self.target[...$0] } ?? ""
        self.reset()
        var files: [OpenFile?] = []
        for attempt in 0... {
            let departures = self.history.departures
            // One that cannot be opened may be read by its name later.
            files = departures.map { departure in departure.name.flatMap { try? OpenFile(start + $0, at: 0) } }
            self.reset()
            let isStable = self.history.departures == departures
            // Renamed between hearing and opening: another file has the name now.
            guard !isStable, attempt < 8 else {
                return (files, self.history.take().isComplete && isStable)
            }
        }
        return (files, false)
    }

    private func drain() {
        withUnsafeTemporaryAllocation(byteCount: 8192, alignment: 8) { buffer in
            while case let count = read(self.descriptor, buffer.baseAddress, buffer.count), count > 0 {
                self.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            }
        }
    }

    /// Reads `inotify_event`s: watch, mask, cookie and length of the name, then the name, filled up with zeros.
    private func add(_ events: UnsafeRawBufferPointer) {
        var rest = events[...]
        while rest.count >= 16 {
            let header = UnsafeRawBufferPointer(rebasing: rest)
            let watch = header.loadUnaligned(as: Int32.self)
            let mask = header.loadUnaligned(fromByteOffset: 4, as: UInt32.self)
            let cookie = header.loadUnaligned(fromByteOffset: 8, as: UInt32.self)
            let length = Int(header.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            if mask & UInt32(IN_Q_OVERFLOW) != 0 { self.history.add(.overflow) }
            // A directory is none of the files.
            if watch == self.targetWatch, length > 0, mask & UInt32(IN_ISDIR) == 0 {
                let name = String(decoding: header[16..<min(16 + length, header.count)].prefix { $0 != 0 }, as: UTF8.self)
                switch mask {
                case _ where mask & UInt32(IN_CREATE) != 0: self.history.add(.created(name))
                case _ where mask & UInt32(IN_DELETE) != 0: self.history.add(.deleted(name))
                case _ where mask & UInt32(IN_MOVED_FROM) != 0: self.history.add(.movedFrom(name, cookie: cookie))
                case _ where mask & UInt32(IN_MOVED_TO) != 0: self.history.add(.movedTo(name, cookie: cookie))
                default: break
                }
            }
            rest = rest.dropFirst(16 + length)
        }
    }

    /// - Returns: the watch, or -1 for a path that does not exist or cannot be examined, which a check shows.
    private func watch(_ place: String, for events: Int32) throws -> Int32 {
        let watch = inotify_add_watch(self.descriptor, place, UInt32(events))
        guard watch < 0, errno == ENOSPC || errno == ENOMEM else { return watch }
        throw FileFailure("the kernel has no inotify watch for \(place)")
    }

    private static func directories(of path: String, _ target: String) -> [FileIdentity?] {
        [path, target].map { FileIdentity(path: FileFailure.directory(of: $0)) }
    }
}
