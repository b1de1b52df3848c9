import ArgumentParser
import Glibc
import NIOCore

/// A file that a command reads.
enum InputFile {
    /// Larger bodies are refused.
    static let limit = 64 << 20

    /// Reads a file, or standard input for `-`.
    ///
    /// - Throws: `ExitCode` once the reason is on standard error.
    static func read(_ path: String) throws -> ByteBuffer {
        let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw self.failure(path, String(cString: strerror(errno))) }
        defer { if path != "-" { close(descriptor) } }
        var bytes = ByteBuffer()
        while true {
            let count = bytes.writeWithUnsafeMutableBytes(minimumWritableBytes: 64 << 10) { room in
                max(0, Glibc.read(descriptor, room.baseAddress, room.count))
            }
            guard count == 0 else {
                guard bytes.readableBytes <= self.limit else { throw self.failure(path, "it has more than \(self.limit) bytes") }
                continue
            }
            // Neither the end nor a failure says so by a count of 0 alone.
            var byte: UInt8 = 0
            let last = Glibc.read(descriptor, &byte, 1)
            if last == 0 { return bytes }
            guard last > 0 || errno == EINTR else { throw self.failure(path, String(cString: strerror(errno))) }
            if last > 0 { bytes.writeInteger(byte) }
        }
    }

    private static func failure(_ path: String, _ reason: String) -> ExitCode {
        ConfigurationInput.complain("\(path == "-" ? "standard input" : path) cannot be read: \(reason)")
        return .failure
    }
}
