import BridgeCore
import Glibc

/// How far a file has been read: its identity, the offset after the last complete line, and a fingerprint of the bytes
/// before it.
///
/// Stored as `inode:offset:fingerprint:generation`, followed by `:path` for a symbolic link; cursors of older versions
/// are shorter.
struct FileCursor: Equatable {
    var inode: UInt64
    var offset: Int
    /// Detects a file that was truncated and has grown again; see ``OpenFile/fingerprint(before:)``.
    var fingerprint: UInt64?
    /// Distinguishes the file from earlier ones with its inode, and from itself before a truncation; `nil` in cursors
    /// of older versions.
    var generation: FileGeneration?
    /// The path of the file when it differs from that of the settings, because a symbolic link may lead elsewhere
    /// later.
    var path: String?

    /// The cursor of a file that does not exist yet and is read from its beginning.
    static let nothing = FileCursor(inode: 0, offset: 0)

    init(
        inode: UInt64, offset: Int, fingerprint: UInt64? = nil, generation: FileGeneration? = nil, path: String? = nil
    ) {
        self.inode = inode
        self.offset = offset
        self.fingerprint = fingerprint
        self.generation = generation
        self.path = path
    }

    /// The cursor of an offset in a file.
    init(_ file: OpenFile, offset: Int, generation: FileGeneration, path: String?) {
        self.init(
            inode: file.inode, offset: offset, fingerprint: file.fingerprint(before: offset), generation: generation, path: path)
    }

    init?(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 4, omittingEmptySubsequences: false)
        guard parts.count >= 2, let inode = UInt64(parts[0]), let offset = Int(parts[1]), offset >= 0 else {
            return nil
        }
        let hashes = parts.dropFirst(2).prefix(2).map { UInt64($0, radix: 16) }
        guard !hashes.contains(nil) else { return nil }
        self.init(
            inode: inode, offset: offset, fingerprint: hashes.first ?? nil,
            generation: hashes.count == 2 ? hashes[1].map { FileGeneration(value: $0) } : nil,
            path: parts.count == 5 ? String(parts[4]) : nil
        )
    }

    var text: String {
        let hashes = [self.fingerprint, self.fingerprint == nil ? nil : self.generation?.value].compactMap(\.self)
        let path = hashes.count == 2 ? self.path.map { ":" + $0 } ?? "" : ""
        return "\(self.inode):\(self.offset)" + hashes.map { ":" + String($0, radix: 16) }.joined() + path
    }

    /// Opens the cursor's file at its offset: at `path`, or rotated, in the directory of the path's current or former
    /// target.
    ///
    /// Opens the file of the cursor; `nil` when it was removed or truncated.
    ///
    /// - Throws: ``FileFailure`` when the process lacks descriptors or memory.
    func open(near path: String) throws -> OpenFile? {
        if let file = try self.open(path) { return file }
        let target = FileRotation.target(of: path)
        for place in [target] + (self.path.map { $0 == target ? [] : [$0] } ?? []) {
            for entry in try FileRotation.entries(beside: place) where entry.inode == self.inode {
                if let file = try self.open(entry.path) { return file }
            }
        }
        return nil
    }

    /// Whether the bytes before the offset are those that were read.
    func fits(_ file: OpenFile) -> Bool {
        file.inode == self.inode && (self.fingerprint == nil || file.fingerprint(before: self.offset) == self.fingerprint)
    }

    private func open(_ path: String) throws -> OpenFile? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, UInt64(status.st_ino) == self.inode,
            status.st_size >= self.offset
        else { return nil }
        do {
            let file = try OpenFile(path, at: self.offset)
            return self.fits(file) ? file : nil
        } catch let failure as FileFailure where !failure.isOfProcess {
            return nil
        }
    }
}
