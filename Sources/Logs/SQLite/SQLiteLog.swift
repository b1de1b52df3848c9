package import BridgeCore
import CSQLite
import JSON
import Synchronization

/// The durable log in one SQLite file in WAL mode; each group of changes is one transaction.
///
/// Thread-safe, though used by one thread at a time. One process locks the file; opening it as a log elsewhere fails.
/// Tools can read and write it at the same time.
package final class SQLiteLog: LogStore {
    private let state: Mutex<State>

    /// Opens or creates the file and reads its contents.
    ///
    /// Takes about a second per million pending events.
    ///
    /// - Parameters:
    ///   - bridge: this bridge's name; see ``Provenance/origin``.
    ///   - sinks: the names of the sinks in the configuration file.
    /// - Throws: ``LogError`` with the remedy.
    package static func open(
        _ settings: DurableLogSettings, bridge: String, sinks: [String]
    ) throws -> (log: SQLiteLog, contents: LogContents) {
        let lock = try FileLock(path: settings.path)
        let connection = try SQLiteConnection(path: settings.path, creates: true)
        // Only effective before the first table exists. Most groups of events fit into one or two pages of this size.
        try connection.execute("PRAGMA page_size = \(JournalLimit.pageSize)")
        try connection.execute(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = \(settings.durability == .power ? "FULL" : "NORMAL");
            PRAGMA cache_size = -4096;
            """
        )
        try JournalLimit(path: connection.resolvedPath).apply(to: connection)
        try LogSchema.migrate(connection)
        let reader = EventRows(bridge: bridge)
        let contents = try LogReading.contents(connection, sinks: sinks, reader)
        // Snapshots of sinks that the file no longer has; they would be outdated if the sink came back.
        let names = sinks.map { "\"\($0)\"" }.joined(separator: ",")
        try connection.execute("DELETE FROM snapshots WHERE sink NOT IN (SELECT value FROM json_each('[\(names)]'))")
        let orphans = try OrphanedEvents(connection, sinks: contents.orphans.keys)
        return (SQLiteLog(try State(lock, connection, settings, reader, orphans)), contents)
    }

    private init(_ state: consuming sending State) {
        self.state = Mutex(state)
    }

    /// Writes a group in one transaction; an empty group only tests that one is possible.
    ///
    /// - Throws: ``LogError``, also when a check finds the file removed or replaced; then nothing is written.
    package func commit(_ changes: LogChanges) throws {
        try self.state.withLock { try $0.commit(changes) }
    }

    /// Reads at most `limit` events that are pending for a sink, in order.
    ///
    /// - Throws: ``LogError``.
    package func page(of sink: String, after position: Position, atMost limit: Int) throws -> LogPage {
        try self.state.withLock { try LogReading.page($0.connection, of: sink, after: position, atMost: limit, $0.rows) }
    }

    /// Reads the last `limit` events that a sink has numbered, in order.
    ///
    /// - Throws: ``LogError``.
    package func history(of sink: String, atMost limit: Int) throws -> SinkHistory {
        try self.state.withLock { try HistoryReading(rows: $0.rows, limit: limit).history($0.connection, of: sink) }
    }

    /// Keeps what is pending for a removed sink until it is too old, and removes its snapshot.
    ///
    /// - Throws: ``LogError``.
    package func release(sink: String) throws {
        try self.state.withLock { state in
            try state.orphans.add(sink, state.connection)
            // It would be outdated if the sink came back.
            let delete = try state.connection.prepare("DELETE FROM snapshots WHERE sink = ?")
            try delete.bind(1, sink).run()
        }
    }

    /// Reads what is pending for a sink, and its keys of `dedupe:`; adds one that the log does not know.
    ///
    /// - Throws: ``LogError``.
    package func adopt(sink: String) throws -> AdoptedSink {
        try self.state.withLock { state in
            let head = Position(UInt64(try state.connection.integer("SELECT \(LogReading.head)")))
            let count = try BacklogCount(state.connection, sinks: [sink], head: head, state.rows)
            let keys = try LogReading.keys(state.connection).filter { $0.sink == sink }
            return AdoptedSink(owed: try count.owed(by: sink, state.connection), keys: keys)
        }
    }

    /// Removes delivered events of a sink like those of all others from now on.
    package func adopted(sink: String) {
        self.state.withLock { $0.orphans.remove(sink) }
    }

    /// Removes delivered events above the limits of count, age and size, in portions of 5000.
    ///
    /// - Returns: whether another call may remove more.
    /// - Throws: ``LogError``.
    package func trim(before position: Position) throws -> Bool {
        try self.state.withLock {
            try LogTrimming(settings: $0.settings).trim($0.connection, before: position, &$0.orphans)
        }
    }

    /// Removes kept dead letters above the limits, in portions of 2000; searches only when their number may have changed.
    ///
    /// Searches up to 40 000 dead letters, in portions of 5000; a commit can run between two portions.
    ///
    /// - Throws: ``LogError``.
    package func trimDeadLetters() throws -> Int {
        for _ in 0..<8 {
            let (count, isSearching) = try self.state.withLock { state -> (Int, Bool) in
                let count = try state.trimming.trim(state.connection)
                if count > 0 { state.letters = nil }
                return (count, state.trimming.isSearching)
            }
            if count > 0 || !isSearching { return count }
        }
        return 0
    }

    /// Takes the dead letters that another process requested again, up to `limit` and about 8 MiB.
    ///
    /// Reads nothing if there were no more at the last call and no other process has written since.
    ///
    /// - Throws: ``LogError``.
    package func replays(atMost limit: Int = 4096) throws -> FoundDeadLetters {
        try self.state.withLock { state in
            let version = try state.connection.integer("PRAGMA data_version")
            guard version != state.version else { return FoundDeadLetters() }
            state.letters = nil
            state.trimming.noteNewDeadLetters()
            let found = try LogReading.replays(state.connection, atMost: limit, state.rows)
            // Set after the read, so that a busy file, or one with more replays, is read again.
            if !found.hasMore { state.version = version }
            return found
        }
    }

    /// Counts the dead letters; cached until a commit or another process changes them.
    ///
    /// - Throws: ``LogError``.
    package func deadLetterCount() throws -> Int {
        try self.state.withLock { state in
            if let known = state.letters { return known }
            let count = Int(try state.connection.integer("SELECT count(*) FROM dead_letters"))
            state.letters = count
            return count
        }
    }

    /// Checkpoints the WAL into the database and closes it; later commits throw.
    package func close() {
        self.state.withLock { $0.close() }
    }

    private struct State: ~Copyable {
        let lock: FileLock
        var connection: SQLiteConnection
        let settings: DurableLogSettings
        let rows: EventRows
        var orphans: OrphanedEvents
        /// `PRAGMA data_version`, which changes when another process has written.
        var version: Int64 = -1
        /// The number of dead letters; `nil` when it may have changed.
        var letters: Int?
        /// Removes dead letters; knows whether some may have been added since the last search.
        var trimming: DeadLetterTrimming
        /// The number of commits until the disk space is measured again.
        private var commitsLeft = JournalLimit.commitsBetween
        /// Whether the last commit failed because the disk is full.
        private var wasFull = false
        private var files: OpenFiles
        private var statements: LogStatements?

        init(
            _ lock: FileLock, _ connection: consuming SQLiteConnection, _ settings: DurableLogSettings, _ rows: EventRows,
            _ orphans: OrphanedEvents
        ) throws {
            self.lock = lock
            self.statements = try LogStatements(connection)
            self.files = OpenFiles(connection.resolvedPath)
            self.connection = connection
            self.settings = settings
            self.trimming = DeadLetterTrimming(settings.letters)
            self.rows = rows
            self.orphans = orphans
        }

        /// Writes a group of changes; on a full disk retries after the journal is written into the database.
        ///
        /// After such a failure the journal is emptied first, because a failing write takes the space for that.
        mutating func commit(_ changes: LogChanges) throws {
            do {
                if self.wasFull { try? self.emptyJournal() }
                do {
                    try self.write(changes)
                } catch let full as LogError where full.isDiskFull {
                    self.limitJournal()
                    do { try self.emptyJournal() } catch { throw full }
                    try self.write(changes)
                }
                self.wasFull = false
            } catch {
                self.wasFull = (error as? LogError)?.isDiskFull == true
                throw error
            }
            self.commitsLeft -= 1
            if self.commitsLeft <= 0 { self.limitJournal() }
        }

        /// Writes the journal into the database, which has each page once, and truncates it.
        ///
        /// - Throws: ``LogError``, also when a full disk has no room for that.
        private func emptyJournal() throws {
            try self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        }

        private mutating func limitJournal() {
            self.commitsLeft = JournalLimit.commitsBetween
            // If the new limit cannot be set, the previous one stays.
            try? JournalLimit(path: self.connection.resolvedPath).apply(to: self.connection)
        }

        private mutating func write(_ changes: LogChanges) throws {
            guard let statements else { throw LogError("the log \(self.settings.path) is closed") }
            try statements.begin.run()
            do {
                try statements.write(changes, self.rows)
                try self.files.check(atOnce: changes.isEmpty)
                try statements.commit.run()
            } catch {
                // Fails when the error has ended the transaction.
                try? self.connection.execute("ROLLBACK")
                throw error
            }
            guard !changes.letters.isEmpty else { return }
            self.letters = nil
            self.trimming.noteNewDeadLetters()
        }

        /// Checkpoints everything into one file.
        mutating func close() {
            // SQLite also does this when the last connection closes, which may be a tool's that is reading now.
            try? self.emptyJournal()
            self.statements = nil
            self.connection.close()
        }
    }
}
