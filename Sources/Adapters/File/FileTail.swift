import BridgeCore
import DequeModule
import Glibc
import Logging
import NIOCore

/// One run of a file source.
///
/// Runs on its own thread from beginning to end.
struct FileTail {
    let configuration: FileSource.Configuration
    let context: ComponentContext
    let outlet: SourceOutlet
    private let wakeup: Wakeup
    private let plain: Attributes
    private let truncated: Attributes
    var splitter: LineSplitter
    private var chunk = [UInt8](repeating: 0, count: 256 << 10)
    var file: OpenFile?
    private(set) var watch: FileWatch?
    private let watchFailures: BurstLog
    let pathFailures: BurstLog
    let truncations: BurstLog
    let replacements: BurstLog
    /// When to request a watch from the kernel again after a failure.
    private var nextWatch: ContinuousClock.Instant?
    /// Distinguishes the current file from others that had this path or this inode.
    private var generation: FileGeneration
    private var idPrefix = ""
    /// The target of a symbolic link, when it is short enough for a cursor.
    private var targetPath: String?
    /// Set once another file has replaced the current one at its path; remaining and late data are read first.
    var replacement: FileReplacement?
    /// Whether the current file was found at its path.
    var isSeen = false
    /// Whether the current file was seen to leave its path.
    var hasLeft = false
    /// The files that appeared at the path after the current one.
    var successors = FileSuccessors()
    /// Whether something unreadable is at the path, so that nothing is lost when it is removed.
    var isObstructed = false
    /// Whether the kernel may not have reported every change at the path.
    var mayMissFiles = false
    /// Since when nothing at the path is readable.
    var unusableSince: ContinuousClock.Instant?
    /// The reason reported to readiness last; `nil` when the path is usable.
    var reported: String?
    /// When to check the path at the latest.
    var nextObservation = ContinuousClock.now
    /// Whether the current file is a device that has ended.
    var hasEnded = false
    /// When to check again without a notification.
    var nextCheck: ContinuousClock.Instant?
    /// Whether no more data can arrive.
    var isFinished = false
    /// Whether there may be unread data: the source was down or paused since it reached the end.
    var isBehind = false
    /// How far the file has been read in complete lines; `nil` for a pipe.
    private(set) var place: FileCursor?
    /// Whether the file may have changed since it was read.
    private var hasWaited = false
    var last = Position.start
    /// Positions sent and not safe yet, with the cursors that follow them.
    private var sent: Deque<(position: Position, cursor: FileCursor)> = []
    private var cursor: FileCursor?
    private var nextMove = ContinuousClock.now
    /// How often the cursor moves at most; a crash repeats the lines since.
    private static let pace = Duration.milliseconds(50)

    init(configuration: FileSource.Configuration, context: ComponentContext, outlet: SourceOutlet, wakeup: Wakeup) {
        self.configuration = configuration
        self.context = context
        self.outlet = outlet
        self.wakeup = wakeup
        self.plain = Self.attributes(configuration, isTruncated: false)
        self.truncated = Self.attributes(configuration, isTruncated: true)
        self.splitter = LineSplitter(longest: configuration.longestLine, isAtBeginning: true)
        self.watchFailures = BurstLog("File cannot be watched; checking it once a second", logger: context.logger)
        self.truncations = BurstLog(
            "File was truncated; reading it from the beginning", level: .notice, logger: context.logger)
        self.replacements = BurstLog("File was replaced; reading the next one", level: .info, logger: context.logger)
        self.pathFailures = BurstLog("File cannot be read at its path", logger: context.logger)
        self.generation = FileGeneration(bridge: context.bridge, source: context.name, path: configuration.path)
    }

    private static func attributes(_ configuration: FileSource.Configuration, isTruncated: Bool) -> Attributes {
        let path: [Attributes.Element] = configuration.path == "-" ? [] : [("path", configuration.path)]
        return Attributes(path + (isTruncated ? [("truncated", "true")] : []))
    }

    /// The message of a line that is in no file.
    static func message(of line: LineSplitter.Line, _ configuration: FileSource.Configuration) -> ReceivedMessage {
        ReceivedMessage(
            subject: configuration.subject, body: line.bytes,
            attributes: self.attributes(configuration, isTruncated: line.isTruncated))
    }

