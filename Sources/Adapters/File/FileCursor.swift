import BridgeCore
import Glibc

/// How far a file has been read: which file, the byte after the last whole line, and a fingerprint of what stands before that.
///
/// Kept as text, `inode:offset:fingerprint:generation`, and `:path` behind a symbolic link; cursors of older versions end before.
struct FileCursor: Equatable {
    var inode: UInt64
    var offset: Int
    /// See ``OpenFile/fingerprint(before:)``: by it a file that was cut and has grown again is known.
    var fingerprint: UInt64?
    /// Tells the file from others that had its inode before, and from itself before it was cut; `nil` in cursors of older versions.
    var generation: FileGeneration?
    /// Where the file lay, when that was not at the path of the settings: the link may lead elsewhere later.
    var path: String?

    /// Stands for a file that is not there yet and is read from its beginning.
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

    /// The place in a file.
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

    /// Opens the cursor's file at its place, wherever it lies now: at `path`, or rotated away beside what it leads to or has led to.
    ///
    /// `nil` when it is gone or has been cut since.
    ///
    /// - Throws: ``FileFailure`` when the process lacks what it needs to look.
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

    /// Whether the file has what was read of it.
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
