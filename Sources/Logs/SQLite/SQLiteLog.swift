package import BridgeCore
import CSQLite
import JSON
import Synchronization

/// The log in one SQLite file in WAL mode: one transaction for each group of changes.
///
/// Thread-safe; in fact one thread at a time uses it. Held by one process, which another that opens the file as a log is told; tools may read
/// and write beside it.
package final class SQLiteLog: LogStore {
    private let state: Mutex<State>

    /// Opens or makes the file and reads what it holds.
    ///
    /// Takes a second for a million events that are owed.
    ///
    /// - Parameters:
    ///   - bridge: this bridge's name; see ``Passage/origin``.
    ///   - sinks: the names of the file's sinks.
    /// - Throws: ``LogError`` with what to do.
    package static func open(
        _ settings: DurableLogSettings, bridge: String, sinks: [String]
    ) throws -> (log: SQLiteLog, contents: LogContents) {
        let lock = try FileLock(path: settings.path)
        let connection = try SQLiteConnection(path: settings.path, creates: true)
        // Means something only before the first table is made. A group of events mostly fits into one or two pages of this size.
        try connection.execute("PRAGMA page_size = 8192")
        try connection.execute(
            """
            PRAGMA journal_mode = WAL;
            PRAGMA synchronous = \(settings.durability == .power ? "FULL" : "NORMAL");
            PRAGMA wal_autocheckpoint = 2000;
            PRAGMA journal_size_limit = 16777216;
            PRAGMA cache_size = -4096;
            """
        )
        try LogSchema.migrate(connection)
        let reader = EventRows(bridge: bridge)
        let contents = try LogReading.contents(connection, sinks: sinks, reader)
        let orphans = try OrphanedEvents(connection, sinks: contents.orphans.keys)
        return (SQLiteLog(try State(lock, connection, settings, reader, orphans)), contents)
    }

    private init(_ state: consuming sending State) {
        self.state = Mutex(state)
    }

    package func commit(_ changes: LogChanges) throws {
        try self.state.withLock { try $0.commit(changes) }
    }

    package func page(of sink: String, after position: Position, atMost limit: Int) throws -> LogPage {
        try self.state.withLock { try LogReading.page($0.connection, of: sink, after: position, atMost: limit, $0.rows) }
    }

    package func history(of sink: String, atMost limit: Int) throws -> SinkHistory {
        try self.state.withLock { try HistoryReading(rows: $0.rows, limit: limit).history($0.connection, of: sink) }
    }

    package func trim(before position: Position) throws -> Bool {
        try self.state.withLock {
            try LogTrimming(settings: $0.settings).trim($0.connection, before: position, &$0.orphans)
        }
    }

    package func replays() throws -> FoundLetters {
        try self.state.withLock { state in
            let version = try state.connection.integer("PRAGMA data_version")
            guard version != state.version else { return FoundLetters() }
            state.letters = nil
            let found = try LogReading.replays(state.connection, state.rows)
            // Not before: a file that is busy is looked at again.
            state.version = version
            return found
        }
    }

    package func letterCount() throws -> Int {
        try self.state.withLock { state in
            if let known = state.letters { return known }
            let count = Int(try state.connection.integer("SELECT count(*) FROM dead_letters"))
            state.letters = count
            return count
        }
    }

    package func close() {
        self.state.withLock { $0.close() }
    }

    private struct State: ~Copyable {
        let lock: FileLock
        var connection: SQLiteConnection
        let settings: DurableLogSettings
        let rows: EventRows
        var orphans: OrphanedEvents
        /// Changes when another process has written.
        var version: Int64 = -1
        /// How many dead letters there are; `nil` when that may have changed.
        var letters: Int?
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
            self.rows = rows
            self.orphans = orphans
        }

        mutating func commit(_ changes: LogChanges) throws {
            guard let statements else { throw LogError("the log \(self.settings.path) is closed") }
            try statements.begin.run()
            do {
                try statements.write(changes, self.rows)
                try self.files.check(atOnce: changes.isEmpty)
                try statements.commit.run()
            } catch {
                // Fails when the error has ended the transaction already.
                try? self.connection.execute("ROLLBACK")
                throw error
            }
            if !changes.letters.isEmpty { self.letters = nil }
        }

        /// Leaves one file that holds everything.
        mutating func close() {
            // The last to close does this too, but a tool that reads at this moment would be the last.
            try? self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.statements = nil
            self.connection.close()
        }
    }
}
