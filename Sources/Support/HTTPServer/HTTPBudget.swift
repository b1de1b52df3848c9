import Synchronization

/// Bytes of request bodies and unsent answers that the whole server may hold.
///
/// Thread-safe.
final class HTTPBudget: Sendable {
    /// Bytes.
    let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes bytes.
    ///
    /// One request or answer that is larger than the limit gets its bytes while nobody else holds any.
    ///
    /// - Parameter own: bytes that the caller holds already.
    /// - Returns: whether there was room.
    func take(_ bytes: Int, besides own: Int) -> Bool {
        let others = self.used.wrappingAdd(bytes, ordering: .relaxed).oldValue - own
        guard others > 0, others + own + bytes > self.limit else { return true }
        self.give(bytes)
        return false
    }

    /// Gives bytes back.
    func give(_ bytes: Int) {
        self.used.wrappingSubtract(bytes, ordering: .relaxed)
    }

    /// Whether more than three quarters are taken.
    var isShort: Bool { self.used.load(ordering: .relaxed) > self.limit / 4 * 3 }
}
