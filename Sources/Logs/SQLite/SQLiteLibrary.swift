import CSQLite

/// The library that writes the log, for reports.
package enum SQLiteLibrary {
    /// The version of SQLite, such as `3.40.1`.
    package static var version: String { String(cString: sqlite3_libversion()) }
}
