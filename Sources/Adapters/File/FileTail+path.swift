import BridgeCore
import Glibc
import Logging

/// Follows the path of the settings: the current file and earlier ones.
extension FileTail {
    /// The result of one check of the path.
    enum PathState {
        /// The file that is read, with its size.
        case current(size: Int)
        /// Another file, which waits among the successors.
        case other
        /// Nothing that can be read.
        case unusable
    }

    /// Whether more files may appear at the path.
    var isFollowing: Bool { self.configuration.follow && self.configuration.path != "-" }

    /// Checks what is at the path and opens it if it is new, and files that were there since the last check.
    ///
    /// Reports a path that cannot be used to readiness, and that it can be used again.
    ///
    /// - Throws: ``FileFailure`` when the process lacks descriptors or memory for the check.
    mutating func observe() throws -> PathState {
        let isDue = self.nextObservation <= .now
        self.nextObservation = .now + .seconds(1)
        let path = self.configuration.path
        var check = self.check(path)
        // Files that left the path are read before the current one.
        var repetitions = 0
        while repetitions < 8, self.watch?.hasDeparted() == true {
            self.addDeparted(seen: check.file)
            check = self.check(path)
            repetitions += 1
        }
        self.isObstructed = check.isObstacle
        var state = PathState.unusable
        if let present = check.identity, present == self.file?.identity {
            state = .current(size: check.size)
            self.isSeen = true
            self.hasLeft = false
            if self.hasEnded { check.failure = FileFailure("\(path) is a device that has nothing to read", number: 0) }
        } else if let present = check.identity {
            state = .other
            if self.successors.contains(present) {
                check.failure = nil
            } else if let file = check.file {
                self.successors.append(file)
            } else if check.isReadable {
                // It may not be read now, or there is no descriptor for it.
                self.successors.append(.known(present))
            }
        }
        if !self.successors.isEmpty {
            check.failure = try self.successors.openKnown(at: [path, FileRotation.target(of: path)]) ?? check.failure
        }
        self.report(check.failure)
        if isDue || check.identity != self.file?.identity, self.watch?.isCurrent(for: path) == false {
            if check.identity != self.file?.identity { self.mayMissFiles = true }
            self.beginWatch()
        }
        return state
    }

    private func check(_ path: String) -> PathCheck {
        var check = PathCheck(path)
        if let identity = check.identity, identity != self.file?.identity, !self.successors.contains(identity) {
            check.open(path)
        }
        return check
    }

    /// The file at a path at one moment, opened if possible.
    private struct PathCheck {
        /// `nil` when nothing exists there.
        private(set) var identity: FileIdentity?
        private(set) var size = 0
        private(set) var file: OpenFile?
        /// Lines can be read from it, if it can be opened.
        private(set) var isReadable = false
        var failure: FileFailure?

        /// Whether something is there that has no lines to read.
        var isObstacle: Bool {
            if self.identity != nil { !self.isReadable } else { self.failure.map { $0.number != ENOENT } == true }
        }

        init(_ path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                self.failure = FileFailure.opening(path)
                return
            }
            let identity = FileIdentity(status)
            self.identity = identity
            self.size = Int(status.st_size)
            self.isReadable = OpenFile.unreadableKind(of: status) == nil
        }

        /// Opens the file at the path.
        mutating func open(_ path: String) {
            do {
                let file = try OpenFile(path, at: 0)
                // Another one than a moment ago may be there.
                self.identity = file.identity
                self.size = file.size
                self.file = file
            } catch {
                self.failure = error as? FileFailure
            }
        }
    }

    /// Adds the files that appeared at the path and left it between two checks; a removed one is recorded as lost.
    ///
    /// - Parameter seen: a file that was opened at the path before the kernel was asked; it is added in its place among them.
    private mutating func addDeparted(seen: OpenFile?) {
        guard let (files, isComplete) = self.watch?.takeDeparted() else { return }
        if !isComplete { self.mayMissFiles = true }
        let present = FileIdentity(path: self.configuration.path)
        var seen = seen
        for file in files {
            if let file {
                if file.identity == seen?.identity { seen = nil }
                self.addDeparted(file)
            } else if self.noteLeft(where: { $0 != present }) {
                continue
            } else if let opened = seen, opened.identity != present, !files.contains(where: { $0?.identity == opened.identity }) {
                seen = nil
                self.addDeparted(opened)
            } else if self.isObstructed {
                self.isObstructed = false
            } else {
                self.successors.append(.lost)
            }
        }
        if let seen, seen.identity != self.file?.identity, !self.successors.contains(seen.identity) {
            self.successors.append(seen)
        }
    }

    private mutating func addDeparted(_ file: OpenFile) {
        let identity = file.identity
        guard !self.noteLeft(where: { $0 == identity }), identity != self.file?.identity, !self.successors.contains(identity)
        else { return }
        self.successors.append(file)
        _ = self.noteLeft { $0 == identity }
    }

    /// The file that is read, or one of its successors, has left the path.
    ///
    /// - Returns: false when none of them is meant that had not left before.
    private mutating func noteLeft(where isIt: (FileIdentity) -> Bool) -> Bool {
        if !self.hasLeft, let file = self.file, isIt(file.identity) {
            self.hasLeft = true
            return true
        }
        return self.successors.noteLeft(where: isIt)
    }

    /// Reports an unusable path to readiness; an empty path only after a while, because rotation leaves it empty for a
    /// moment.
    private mutating func report(_ failure: FileFailure?) {
        guard let failure else {
            self.unusableSince = nil
            guard self.reported != nil else { return }
            self.reported = nil
            self.context.logger.notice("File can be read again", metadata: ["path": "\(self.configuration.path)"])
            return self.outlet.connected()
        }
        let since = self.unusableSince ?? .now
        self.unusableSince = since
        let rest = min(self.configuration.rotateWait, .seconds(5)) - (ContinuousClock.now - since)
        if failure.number == ENOENT, rest > .zero {
            self.nextObservation = min(self.nextObservation, .now + rest)
            return
        }
        guard self.reported != failure.description else { return }
        self.reported = failure.description
        self.pathFailures.note(["path": "\(self.configuration.path)", "error": "\(failure)"])
        self.outlet.interrupted(failure.description)
    }
}
