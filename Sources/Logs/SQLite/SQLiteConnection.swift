import BridgeCore
import CSQLite
import Glibc

/// One connection to a database file, for one thread at a time.
///
/// Closes with its last owner.
struct SQLiteConnection: ~Copyable {
    let path: String
    /// `nil` once it is closed; later calls fail.
    private var handle: OpaquePointer?

    /// - Parameters:
    ///   - creates: whether a missing file is created.
    ///   - isReadOnly: whether nothing may be written.
    /// - Throws: ``LogError``.
    init(path: String, creates: Bool, isReadOnly: Bool = false) throws(LogError) {
        var handle: OpaquePointer?
        let access = isReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        let flags = access | SQLITE_OPEN_NOMUTEX | (creates ? SQLITE_OPEN_CREATE : 0)
        let code = sqlite3_open_v2(path, &handle, flags, nil)
        guard code == SQLITE_OK, let handle else {
            let system = handle.map { sqlite3_system_errno($0) } ?? 0
            sqlite3_close(handle)
            let reason = system == 0 ? String(cString: sqlite3_errstr(code)) : String(cString: strerror(system))
            throw LogError("the log \(path) cannot be opened: \(reason)", isTransient: LogError.isTransient(system))
        }
        self.path = path
        self.handle = handle
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 5000)
    }

    deinit {
        sqlite3_close_v2(self.handle)
    }

    /// Closes it early; its statements must be released before.
    mutating func close() {
        sqlite3_close_v2(self.handle)
        self.handle = nil
    }

    /// The path of the file with links resolved.
    var resolvedPath: String { sqlite3_db_filename(self.handle, "main").map { String(cString: $0) } ?? self.path }

    /// Runs statements that return nothing.
    func execute(_ sql: String) throws(LogError) {
        let code = sqlite3_exec(self.handle, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw self.failure(code) }
    }

    /// The first column of the first row; 0 when there is none.
    func integer(_ sql: String) throws(LogError) -> Int64 {
        let statement = try self.prepare(sql)
        return try statement.step() ? statement.integer(0) : 0
    }

    func prepare(_ sql: String) throws(LogError) -> SQLiteStatement {
        var statement: OpaquePointer?
        let code = sqlite3_prepare_v3(self.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil)
        guard code == SQLITE_OK, let statement, let handle else { throw self.failure(code) }
        return SQLiteStatement(statement, connection: handle, path: self.path)
    }

    /// Runs `body` in a transaction and rolls back when it throws.
    func transaction(_ body: () throws -> Void) throws {
        try self.execute("BEGIN IMMEDIATE")
        do {
            try body()
            try self.execute("COMMIT")
        } catch {
            // Fails when the error has ended the transaction.
            try? self.execute("ROLLBACK")
            throw error
        }
    }

    private func failure(_ code: Int32) -> LogError { LogError(code, self.handle, self.path) }
}

extension LogError {
    /// Whether a system error can pass, such as a full disk.
    static func isTransient(_ number: Int32) -> Bool {
        [ENOSPC, EDQUOT, EIO, EMFILE, ENFILE, ENOMEM].contains(number)
    }

    /// The error for a result code of SQLite, with the remedy.
    init(_ code: Int32, _ handle: OpaquePointer?, _ path: String) {
        let reason = String(cString: sqlite3_errmsg(handle))
        switch code & 0xFF {
        case SQLITE_FULL: self.init("the log \(path) cannot be written: the disk is full", isTransient: true, isDiskFull: true)
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            self.init(
                "the log \(path) is damaged (\(reason)); move it away to begin with an empty one, "
                    + "'sqlite3 \(path) .recover' saves what can be read"
            )
        case SQLITE_READONLY, SQLITE_PERM: self.init("the log \(path) cannot be written: no permission")
        case SQLITE_BUSY, SQLITE_LOCKED: self.init("the log \(path) is locked by another program")
        case SQLITE_IOERR:
            let system = sqlite3_system_errno(handle)
            self.init(
                "the log \(path) cannot be used: \(system == 0 ? reason : String(cString: strerror(system)))",
                isTransient: Self.isTransient(system), isDiskFull: [ENOSPC, EDQUOT].contains(system))
        case SQLITE_CANTOPEN:
            let system = sqlite3_system_errno(handle)
            self.init(
                "the log \(path) cannot be opened: \(system == 0 ? reason : String(cString: strerror(system)))",
                isTransient: Self.isTransient(system))
        case SQLITE_ERROR where reason.contains("table") || reason.contains("column"):
            self.init(
                "the log \(path) does not have the tables of its version (\(reason)); move it away to begin with an empty one, "
                    + "'sqlite3 \(path) .dump' shows what is in it"
            )
        default: self.init("the log \(path) cannot be used: \(reason)")
        }
    }
}
