import Synchronization

/// Which admissions of connections have become invalid.
///
/// Thread-safe.
final class SSERevocations: Sendable {
    private let test = Mutex<(@Sendable (UInt64) -> Bool)?>(nil)

    /// Replaces the test.
    ///
    /// - Parameter isRevoked: whether an authority admits nobody any longer; see `HTTPGrant`.
    func follow(_ isRevoked: @escaping @Sendable (UInt64) -> Bool) {
        self.test.withLock { $0 = isRevoked }
    }

    /// Whether an admission is invalid; one without an authority never is.
    func contains(_ authority: UInt64?) -> Bool {
        guard let authority, let test = self.test.withLock({ $0 }) else { return false }
        return test(authority)
    }
}
