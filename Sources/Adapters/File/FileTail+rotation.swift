import BridgeCore
import Glibc
import Logging

extension FileTail {
    /// Handles the end of the file: follows it, or continues with the file that replaced it.
    ///
    /// - Returns: whether to read again at once.
    mutating func reachedEnd(of file: OpenFile) throws -> Bool {
        guard self.isFollowing else {
            // A rotated file was read without following; the files written after it come next.
            if file.isRegular, try self.advance(from: file) { return true }
            self.finishLine()
            self.isFinished = true
            return false
        }
        self.nextCheck = nil
        let state = try self.observe()
        guard self.successors.isEmpty else { return try self.reachedEnd(ofReplaced: file) }
        // No file at the path: it was moved and its successor does not exist yet.
        guard case .current(let size) = state else { return false }
        self.replacement = nil
        if file.isRegular, size < file.offset {
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
    /// - Returns: whether to read again at once.
    private mutating func reachedEnd(ofReplaced file: OpenFile) throws -> Bool {
        guard let replacement = self.replacement else {
            // At least once more to its end: lines may have arrived between the read and the check.
            self.replacement = FileReplacement(
                wait: self.configuration.rotateWait, wasSeen: self.isSeen, at: self.successors.first?.arrival ?? .now)
            return true
        }
        let path = self.configuration.path
        let target = FileRotation.target(of: path)
        let isNewest = try replacement.wasSeen || FileRotation.successor(of: file.inode, at: target)?.path == target
        let remaining = replacement.remaining(of: file, isNewest: isNewest)
        if remaining > .zero {
            guard self.successors.isAwaited, replacement.isOverdue else {
                self.nextCheck = ContinuousClock.now + remaining
                return false
            }
            self.reportGap("\(file.path) is still written although \(path) has replaced it; its further lines are not read")
        }
        return try self.advance(from: file)
    }

    /// Reads a truncated file from its beginning.
    mutating func beginAgain(_ file: OpenFile) throws {
        self.truncations.note(["path": "\(file.path)"])
        if self.isBehind { self.reportGap("\(file.path) was truncated before it was read to its end") }
        try file.seekToBeginning()
        self.open(next: file, after: file.inode)
    }

    /// Continues with the file that was written after one that is no longer at the path.
    ///
    /// - Returns: false when there is none yet.
    private mutating func advance(from file: OpenFile) throws -> Bool {
        let path = self.configuration.path
        var proof = FileRotation.Proof.immediate
        if !self.isSeen || self.mayMissFiles {
            // Files that this run has not seen at the path are found by their names.
            let named = try FileRotation.successor(of: file.inode, at: FileRotation.target(of: path))
            if !self.isSeen, let named, !self.successors.contains(inode: named.inode) {
                return try self.advance(from: file, to: named)
            }
            proof = named?.inode == self.successors.first?.identity?.inode ? named?.proof ?? .unknown : .unknown
        }
        guard let first = self.successors.first else { return false }
        switch first.entry {
        case .lost:
            while case .lost? = self.successors.first?.entry { self.successors.removeFirst() }
            self.reportLoss()
            return true
        case .known:
            // It cannot be opened now; every check retries.
            return false
        case .held(let new):
            // A file that was moved back to the path continues after those that came in between.
            if FileIdentity(path: path) == file.identity { self.successors.append(file) }
            self.successors.removeFirst()
            self.begin(new, at: new.path, after: file, proof: proof)
            self.isSeen = true
            self.hasLeft = first.hasLeft
            self.mayMissFiles = self.watch == nil
            return true
        }
    }

    /// Continues with a file that this run has not seen at the path.
    private mutating func advance(from file: OpenFile, to next: FileRotation.Successor) throws -> Bool {
        let new: OpenFile
        do {
            new = try OpenFile(next.path, at: 0)
        } catch let failure as FileFailure where failure.number == ENOENT {
            return true
        }
        // Rotated again since the check: checks again.
        guard new.inode == next.inode else { return true }
        self.begin(new, at: next.path, after: file, proof: next.proof)
        self.isSeen = false
        self.hasLeft = false
        return true
    }

    private mutating func begin(_ new: OpenFile, at place: String, after file: OpenFile, proof: FileRotation.Proof) {
        let path = self.configuration.path
        self.finishLine()
        switch proof {
        case .broken:
            self.reportGap(
                "rotated files of \(path) were removed or compressed before they were read; reading continues with \(place)")
        case .unknown where self.isBehind:
            self.reportGap("\(path) was replaced before it was read to its end; lines of files in between may be lost")
        case .unknown, .immediate: break
        }
        self.replacements.note(["path": "\(place)"])
        self.replacement = nil
        self.open(next: new, after: file.inode)
        self.beginWatch()
    }

    /// Reports files at the path that were removed before they were read.
    mutating func reportLoss() {
        self.reportGap("files at \(self.configuration.path) were removed before they were read")
    }

    private mutating func reportGap(_ gap: String) {
        self.last = self.outlet.gap(.removal, gap, subject: self.configuration.subject).position
    }

    /// The last line of a file without a writer may lack its LF.
    private mutating func finishLine() {
        if let line = self.splitter.finish() { self.send([line]) }
    }
}
