import ArgumentParser
import Glibc

/// A file that a command writes.
enum OutputFile {
    /// Writes a text, in place of what the file had.
    ///
    /// - Throws: `ExitCode` once the reason is on standard error.
    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "w") else { throw self.failure(path) }
        var text = text
        let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
        // Some disks report only at the end that they are full.
        guard fclose(file) == 0, isWritten else { throw self.failure(path) }
    }

    private static func failure(_ path: String) -> ExitCode {
        ConfigurationInput.complain("\(path) cannot be written: \(String(cString: strerror(errno)))")
        return .failure
    }
}
