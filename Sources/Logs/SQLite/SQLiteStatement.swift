import BridgeCore
import CSQLite
import NIOCore

/// A prepared statement, reused by the thread of its connection.
///
/// Columns count from 0, parameters from 1. Bound values stay until they are replaced. A parameter takes either only
/// texts or only other values.
final class SQLiteStatement {
    private let handle: OpaquePointer
    private let connection: OpaquePointer
    private let path: String
    /// The bound text of each parameter.
    private var texts: [String?]

    init(_ handle: OpaquePointer, connection: OpaquePointer, path: String) {
        self.handle = handle
        self.connection = connection
        self.path = path
        self.texts = Array(repeating: nil, count: Int(sqlite3_bind_parameter_count(handle)) + 1)
    }

    deinit {
        sqlite3_finalize(self.handle)
    }

    /// Advances to the next row.
    ///
    /// - Returns: whether there is a row.
    /// - Throws: ``LogError``; the statement is reset.
    func step() throws(LogError) -> Bool {
        switch sqlite3_step(self.handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            sqlite3_reset(self.handle)
            return false
        case let code:
            let error = LogError(code, self.connection, self.path)
            sqlite3_reset(self.handle)
            throw error
        }
    }

    /// Runs a statement that returns no rows.
    func run() throws(LogError) {
        while try self.step() {}
    }

    /// Ends a query before its last row.
    func reset() {
        sqlite3_reset(self.handle)
    }

    // MARK: Parameters

    @discardableResult
    func bind(_ index: Int32, _ value: Int64?) -> Self {
        if let value { sqlite3_bind_int64(self.handle, index, value) } else { sqlite3_bind_null(self.handle, index) }
        return self
    }

    @discardableResult
    func bind(_ index: Int32, _ text: String?) -> Self {
        // Most rows repeat the texts of the previous row, and SQLite would copy each again.
        let bound = self.texts[Int(index)]
        if let bound, let text, bound.hasBytes(of: text) { return self }
        if bound == nil, text == nil { return self }
        self.texts[Int(index)] = text
        guard var text else {
            sqlite3_bind_null(self.handle, index)
            return self
        }
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                _ = csqlite_bind_copied_text(self.handle, index, $0.baseAddress, Int32($0.count))
            }
        }
        return self
    }

    /// Binds bytes as text while `body` runs, without a copy.
    func withText(_ index: Int32, _ buffer: ByteBuffer, _ body: () throws -> Void) rethrows {
        try buffer.withUnsafeReadableBytes { bytes in
            csqlite_bind_text(self.handle, index, bytes.baseAddress, Int32(bytes.count))
            try body()
        }
    }

    /// Binds bytes while `body` runs, without a copy; `nil` binds NULL.
    func withBlob(_ index: Int32, _ buffer: ByteBuffer?, _ body: () throws -> Void) rethrows {
        guard let buffer else {
            sqlite3_bind_null(self.handle, index)
            return try body()
        }
        try buffer.withUnsafeReadableBytes { bytes in
            csqlite_bind_blob(self.handle, index, bytes.baseAddress, Int32(bytes.count))
            try body()
        }
    }

    // MARK: Columns

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(self.handle, column) }

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(self.handle, column) == SQLITE_NULL }

    func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(self.handle, column) == SQLITE_INTEGER }

    func text(_ column: Int32) -> String? {
        guard let bytes = sqlite3_column_text(self.handle, column) else { return nil }
        let count = Int(sqlite3_column_bytes(self.handle, column))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    func buffer(_ column: Int32) -> ByteBuffer? {
        guard !self.isNull(column) else { return nil }
        let bytes = sqlite3_column_blob(self.handle, column)
        return ByteBuffer(bytes: UnsafeRawBufferPointer(start: bytes, count: Int(sqlite3_column_bytes(self.handle, column))))
    }
}
