import BridgeCore
import Glibc

/// How far a file has been read: which file, the byte after the last whole line, and a fingerprint of what stands before that.
///
/// Kept as text, `inode:offset:fingerprint`; cursors of older versions have no fingerprint.
struct FileCursor: Equatable {
    var inode: UInt64
    var offset: Int
    /// See ``OpenFile/fingerprint(before:)``: by it a file that was cut and has grown again is known.
    var fingerprint: UInt64?

    /// Stands for a file that is not there yet and is read from its beginning.
    static let nothing = FileCursor(inode: 0, offset: 0, fingerprint: nil)

    init(inode: UInt64, offset: Int, fingerprint: UInt64?) {
        self.inode = inode
        self.offset = offset
        self.fingerprint = fingerprint
    }

    /// The place in a file.
    init(_ file: OpenFile, offset: Int) {
        self.init(inode: file.inode, offset: offset, fingerprint: file.fingerprint(before: offset))
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let inode = UInt64(parts[0]), let offset = Int(parts[1]), offset >= 0 else {
            return nil
        }
        let fingerprint = parts.count == 3 ? UInt64(parts[2], radix: 16) : nil
        guard parts.count == 2 || fingerprint != nil else { return nil }
        self.init(inode: inode, offset: offset, fingerprint: fingerprint)
    }

    var text: String { "\(self.inode):\(self.offset)" + (self.fingerprint.map { ":" + String($0, radix: 16) } ?? "") }

    /// Opens the cursor's file at its place, wherever it lies now: at `path`, or rotated away beside it.
    ///
    /// `nil` when it is gone or has been cut since.
    func open(near path: String) -> OpenFile? {
        if let file = self.open(path) { return file }
        return FileRotation.entries(beside: path).lazy.filter { $0.inode == self.inode }.compactMap { self.open($0.path) }.first
    }

    /// Whether the file has what was read of it.
    func fits(_ file: OpenFile) -> Bool {
        file.inode == self.inode && (self.fingerprint == nil || file.fingerprint(before: self.offset) == self.fingerprint)
    }

    private func open(_ path: String) -> OpenFile? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, UInt64(status.st_ino) == self.inode,
            status.st_size >= self.offset, let file = try? OpenFile(path, at: self.offset), self.fits(file)
        else { return nil }
        return file
    }
}
