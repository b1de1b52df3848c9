import BridgeCore
import CLinux
import Glibc

/// A file that is being read, with its offset.
///
/// Closes with its last reference; for one thread at a time.
final class OpenFile {
    let path: String
    let descriptor: Int32
    /// Whether it is a file on a disk; else it is a pipe, socket or terminal, which `poll` can wait for.
    let isRegular: Bool
    let identity: FileIdentity
    var inode: UInt64 { self.identity.inode }
    /// The offset of the next byte to read.
    private(set) var offset = 0
    private let isOwned: Bool

    /// Opens a path at an offset.
    ///
    /// - Throws: ``FileFailure``, also when the path is neither a file nor a named pipe nor a terminal.
    init(_ path: String, at offset: Int) throws {
        var status = stat()
        guard stat(path, &status) == 0 else { throw FileFailure.opening(path) }
        let type = status.st_mode & S_IFMT
        if let kind = Self.unreadableKind(of: status) {
            throw FileFailure("\(path) is a \(kind); a file or a named pipe is needed", number: 0)
        }
        // A pipe is opened for both directions, so that it does not end when its last writer closes it.
        let descriptor = open(path, (type == S_IFIFO ? O_RDWR : O_RDONLY) | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure.opening(path) }
        guard fstat(descriptor, &status) == 0 else {
            let failure = FileFailure.opening(path)
            close(descriptor)
            throw failure
        }
        self.path = path
        self.descriptor = descriptor
        self.isOwned = true
        self.identity = FileIdentity(status)
        self.isRegular = status.st_mode & S_IFMT == S_IFREG
        if self.isRegular, offset > 0 { try self.seek(to: offset, from: SEEK_SET) }
    }

    /// Standard input, which is never closed.
    init(standardInput: Void) {
        var status = stat()
        self.path = "standard input"
        self.descriptor = STDIN_FILENO
        self.isOwned = false
        self.isRegular = fstat(STDIN_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
        self.identity = FileIdentity(status)
    }

    deinit {
        if self.isOwned { close(self.descriptor) }
    }

    /// The kind of a file that has no lines to read, such as `directory`; `nil` for other files.
    static func unreadableKind(of status: stat) -> String? {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: "directory"
        case S_IFSOCK: "socket"
        case S_IFBLK: "block device"
        default: nil
        }
    }

    /// The present size in bytes.
    var size: Int {
        var status = stat()
        return fstat(self.descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    /// Whether the file has no name any more, so that closing the descriptor deletes it.
    var isRemoved: Bool {
        var status = stat()
        return fstat(self.descriptor, &status) == 0 && status.st_nlink == 0
    }

    /// Reads available bytes.
    ///
    /// - Returns: the number of bytes, 0 at the end, `nil` when a pipe has no data now.
    /// - Throws: ``FileFailure``.
    func read(into chunk: inout [UInt8]) throws -> Int? {
        if !self.isRegular {
            var poll = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard Glibc.poll(&poll, 1, 0) > 0 else { return nil }
        }
        let count = Glibc.read(self.descriptor, &chunk, chunk.count)
        if count < 0 {
            if errno == EAGAIN || errno == EINTR { return nil }
            throw FileFailure("\(self.path) cannot be read")
        }
        self.offset += count
        return count
    }

    /// A hash of the last 256 bytes before an offset, or of fewer at the start; of the remaining ones when the file was
    /// truncated.
    func fingerprint(before end: Int) -> UInt64 {
        let start = max(0, end - 256)
        var hash = Fingerprint()
        withUnsafeTemporaryAllocation(byteCount: 256, alignment: 8) { buffer in
            let count = pread(self.descriptor, buffer.baseAddress, end - start, start)
            hash.add(UnsafeRawBufferPointer(rebasing: buffer[..<max(0, count)]))
        }
        return hash.value
    }

    /// How long ago the file was written to, by the wall clock; `nil` when the system call fails.
    ///
    /// - Parameter isMoved: whether a rename counts as well.
    func age(isMoved: Bool) -> Duration? {
        var status = stat()
        var now = timespec()
        guard fstat(self.descriptor, &status) == 0, clock_gettime(CLOCK_REALTIME, &now) == 0 else { return nil }
        let changes = [status.st_mtim] + (isMoved ? [status.st_ctim] : [])
        return changes.map { Duration.seconds(now.tv_sec - $0.tv_sec) + .nanoseconds(now.tv_nsec - $0.tv_nsec) }.min()
    }

    func seekToEnd() throws {
        if self.isRegular { try self.seek(to: 0, from: SEEK_END) }
    }

    func seekToBeginning() throws {
        try self.seek(to: 0, from: SEEK_SET)
    }

    private func seek(to offset: Int, from origin: Int32) throws {
        let place = lseek(self.descriptor, offset, origin)
        guard place >= 0 else { throw FileFailure("\(self.path) cannot be read from \(offset)") }
        self.offset = place
    }
}
