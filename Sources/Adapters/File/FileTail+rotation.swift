import BridgeCore
import Glibc
import Logging

extension FileTail {
    /// Handles the end of the file: follows it, or continues with the file that replaced it.
    ///
    /// - Returns: whether to read again at once.
    mutating func reachedEnd(of file: OpenFile) throws -> Bool {
        guard file.isRegular, self.configuration.follow else {
            // A rotated file was read without following; the files written after it come next.
            if file.isRegular, try self.advance(from: file) { return true }
            self.finishLine()
            self.isFinished = true
            return false
        }
        self.nextLook = nil
        var status = stat()
        // No file at the path: it was moved and its successor does not exist yet.
        guard stat(self.configuration.path, &status) == 0 else { return false }
        if UInt64(status.st_ino) != file.inode { return try self.reachedEnd(ofReplaced: file, isAwaited: status.st_size > 0) }
        self.replacement = nil
        self.isSeen = true
        if status.st_size < file.offset {
            try self.beginAgain(file)
            return true
        }
        self.isBehind = false
        return false
    }

    /// Keeps reading for a while, because the writer learns of the rotation later than the source.
    ///
    /// Keeps the order: the source reads nothing from the new file before it leaves the old one.
    ///
    /// - Parameter isAwaited: whether the new file has data.
    /// - Returns: whether to read again at once.
    private mutating func reachedEnd(ofReplaced file: OpenFile, isAwaited: Bool) throws -> Bool {
        guard let replacement = self.replacement else {
            // At least once more to its end: lines may have arrived between the read and the check.
            self.replacement = FileReplacement(wait: self.configuration.rotateWait, wasSeen: self.isSeen)
            return true
        }
        let path = self.configuration.path
        let target = FileRotation.target(of: path)
        let isNewest = try replacement.wasSeen || FileRotation.successor(of: file.inode, at: target)?.path == target
        let remaining = replacement.remaining(of: file, isNewest: isNewest)
        if remaining > .zero {
            guard isAwaited, replacement.isOverdue else {
                self.nextLook = ContinuousClock.now + remaining
                return false
            }
            self.tell("\(file.path) is still written to though \(path) has replaced it; what comes to it from now on is not read")
        }
        return try self.advance(from: file)
    }

    /// Reads a truncated file from its beginning.
    mutating func beginAgain(_ file: OpenFile) throws {
        self.context.logger.notice("File was truncated, reading it from the beginning", metadata: ["path": "\(file.path)"])
        if self.isBehind { self.tell("\(file.path) was cut before it was read to its end") }
        try file.seekToBeginning()
        self.open(next: file, after: file.inode)
    }

    /// Continues with the file that was written after one that is no longer at the path.
    ///
    /// - Returns: false when there is none yet.
    private mutating func advance(from file: OpenFile) throws -> Bool {
        let path = self.configuration.path
        let target = FileRotation.target(of: path)
        guard let next = try FileRotation.successor(of: file.inode, at: target) else { return false }
        let new: OpenFile
        do {
            new = try OpenFile(next.path, at: 0)
        } catch let failure as FileFailure where failure.number == ENOENT {
            return true
        }
        // Rotated again since the check: checks again.
        guard new.inode == next.inode else { return true }
        self.finishLine()
        switch next.proof {
        case .broken:
            self.tell(
                "files that \(path) was rotated to are gone or compressed before they were read; it goes on with \(next.path)")
        case .unknown where self.isBehind:
            self.tell("\(path) was replaced before it was read to its end; what other files had in between may be lost")
        case .unknown, .immediate: break
        }
        self.context.logger.info("File was replaced, reading the next one", metadata: ["path": "\(next.path)"])
        self.replacement = nil
        self.isSeen = false
        self.open(next: new, after: file.inode)
        self.beginWatch()
        return true
    }

    private mutating func tell(_ gap: String) {
        self.last = self.outlet.gap(gap, subject: self.configuration.subject).position
    }

    /// The last line of a file without a writer may lack its LF.
    private mutating func finishLine() {
        if let line = self.splitter.finish() { self.send([line]) }
    }
}
