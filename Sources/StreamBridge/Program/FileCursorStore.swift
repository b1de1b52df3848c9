import BridgeCore
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// Keeps cursors as one small file each in the state directory, replaced as a whole so that a crash leaves the old or the new one.
///
/// Without a directory they are in memory and end with the program. Thread-safe.
final class FileCursorStore: DatedCursorStore {
    private let directory: String?
    private let cursors = Mutex<[String: String]>([:])

    /// - Parameter directory: exists and is writable; `nil` for memory only.
    init(directory: String?) {
        self.directory = directory
    }

    func cursor(of source: String) -> String? {
        self.cursors.withLock { cursors in
            if let known = cursors[source] { return known }
            guard let path = self.path(of: source), let file = fopen(path, "r") else { return nil }
            defer { fclose(file) }
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = fread(&bytes, 1, bytes.count, file)
            let text = String(decoding: bytes[..<count], as: UTF8.self)
            cursors[source] = text
            return text
        }
    }

    func move(_ cursor: String, of source: String) throws {
        try self.cursors.withLock { cursors in
            cursors[source] = cursor
            guard let path = self.path(of: source) else { return }
            let draft = path + ".new"
            guard let file = fopen(draft, "w") else { throw Self.failure(draft) }
            let written = cursor.utf8.withContiguousStorageIfAvailable { fwrite($0.baseAddress, 1, $0.count, file) } ?? 0
            guard fclose(file) == 0, written == cursor.utf8.count else { throw Self.failure(draft) }
            guard rename(draft, path) == 0 else { throw Self.failure(path) }
        }
    }

    func time(of source: String) -> Timestamp? {
        var status = stat()
        guard let path = self.path(of: source), stat(path, &status) == 0 else { return nil }
        return Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
    }

    private func path(of source: String) -> String? {
        self.directory.map { "\($0)/\(source).cursor" }
    }

    private static func failure(_ path: String) -> ComponentError {
        ComponentError(.inputOutput, "the cursor file \(path) cannot be written: \(String(cString: strerror(errno)))")
    }
}
