import BridgeCore
import Glibc

/// A hash of the contents of files, by which a reload recognises renewed certificates and keys.
enum FileContents {
    /// Larger files are recognised by their size, beginning and time of change.
    private static let limit = 1 << 20

    /// - Returns: 0 for a file that cannot be read.
    static func hash(_ path: String) -> UInt64 {
        guard let file = fopen(path, "r") else { return 0 }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: Self.limit)
        let count = fread(&bytes, 1, bytes.count, file)
        var hash = Fingerprint()
        bytes[..<count].withUnsafeBytes { hash.add($0) }
        guard count == Self.limit else { return hash.value }
        var status = stat()
        guard fstat(fileno(file), &status) == 0 else { return 0 }
        hash.add(UInt64(truncatingIfNeeded: status.st_size))
        hash.add(UInt64(truncatingIfNeeded: status.st_mtim.tv_sec))
        hash.add(UInt64(truncatingIfNeeded: status.st_mtim.tv_nsec))
        return hash.value
    }
}
