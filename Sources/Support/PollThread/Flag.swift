import Synchronization

/// Tells another thread that something has happened, once.
///
/// Thread-safe. Whoever sets it wakes the one that looks.
package final class Flag: Sendable {
    private let mark = Atomic<Bool>(false)

    /// Not set.
    package init() {}

    /// Whether it has happened; what the other thread wrote before is then seen too.
    package var isSet: Bool { self.mark.load(ordering: .acquiring) }

    /// Says that it has happened; a second time does nothing.
    package func set() { self.mark.store(true, ordering: .releasing) }
}
