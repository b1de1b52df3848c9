import Synchronization

/// The memory limit for request bodies and unsent answers of the whole server.
///
/// Thread-safe.
final class HTTPBudget: Sendable {
    /// Bytes.
    let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Reserves bytes.
    ///
    /// A single request or answer that exceeds the limit gets its bytes while no others are reserved.
    ///
    /// - Parameter own: bytes that the caller has reserved already.
    /// - Returns: whether there was room.
    func take(_ bytes: Int, besides own: Int) -> Bool {
        let others = self.used.wrappingAdd(bytes, ordering: .relaxed).oldValue - own
        guard others > 0, others + own + bytes > self.limit else { return true }
        self.give(bytes)
        return false
    }

    /// Releases bytes.
    func give(_ bytes: Int) {
        self.used.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Whether more than three quarters are reserved.
    var isShort: Bool { self.used.load(ordering: .relaxed) > self.limit / 4 * 3 }
}
