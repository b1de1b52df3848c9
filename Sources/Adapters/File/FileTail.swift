import BridgeCore
import DequeModule
import Glibc
import Logging
import NIOCore

/// One run of a file source.
///
/// On its own thread, from beginning to end.
struct FileTail {
    private let configuration: FileSource.Configuration
    private let context: ComponentContext
    private let outlet: SourceOutlet
    private let wakeup: Wakeup
    private let plain: Attributes
    private let truncated: Attributes
    private var splitter: LineSplitter
    private var chunk = [UInt8](repeating: 0, count: 256 << 10)
    private var file: OpenFile?
    private var watch: FileWatch?
    /// The file has been replaced at its path; what is left of it is read first.
    private var isReplaced = false
    /// There is nothing more to come, ever.
    private var isFinished = false
    private var last = Position.start
    /// What was sent and is not safe yet, with the cursor that follows it.
    private var sent: Deque<(position: Position, cursor: FileCursor)> = []
    private var cursor: FileCursor?
    private var nextMove = ContinuousClock.now

    init(configuration: FileSource.Configuration, context: ComponentContext, outlet: SourceOutlet, wakeup: Wakeup) {
        self.configuration = configuration
        self.context = context
        self.outlet = outlet
        self.wakeup = wakeup
        let path: [Attributes.Element] = configuration.path == "-" ? [] : [("path", configuration.path)]
        self.plain = Attributes(path)
        self.truncated = Attributes(path + [("truncated", "true")])
        self.splitter = LineSplitter(longest: configuration.longestLine)
    }

    /// Reads until the outlet stops.
    ///
    /// - Throws: a ``ComponentError`` when the file cannot be read, `CancellationError` when the task was cancelled.
    mutating func run() throws {
        do {
            try self.begin()
            self.outlet.connected()
            while !self.outlet.isStopping, !self.wakeup.isCancelled {
                try self.moveCursor()
                if self.isFinished || self.outlet.demand == .pause {
                    self.wait(forInput: false)
                } else if try !self.read() {
                    self.wait(forInput: true)
                }
            }
            while self.outlet.safe < self.last, !self.wakeup.isCancelled { self.wait(forInput: false) }
            try self.moveCursor(isLast: true)
        } catch let failure as FileFailure {
            throw failure.componentError
        }
        if self.wakeup.isCancelled { throw CancellationError() }
    }

    /// Opens the file where the last run, or the last program, ended.
    private mutating func begin() throws {
        let path = self.configuration.path
        guard path != "-" else {
            self.file = OpenFile(standardInput: ())
            return
        }
        let known = self.context.cursors.cursor(of: self.context.name).flatMap { FileCursor($0) }
        if let known, let place = known.path(near: path) {
            self.file = try OpenFile(place, at: known.offset)
        } else {
            // What a cursor stands for was not read to its end, or was cut: begin with what there is.
            let file = try OpenFile(path, at: 0)
            if known == nil, self.configuration.start == .end { try file.seekToEnd() }
            self.file = file
            if known != nil, file.isRegular {
                self.outlet.gap("\(path) was replaced or cut while it was not read", subject: self.configuration.subject)
            }
        }
        if self.configuration.follow { self.watch = FileWatch(path) }
    }

    /// Reads one chunk and sends its lines.
    ///
    /// - Returns: false when there is nothing to read now.
    private mutating func read() throws -> Bool {
        guard let file = self.file else { return try self.reopen() }
        let count = try file.read(into: &self.chunk)
        switch count {
        case nil: return false
        case 0?: return try self.reachedEnd(of: file)
        case let count?:
            let lines = self.chunk.withUnsafeBytes { self.splitter.feed(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            self.send(lines)
            return true
        }
    }

    private mutating func send(_ lines: [LineSplitter.Line]) {
        guard !lines.isEmpty else { return }
        let messages = lines.map { line in
            ReceivedMessage(
                subject: self.configuration.subject, body: line.bytes, attributes: line.isTruncated ? self.truncated : self.plain
            )
        }
        self.last = self.outlet.send(messages).position
        if let file = self.file, file.isRegular {
            let cursor = FileCursor(inode: file.inode, offset: file.offset - self.splitter.partialLength)
            self.sent.append((self.last, cursor))
        }
    }

    /// - Returns: whether reading on makes sense at once.
    private mutating func reachedEnd(of file: OpenFile) throws -> Bool {
        guard file.isRegular, self.configuration.follow else {
            if file.isRegular, let current = try? OpenFile(self.configuration.path, at: 0), current.inode != file.inode {
                // The rest of a rotated file was read; now comes the one at the path.
                self.finishLine()
                self.file = current
                return true
            }
            self.finishLine()
            self.isFinished = true
            return false
        }
        if self.isReplaced {
            self.finishLine()
            self.file = nil
            self.isReplaced = false
            return try self.reopen()
        }
        var status = stat()
        // No file at the path: moved away, and its successor not made yet.
        guard stat(self.configuration.path, &status) == 0 else { return false }
        if UInt64(status.st_ino) != file.inode {
            // Once more to its end: lines may have come between reading and looking.
            self.isReplaced = true
            return true
        }
        if status.st_size < file.offset {
            self.context.logger.notice("File was truncated, reading it from the beginning", metadata: ["path": "\(file.path)"])
            self.splitter = LineSplitter(longest: self.configuration.longestLine)
            try file.seekToBeginning()
            return true
        }
        return false
    }

    private mutating func reopen() throws -> Bool {
        do {
            self.file = try OpenFile(self.configuration.path, at: 0)
        } catch let failure as FileFailure where failure.number == ENOENT {
            return false
        }
        self.context.logger.info("File was replaced, reading the new one", metadata: ["path": "\(self.configuration.path)"])
        self.watch = FileWatch(self.configuration.path)
        return true
    }

    /// The last line of a file that nobody writes any more may lack its LF.
    private mutating func finishLine() {
        if let line = self.splitter.finish() { self.send([line]) }
    }

    /// Moves the cursor to what is safe, at most four times a second.
    private mutating func moveCursor(isLast: Bool = false) throws {
        let safe = self.outlet.safe
        while let first = self.sent.first, first.position <= safe {
            self.cursor = first.cursor
            self.sent.removeFirst()
        }
        guard let cursor = self.cursor, isLast || ContinuousClock.now >= self.nextMove else { return }
        try self.context.cursors.move(cursor.text, of: self.context.name)
        self.cursor = nil
        self.nextMove = .now + .milliseconds(250)
    }

    /// Sleeps until something may have changed: a second at most, because not every file system tells of changes.
    private mutating func wait(forInput: Bool) {
        var descriptors = [pollfd(fd: self.wakeup.descriptor, events: Int16(POLLIN), revents: 0)]
        if forInput, let file = self.file, !file.isRegular {
            descriptors.append(pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0))
        } else if forInput, let watch = self.watch {
            descriptors.append(pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0))
        }
        let isQuiet = self.cursor == nil && (!forInput || self.file?.isRegular == false)
        poll(&descriptors, nfds_t(descriptors.count), isQuiet ? -1 : self.cursor == nil ? 1000 : 250)
        self.wakeup.reset()
        self.watch?.reset()
    }
}