    /// Reads until the outlet stops.
    ///
    /// - Throws: a ``ComponentError`` when the file cannot be read, `CancellationError` when the task was cancelled.
    mutating func run() throws {
        do {
            defer {
                // Lines that became safe before a failure are not read again; without a stored cursor they are
                // duplicates.
                if !self.wakeup.isCancelled { try? self.moveCursor(isLast: true) }
            }
            try self.begin()
            self.outlet.connected()
            while !self.outlet.isStopping, !self.wakeup.isCancelled {
                try self.moveCursor()
                // Also while the source is busy or paused.
                if self.isFollowing, self.nextObservation <= .now { _ = try self.observe() }
                let isPaused = self.outlet.demand == .pause
                if isPaused { self.isBehind = true }
                if self.isFinished || isPaused {
                    self.wait(forInput: false)
                } else if try !self.read() {
                    self.wait(forInput: true)
                }
            }
            if self.successors.endWithProcess { self.reportLoss() }
            while self.outlet.safe < self.last, !self.wakeup.isCancelled { self.wait(forInput: false) }
            try self.moveCursor(isLast: true)
        } catch let failure as FileFailure {
            if self.successors.endWithProcess { self.reportLoss() }
            throw failure.componentError
        }
        if self.wakeup.isCancelled { throw CancellationError() }
    }

    /// Opens the file where the last run, or the last program, stopped.
    private mutating func begin() throws {
        let path = self.configuration.path
        guard path != "-" else {
            self.file = OpenFile(standardInput: ())
            return
        }
        // Before the file is opened, so that no change after that is missed.
        self.beginWatch()
        let known = self.context.cursors.cursor(of: self.context.name).flatMap { FileCursor($0) }
        if let generation = known?.generation { self.generation = generation }
        if let known, let file = try known.open(near: path) {
            self.open(file, generation: self.generation)
            self.place = FileCursor(file, offset: known.offset, generation: self.generation, path: self.targetPath)
            self.isBehind = true
        } else {
            let file = try self.openFirst(path, isKnown: known != nil)
            let isFirst = known == nil || known == .nothing
            self.open(file, generation: isFirst ? self.generation : self.generation.next(after: known?.inode ?? 0))
            // The rest of the cursor's file is lost, or it was truncated: reports a gap and starts with the present
            // file.
            if let known, known != .nothing, file.isRegular {
                self.last =
                    self.outlet.gap(
                        .removal, "\(path) was replaced or truncated while it was not read", subject: self.configuration.subject
                    ).position
            }
            if file.isRegular { self.recordCursor(at: file.offset, of: file) }
        }
        self.beginWatch()
    }

    /// Continues with a file, at its offset.
    mutating func open(_ file: OpenFile, generation: FileGeneration) {
        self.file = file
        self.hasEnded = false
        self.generation = generation
        self.idPrefix = generation.idPrefix(of: file.inode)
        self.targetPath = self.target(of: file)
        self.splitter = LineSplitter(longest: self.configuration.longestLine, isAtBeginning: file.isRegular && file.offset == 0)
    }

    private func target(of file: OpenFile) -> String? {
        let target = FileRotation.target(of: file.path)
        return target == self.configuration.path || target.utf8.count > 4000 ? nil : target
    }

    /// Continues with the next file, or with the same one from its beginning after a truncation.
    mutating func open(next file: OpenFile, after inode: UInt64) {
        self.open(file, generation: self.generation.next(after: inode))
        // A pipe has no position.
        self.place = nil
        if file.isRegular { self.recordCursor(at: file.offset, of: file) }
    }

    /// Requests notifications from the kernel; after a failure, ``wait(forInput:)`` retries.
    mutating func beginWatch() {
        guard self.isFollowing else { return }
        do {
            if self.watch?.isCurrent(for: self.configuration.path) != true {
                self.watch = nil
                self.watch = try FileWatch(path: self.configuration.path)
            }
            if let file, file.isRegular { try self.watch?.follow(file) }
            self.nextWatch = nil
        } catch {
            self.watch = nil
            self.mayMissFiles = true
            self.watchFailures.note(["path": "\(self.configuration.path)", "error": "\(error)"])
            self.nextWatch = .now + .seconds(5)
        }
    }

