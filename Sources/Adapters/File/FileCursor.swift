import Glibc

/// How far a file has been read: which file, and the byte after the last whole line.
///
/// Kept as text, `inode:offset`.
struct FileCursor: Equatable {
    var inode: UInt64
    var offset: Int

    init(inode: UInt64, offset: Int) {
        self.inode = inode
        self.offset = offset
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let inode = UInt64(parts[0]), let offset = Int(parts[1]), offset >= 0 else { return nil }
        self.init(inode: inode, offset: offset)
    }

    var text: String { "\(self.inode):\(self.offset)" }

    /// Where the cursor's file lies now: at `path`, or rotated away beside it.
    ///
    /// `nil` when it is gone or has been cut short since.
    func path(near path: String) -> String? {
        if self.fits(path) { return path }
        let directory = FileFailure.directory(of: path)
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            guard entry.pointee.d_ino == self.inode else { continue }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            let candidate = "\(directory)/\(name)"
            if self.fits(candidate) { return candidate }
        }
        return nil
    }

    private func fits(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && UInt64(status.st_ino) == self.inode
            && status.st_size >= self.offset
    }
}
