package import BridgeCore

/// The dead letters of a log, for an operator: beside a program that runs with it, or without one.
///
/// One thread at a time.
package struct DeadLetterFile: ~Copyable {
    /// Which letters are meant.
    package struct Selection: Sendable {
        /// Their numbers; `nil` means all.
        package var ids: [Int64]?
        /// Only those that this sink gave up.
        package var sink: String?

        package init(ids: [Int64]? = nil, sink: String? = nil) {
            self.ids = ids
            self.sink = sink
        }

        fileprivate var condition: String {
            var parts: [String] = []
            if let ids { parts.append("id IN (\(ids.map(String.init).joined(separator: ",")))") }
            if let sink { parts.append("sink = '\(sink.replacing("'", with: "''"))'") }
            return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
        }
    }

    private let connection: SQLiteConnection
    private let rows = EventRows(bridge: "")

    /// - Parameter path: a log that exists.
    /// - Throws: ``LogError``.
    package init(path: String) throws {
        let connection = try SQLiteConnection(path: path, creates: false)
        try LogSchema.migrate(connection)
        self.connection = connection
    }

    /// The letters, in the order in which they came to be.
    package func letters(_ selection: Selection) throws -> [StoredLetter] {
        try LogReading.letters(self.connection, selection.condition, self.rows)
    }

    /// Asks for letters to be delivered once more: a running program does so within a second, else the next one at its start.
    ///
    /// - Returns: how many.
    package func replay(_ selection: Selection) throws -> Int {
        try self.change("UPDATE dead_letters SET replay = 1, target = NULL WHERE replay = 0 AND \(selection.condition)")
    }

    /// Removes letters for good.
    ///
    /// - Returns: how many.
    package func drop(_ selection: Selection) throws -> Int {
        try self.change("DELETE FROM dead_letters WHERE \(selection.condition)")
    }

    private func change(_ sql: String) throws -> Int {
        try self.connection.execute(sql)
        return Int(try self.connection.integer("SELECT changes()"))
    }
}
