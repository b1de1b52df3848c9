import BridgeConfiguration
import CBuild
import Compression
import Mosquitto
import RedisAdapter
import SQLiteLog

/// What `--version` prints: the program, the commit of its build, and the libraries that it uses.
enum VersionText {
    /// Several lines, without the last line end.
    static var text: String {
        let commit = String(cString: cbuild_commit())
        let libraries = [
            ("libmosquitto", MosquittoLibrary.version), ("OpenSSL", MosquittoLibrary.openSSLVersion),
            ("hiredis", RedisLibrary.version), ("SQLite", SQLiteLibrary.version), ("libyaml", BridgeLoader.libraryVersion),
            ("zlib", CompressionLibrary.zlibVersion), ("Zstandard", CompressionLibrary.zstdVersion),
        ]
        return """
            streambridge \(StreamBridge.version)
            commit \(commit.isEmpty ? "unknown" : commit)
            \(libraries.map { "\($0.0) \($0.1)" }.joined(separator: "\n"))
            """
    }
}
