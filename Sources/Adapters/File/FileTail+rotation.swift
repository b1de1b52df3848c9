import BridgeCore
import Glibc
import Logging

extension FileTail {
    /// - Returns: whether reading on makes sense at once.
    mutating func reachedEnd(of file: OpenFile) throws -> Bool {
        guard file.isRegular, self.configuration.follow else {
            // The rest of a rotated file was read; now come those that were written after it.
            if file.isRegular, try self.advance(from: file) { return true }
            self.finishLine()
            self.isFinished = true
            return false
        }
        self.nextLook = nil
        var status = stat()
        // No file at the path: moved away, and its successor not made yet.
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

    /// Reads on for a while, because the one who writes to the file learns of its rotation later than we do.
    ///
    /// What comes is in order: nothing of the new file is read before the old one is left.
    ///
    /// - Parameter isAwaited: there is something in the new file.
    /// - Returns: whether reading on makes sense at once.
    private mutating func reachedEnd(ofReplaced file: OpenFile, isAwaited: Bool) throws -> Bool {
        guard let replacement = self.replacement else {
            // Once more to its end at least: lines may have come between reading and looking.
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

    /// Reads a file that was cut from its beginning.
    mutating func beginAgain(_ file: OpenFile) throws {
        self.context.logger.notice("File was truncated, reading it from the beginning", metadata: ["path": "\(file.path)"])
        if self.isBehind { self.tell("\(file.path) was cut before it was read to its end") }
        try file.seekToBeginning()
        self.open(next: file, after: file.inode)
    }

    /// Begins the file that was written after one that is at the path no longer.
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
        // Rotated once more since the look: looked at again.
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

    /// The last line of a file that nobody writes any more may lack its LF.
    private mutating func finishLine() {
        if let line = self.splitter.finish() { self.send([line]) }
    }
}
