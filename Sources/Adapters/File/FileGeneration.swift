import BridgeCore

/// What tells a file from every other one that a source has read or will read, though inodes are used again and files are cut.
///
/// Each follows from the one before, so that a run that was killed and the next one call the same lines by the same ids.
struct FileGeneration: Equatable {
    let value: UInt64

    init(value: UInt64) {
        self.value = value
    }

    /// Of the first file that a source reads.
    init(bridge: String, source: String, path: String) {
        var hash = Fingerprint()
        for text in [bridge, source, path] { hash.add(text) }
        self.value = hash.value
    }

    /// Of the file that is read after one with this generation.
    func next(after inode: UInt64) -> FileGeneration {
        var hash = Fingerprint()
        hash.add(self.value)
        hash.add(inode)
        return FileGeneration(value: hash.value)
    }

    /// The beginning of the ids of a file's lines; the offset of a line makes its id of it.
    func idPrefix(of inode: UInt64) -> String {
        "file_\(self.next(after: inode).value.hexadecimal)_"
    }
}
