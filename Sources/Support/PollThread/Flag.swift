import Synchronization

/// A one-way flag that one thread sets and another reads.
///
/// Thread-safe. It does not wake the reader; the setter does that separately.
package final class Flag: Sendable {
    private let mark = Atomic<Bool>(false)

    /// Makes a flag that is not set.
    package init() {}

    /// Whether the flag is set; then writes before ``set()`` are visible to this thread.
    package var isSet: Bool { self.mark.load(ordering: .acquiring) }

    /// Sets the flag; has no effect when it is set.
    package func set() { self.mark.store(true, ordering: .releasing) }
}
