import BridgeCore

/// Removes kept dead letters above their limits of count, size and age, the oldest first, in portions.
///
/// Never removes dead letters that are pending for a sink, or that are or will be replayed. One call examines and
/// removes a bounded number, so that a commit waits only briefly. The search begins at the newest dead letter and
/// continues in the next call, down to the first one above a limit.
struct DeadLetterTrimming {
    /// The state of the search.
    private enum Phase {
        case idle
        case searching(Search)
        /// The dead letters up to this one were above the limits when the file had this version.
        case removing(through: Place, version: Int64)
    }

    /// The dead letters counted so far, the newest first.
    private struct Search {
        /// `PRAGMA data_version`: changes when another process has written, which may have removed counted letters.
        let version: Int64
        var last = Place(time: .max, id: .max)
        var count = 0
        var bytes = 0
    }

    /// The position of a dead letter in the order of age.
    private struct Place {
        let time: Int64
        let id: Int64
    }

    private let limits: DeadLetterLimits
    private let portion: Int
    private let searched: Int
    private var phase = Phase.idle
    /// Whether another search is due.
    private var isDue = true

    /// - Parameters:
    ///   - portion: the largest number of dead letters that one call removes.
    ///   - searched: the largest number of dead letters that one call examines.
    init(_ limits: DeadLetterLimits, portion: Int = 2000, searched: Int = 5000) {
        self.limits = limits
        self.portion = portion
        self.searched = searched
    }

    /// Whether the next call continues the search.
    var isSearching: Bool { if case .searching = self.phase { true } else { false } }

    /// Records that dead letters may have been added.
    mutating func noteNewDeadLetters() {
        self.isDue = true
    }

    /// Removes a portion, or continues the search.
    ///
    /// The size limit never removes the newest dead letter, however large it is.
    ///
    /// - Returns: the number of removed dead letters.
    /// - Throws: ``LogError``; the next call continues.
    mutating func trim(_ connection: borrowing SQLiteConnection) throws -> Int {
        let old = try self.removeOld(connection)
        if old > 0 { return old }
        if case .idle = self.phase {
            guard self.isDue else { return 0 }
            self.isDue = false
            self.phase = .searching(Search(version: try Self.version(connection)))
        }
        if case .searching(let search) = self.phase { try self.search(search, connection) }
        guard case .removing(let end, let version) = self.phase else { return 0 }
        return try self.remove(through: end, version, connection)
    }

    private mutating func search(_ begun: Search, _ connection: borrowing SQLiteConnection) throws {
        let version = try Self.version(connection)
        var search = begun.version == version ? begun : Search(version: version)
        let query = try connection.prepare(
            """
            SELECT time, id, weight FROM dead_letters \(Self.kept) AND (time, id) < (\(search.last.time), \(search.last.id))
            ORDER BY time DESC, id DESC LIMIT \(self.searched)
            """
        )
        var rows = 0
        while try query.step() {
            rows += 1
            search.last = Place(time: query.integer(0), id: query.integer(1))
            search.count += 1
            search.bytes += Int(query.integer(2))
            if search.count > self.limits.events || (search.count > 1 && search.bytes > self.limits.bytes) {
                self.phase = .removing(through: search.last, version: version)
                return
            }
        }
        self.phase = rows < self.searched ? .idle : .searching(search)
    }

    private mutating func remove(
        through end: Place, _ version: Int64, _ connection: borrowing SQLiteConnection
    ) throws -> Int {
        var count: Int?
        try connection.transaction {
            // No other process can write until the end of the transaction.
            guard try Self.version(connection) == version else { return }
            count = try self.remove("(time, id) <= (\(end.time), \(end.id))", connection)
        }
        if count == nil { self.isDue = true }
        if (count ?? 0) < self.portion { self.phase = .idle }
        return count ?? 0
    }

    /// Removes a portion of the dead letters that are too old.
    private func removeOld(_ connection: borrowing SQLiteConnection) throws -> Int {
        guard let age = self.limits.age else { return 0 }
        let isTooOld = "time < \(Timestamp.now().milliseconds - age.milliseconds)"
        guard try connection.integer("SELECT EXISTS (SELECT 1 FROM dead_letters \(Self.kept) AND \(isTooOld))") > 0 else {
            return 0
        }
        return try self.remove(isTooOld, connection)
    }

    private func remove(_ condition: String, _ connection: borrowing SQLiteConnection) throws -> Int {
        try connection.execute(
            """
            DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters \(Self.kept) AND \(condition)
            ORDER BY time, id LIMIT \(self.portion))
            """
        )
        return Int(try connection.integer("SELECT changes()"))
    }

    /// Selects kept dead letters by the index that has them in the order of age.
    private static let kept = "INDEXED BY kept_letters WHERE target IS NULL AND replay = 0"

    private static func version(_ connection: borrowing SQLiteConnection) throws -> Int64 {
        try connection.integer("PRAGMA data_version")
    }
}
