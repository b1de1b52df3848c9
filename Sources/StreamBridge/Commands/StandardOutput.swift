import ArgumentParser
import Glibc
import NIOCore

/// The output of a command.
///
/// Output that was not written is a failure: a user who copies dead letters into a file before dropping them must learn
/// that the disk was full. A pipe without a reader ends the program as it ends `cat`, by SIGPIPE, or quietly with 1
/// where that signal is ignored.
struct StandardOutput: ~Copyable {
    private static let chunk = 64 << 10

    /// The columns of the terminal; without a limit for a file or a pipe.
    static var width: Int {
        var size = winsize()
        guard isatty(STDOUT_FILENO) == 1, ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return .max }
        return Int(size.ws_col)
    }

    private var bytes = ByteBuffer()

    private init() {}

    /// Writes what `body` gives it, also when that ends with an error.
    ///
    /// - Throws: `ExitCode` once the reason is on standard error, and errors of `body`.
    static func write(_ body: (inout StandardOutput) throws -> Void) throws {
        var output = StandardOutput()
        do {
            try body(&output)
        } catch {
            try output.flush()
            throw error
        }
        try output.flush()
        // Some disks, such as those over NFS, report only at the end that they are full.
        let copy = dup(STDOUT_FILENO)
        if copy >= 0, close(copy) != 0 { throw Self.failure(errno) }
    }

    /// Writes one line.
    ///
    /// - Throws: as ``write(_:)``.
    static func write(line: String) throws {
        try Self.write { try $0.add(line: line) }
    }

    mutating func add(line: String) throws {
        self.bytes.writeString(line)
        try self.endLine()
    }

    mutating func add(line: ByteBuffer) throws {
        self.bytes.writeImmutableBuffer(line)
        try self.endLine()
    }

    private mutating func endLine() throws {
        self.bytes.writeString("\n")
        if self.bytes.readableBytes >= Self.chunk { try self.flush() }
    }

    private mutating func flush() throws {
        while self.bytes.readableBytes > 0 {
            let count = self.bytes.withUnsafeReadableBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if count >= 0 {
                self.bytes.moveReaderIndex(forwardBy: count)
                continue
            }
            let reason = errno
            if reason == EINTR { continue }
            guard reason == EAGAIN else {
                // Tried once: what could not be written is not written at the end either.
                self.bytes.clear()
                throw Self.failure(reason)
            }
            // Another process that shares the descriptor has made it non-blocking.
            var waiting = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
            _ = poll(&waiting, 1, -1)
        }
        self.bytes.clear()
    }

    private static func failure(_ reason: Int32) -> ExitCode {
        if reason != EPIPE {
            ConfigurationInput.complain("standard output cannot be written: \(String(cString: strerror(reason)))")
        }
        return .failure
    }
}
