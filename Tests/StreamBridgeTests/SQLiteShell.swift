import Glibc

/// The `sqlite3` tool, as an operator uses it while the program runs.
enum SQLiteShell {
    static func query(_ sql: String, in path: String) throws -> String {
        let pipe = popen("sqlite3 '\(path)' '\(sql)'", "r")
        defer { pclose(pipe) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = pipe.map { fread(&bytes, 1, bytes.count, $0) } ?? 0
        return String(decoding: bytes[..<count], as: UTF8.self).split(separator: "\n").joined()
    }
}
