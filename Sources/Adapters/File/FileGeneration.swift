import BridgeCore

/// Distinguishes a file from all others that a source reads, although inodes are reused and files are truncated.
///
/// Each generation is computed from the one before, so that a killed run and the next one assign the same ids to the
/// same lines.
struct FileGeneration: Equatable {
    let value: UInt64

    init(value: UInt64) {
        self.value = value
    }

    /// The generation of the first file that a source reads.
    init(bridge: String, source: String, path: String) {
        var hash = Fingerprint()
        for text in [bridge, source, path] { hash.add(text) }
        self.value = hash.value
    }

    /// The generation of the file that is read after one with this generation.
    func next(after inode: UInt64) -> FileGeneration {
        var hash = Fingerprint()
        hash.add(self.value)
        hash.add(inode)
        return FileGeneration(value: hash.value)
    }

    /// The prefix of the ids of a file's lines; the offset of a line completes its id.
    func idPrefix(of inode: UInt64) -> String {
        "file_\(self.next(after: inode).value.hexadecimal)_"
    }
}
