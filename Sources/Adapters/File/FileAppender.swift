import Glibc
import NIOCore
import Synchronization

/// The open end of a file: appends whole lines, removes partial ones, rotates.
///
/// Closes with its last reference.
///
/// Thread-safe by a lock, which is held during writes.
final class FileAppender: Sendable {
    /// `write(2)`, or a replacement in tests.
    typealias Write = @Sendable (Int32, UnsafeRawPointer, Int) -> Int
    /// `ftruncate(2)`, or a replacement in tests.
    typealias Truncate = @Sendable (Int32, Int) -> Int32

    /// Whether the last line of the file lacked its LF, as after a crash during a write; the LF was added.
    let hasEndedLine: Bool
    private let destination: FileSink.Configuration.Destination
    private let write: Write
    private let truncate: Truncate
    private let state: Mutex<Opened>

    /// Opens the file, or creates it.
    ///
    /// - Throws: ``FileFailure``.
    init(
        _ destination: FileSink.Configuration.Destination, write: @escaping Write = { Glibc.write($0, $1, $2) },
        truncate: @escaping Truncate = { ftruncate($0, $1) }
    ) throws {
        self.destination = destination
        self.write = write
        self.truncate = truncate
        var opened = try Opened(destination.path)
        self.hasEndedLine = try opened.endLine()
        self.state = Mutex(opened)
    }

    deinit {
        self.state.withLock { $0.close() }
    }

    /// Appends lines, each with its LF.
    ///
    /// When it throws, the file contains none of them, unless it cannot be truncated, such as a pipe.
    ///
    /// - Throws: ``FileFailure``.
    func append(_ lines: ByteBuffer) throws {
        try self.state.withLock { opened in
            try self.reopenIfMoved(&opened)
            opened.measure()
            if opened.hasPartialLine {
                _ = try opened.endLine()
                opened.hasPartialLine = false
            }
            if let largest = self.destination.largestSize, opened.size > 0, opened.size + lines.readableBytes > largest {
                try self.rotate(&opened)
            }
            var written = 0
            do {
                try lines.withUnsafeReadableBytes { try self.write($0, to: opened, &written) }
                if self.destination.isSynchronised, opened.isRegular, fsync(opened.descriptor) != 0 {
                    throw FileFailure("\(self.destination.path) cannot be synchronised")
                }
            } catch {
                opened.cutBack(written, self.truncate)
                throw error
            }
            opened.size += lines.readableBytes
        }
    }

    /// - Parameter start: the number of bytes written so far, also valid when it throws.
    private func write(_ bytes: UnsafeRawBufferPointer, to opened: borrowing Opened, _ start: inout Int) throws {
        while start < bytes.count {
            var count = bytes.count - start
            if !opened.isRegular {
                // A write of this size does not block on a pipe that poll reports as writable.
                count = min(count, Int(PIPE_BUF))
                var poll = pollfd(fd: opened.descriptor, events: Int16(POLLOUT), revents: 0)
                guard Glibc.poll(&poll, 1, 10_000) > 0 else {
                    throw FileFailure("\(self.destination.path) accepted no data for 10 s", number: ETIMEDOUT)
                }
            }
            let written = self.write(opened.descriptor, bytes.baseAddress! + start, count)
            if written < 0, errno == EINTR || errno == EAGAIN { continue }
            guard written > 0 else {
                throw FileFailure("\(self.destination.path) cannot be written", number: written == 0 ? ENOSPC : errno)
            }
            start += written
        }
    }

    /// Another program, such as logrotate, may have moved the file.
    private func reopenIfMoved(_ opened: inout Opened) throws {
        guard opened.isRegular, self.destination.path != "-" else { return }
        var status = stat()
        if stat(self.destination.path, &status) == 0, FileIdentity(status) == opened.identity { return }
        try self.reopen(&opened)
    }

    private func rotate(_ opened: inout Opened) throws {
        let path = self.destination.path
        guard self.destination.kept > 0 else {
            guard unlink(path) == 0 else { throw FileFailure("\(path) cannot be removed") }
            return try self.reopen(&opened)
        }
        // An interrupted rotation leaves a number free: continuing from there completes it and overwrites nothing.
        let free = (1...self.destination.kept).first { !Self.exists("\(path).\($0)") } ?? self.destination.kept
        for number in stride(from: free, to: 1, by: -1) {
            if rename("\(path).\(number - 1)", "\(path).\(number)") != 0, errno != ENOENT {
                throw FileFailure("\(path).\(number - 1) cannot be renamed")
            }
        }
        guard rename(path, "\(path).1") == 0 else { throw FileFailure("\(path) cannot be renamed") }
        try self.reopen(&opened)
    }

    /// Whether a path exists, even as a dangling link.
    private static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    private func reopen(_ opened: inout Opened) throws {
        let new = try Opened(self.destination.path)
        opened.close()
        opened = new
    }

    /// One open descriptor and its properties.
    private struct Opened {
        let descriptor: Int32
        let isRegular: Bool
        let identity: FileIdentity
        /// The last measured size, plus what was appended since.
        var size: Int
        /// Whether a partial line could not be removed.
        var hasPartialLine = false

        init(_ path: String) throws {
            if path == "-" {
                self.descriptor = STDOUT_FILENO
            } else {
                self.descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
                guard self.descriptor >= 0 else { throw FileFailure.opening(path) }
            }
            var status = stat()
            self.isRegular = fstat(self.descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            self.identity = FileIdentity(status)
            self.size = self.isRegular ? Int(status.st_size) : 0
        }

        /// - Returns: whether the last line lacked its LF.
        mutating func endLine() throws -> Bool {
            guard self.isRegular, self.size > 0 else { return false }
            // The descriptor is write-only, so reading needs another one.
            let reader = open("/proc/self/fd/\(self.descriptor)", O_RDONLY | O_CLOEXEC)
            guard reader >= 0 else {
                let failure = FileFailure("the end of the file cannot be read")
                // A line must not be appended to an incomplete one.
                if failure.isOfProcess { throw failure }
                return false
            }
            defer { Glibc.close(reader) }
            var byte: UInt8 = 0
            guard pread(reader, &byte, 1, self.size - 1) == 1, byte != UInt8(ascii: "\n") else { return false }
            byte = UInt8(ascii: "\n")
            guard Glibc.write(self.descriptor, &byte, 1) == 1 else { throw FileFailure("a line cannot be ended") }
            self.size += 1
            return true
        }

        /// Updates the size: another program, such as logrotate with copytruncate, may have truncated the file.
        mutating func measure() {
            var status = stat()
            if self.isRegular, fstat(self.descriptor, &status) == 0 { self.size = Int(status.st_size) }
        }

        /// Removes the last bytes that this program wrote, and nothing that another program has written meanwhile.
        ///
        /// The descriptor's offset is after them, so the file ends there unless another program has changed it.
        mutating func cutBack(_ count: Int, _ truncate: Truncate) {
            guard self.isRegular, count > 0 else { return }
            var status = stat()
            let end = lseek(self.descriptor, 0, SEEK_CUR)
            guard fstat(self.descriptor, &status) == 0, end == status.st_size, end >= count else { return }
            self.hasPartialLine = truncate(self.descriptor, end - count) != 0
            // Standard output may be a file that was not opened with `O_APPEND`.
            if !self.hasPartialLine { lseek(self.descriptor, end - count, SEEK_SET) }
        }

        func close() {
            if self.descriptor != STDOUT_FILENO { Glibc.close(self.descriptor) }
        }
    }
}