    /// Opens the file at the path where reading starts.
    ///
    /// A start at the end is stored at once, so that a later run of the program reads the lines in between.
    private func openFirst(_ path: String, isKnown: Bool) throws -> OpenFile {
        guard !isKnown, self.configuration.start == .end else { return try OpenFile(path, at: 0) }
        do {
            let file = try OpenFile(path, at: 0)
            try file.seekToEnd()
            if file.isRegular {
                let cursor = FileCursor(file, offset: file.offset, generation: self.generation, path: self.target(of: file))
                try self.context.cursors.move(cursor.text, of: self.context.name)
            }
            return file
        } catch let failure as FileFailure where failure.number == ENOENT {
            try self.context.cursors.move(FileCursor.nothing.text, of: self.context.name)
            throw failure
        }
    }

    /// Reads one chunk and sends its lines.
    ///
    /// - Returns: false when there is nothing to read now.
    private mutating func read() throws -> Bool {
        guard let file = self.file else { return false }
        if self.hasWaited {
            self.hasWaited = false
            if file.isRegular, let place = self.place, !place.fits(file) {
                try self.beginAgain(file)
                return true
            }
        }
        let count = try file.read(into: &self.chunk)
        switch count {
        case nil: return file.isRegular || !self.isFollowing ? false : try self.reachedEnd(of: file)
        case 0?:
            self.hasEnded = !file.isRegular
            return try self.reachedEnd(of: file)
        case let count?:
            self.hasEnded = false
            self.replacement?.hasGrown()
            let lines = self.chunk.withUnsafeBytes { self.splitter.feed(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            self.send(lines)
            return true
        }
    }

    mutating func send(_ lines: [LineSplitter.Line]) {
        guard !lines.isEmpty else { return }
        // A pipe has no offsets.
        var offset = self.idPrefix.isEmpty || self.file?.isRegular != true ? nil : self.place?.offset
        let messages = lines.map { line in
            defer { offset = offset.map { $0 + line.length } }
            return ReceivedMessage(
                subject: self.configuration.subject, body: line.bytes,
                upstreamID: offset.map { "\(self.idPrefix)\($0)" },
                attributes: line.isTruncated ? self.truncated : self.plain
            )
        }
        let receipt = self.outlet.send(messages)
        self.last = receipt.position
        if receipt.demand == .pause {
            self.isBehind = true
            self.hasWaited = true
        }
        if let file = self.file, file.isRegular {
            self.recordCursor(at: file.offset - self.splitter.partialLength, of: file)
        }
    }

    /// Records the cursor up to which everything was sent.
    mutating func recordCursor(at offset: Int, of file: OpenFile) {
        let cursor = FileCursor(file, offset: offset, generation: self.generation, path: self.targetPath)
        self.place = cursor
        self.sent.append((self.last, cursor))
    }

    /// Moves the cursor to what is safe, at most every ``pace``.
    private mutating func moveCursor(isLast: Bool = false) throws {
        let safe = self.outlet.safe
        while let first = self.sent.first, first.position <= safe {
            self.cursor = first.cursor
            self.sent.removeFirst()
        }
        guard let cursor = self.cursor, isLast || ContinuousClock.now >= self.nextMove else { return }
        try self.context.cursors.move(cursor.text, of: self.context.name)
        self.cursor = nil
        self.nextMove = .now + Self.pace
    }

    /// Sleeps until something may have changed, at most a second, because not every file system sends notifications.
    private mutating func wait(forInput: Bool) {
        if let nextWatch, nextWatch <= .now { self.beginWatch() }
        var descriptors = [pollfd(fd: self.wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
        if forInput, let file = self.file, !file.isRegular, !self.hasEnded {
            descriptors.append(pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0))
        }
        if forInput, let watch = self.watch {
            descriptors.append(pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0))
        }
        let isObserving = self.isFollowing && !self.isFinished
        var longest: Int32 = self.cursor != nil ? Int32(Self.pace.milliseconds) : isObserving ? 1000 : -1
        let times = [isObserving ? self.nextObservation : nil, forInput ? self.nextCheck : nil]
        if let next = times.compactMap(\.self).min() {
            // Rounded up, so that the wait is over at the next check.
            let rest = Int32(clamping: max(0, (next - ContinuousClock.now).milliseconds) + 1)
            longest = longest < 0 ? rest : min(longest, rest)
        }
        poll(&descriptors, nfds_t(descriptors.count), longest)
        self.hasWaited = true
        self.wakeup.reset()
        self.watch?.reset()
    }
}
