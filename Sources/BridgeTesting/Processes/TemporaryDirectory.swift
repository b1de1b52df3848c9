import Glibc

/// A new directory that is removed with its contents when the last reference is released.
package final class TemporaryDirectory: Sendable {
    /// The absolute path, in `TMPDIR` or `/tmp`.
    package let path: String

    /// Creates the directory.
    ///
    /// - Throws: ``PeerError`` when that fails.
    package init() throws {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/streambridge-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw PeerError.system("mkdtemp in \(parent)") }
        self.path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        Self.remove(self.path)
    }

    /// The path of a file in the directory; the file need not exist.
    package func file(_ name: String) -> String { "\(self.path)/\(name)" }

    /// Writes a file, replacing an existing one.
    ///
    /// - Returns: its path.
    /// - Throws: ``PeerError`` when that fails.
    @discardableResult
    package func write(_ text: String, to name: String) throws -> String {
        try self.write(bytes: Array(text.utf8), to: name)
    }

    /// Writes a file, replacing an existing one unless `appending` is set.
    ///
    /// - Returns: its path.
    /// - Throws: ``PeerError`` when that fails.
    @discardableResult
    package func write(bytes: [UInt8], to name: String, appending: Bool = false) throws -> String {
        let path = self.file(name)
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (appending ? O_APPEND : O_TRUNC), 0o644)
        guard descriptor >= 0 else { throw PeerError.system("open \(path)") }
        defer { close(descriptor) }
        var start = 0
        while start < bytes.count {
            let count = bytes[start...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { throw PeerError.system("write \(path)") }
            start += count
        }
        return path
    }

    /// Appends to a file, which is created when it does not exist.
    package func append(_ text: String, to name: String) throws {
        try self.write(bytes: Array(text.utf8), to: name, appending: true)
    }

    /// The contents of a file; empty when it does not exist.
    package func read(_ name: String) -> [UInt8] { Self.contents(of: self.file(name)) }

    /// The contents of a file; empty when it does not exist.
    package static func contents(of path: String) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return result }
            result += chunk[..<count]
        }
    }

    /// The names in a directory in alphabetical order, without `.` and `..`; empty when it cannot be read.
    package static func names(in path: String) -> [String] {
        guard let directory = opendir(path) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    private static func remove(_ path: String) {
        if unlink(path) == 0 { return }
        for name in self.names(in: path) { self.remove("\(path)/\(name)") }
        rmdir(path)
    }
}

/// Creates a new directory; see ``TemporaryDirectory``.
package func temporaryDirectory() throws -> TemporaryDirectory {
    try TemporaryDirectory()
}
