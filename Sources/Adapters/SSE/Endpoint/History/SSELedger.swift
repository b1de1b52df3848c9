import BridgeCore
import Synchronization

/// Which epoch the streams count in, and how far their count may go before the log hears of it.
///
/// With a log on disk the epoch outlives the program. The count goes on behind everything that may have been given out, because what was
/// published last may not have been written when the program was killed: no id ever stands for two events. Thread-safe.
final class SSELedger: Sendable {
    /// The name that no source has.
    private static let name = "$streams"
    /// How many numbers are reserved at once.
    private static let block: UInt64 = 100_000

    let epoch: String
    /// The sequence that counts as given out at the start.
    let start: UInt64
    private let cursors: (any CursorStore)?
    private let reserved: Atomic<UInt64>

    /// - Parameter cursors: those of a log on disk; `nil` makes a new epoch that nobody remembers.
    init(cursors: (any CursorStore)? = nil) {
        let known = cursors?.cursor(of: Self.name).flatMap { SSECursor($0) }
        self.cursors = cursors
        self.epoch = known?.epoch ?? SSECursor.newEpoch(milliseconds: Timestamp.now().milliseconds)
        self.start = known?.sequence ?? 0
        self.reserved = Atomic(self.start)
        self.reserve(self.start)
    }

    /// Has the log know that numbers up to this one, and some more, are given out.
    ///
    /// Called before they are; the log is told long before the last reserved number, so nobody waits for it.
    func reserve(_ sequence: UInt64) {
        guard let cursors, sequence + Self.block / 2 >= self.reserved.load(ordering: .relaxed) else { return }
        let end = sequence + Self.block
        self.reserved.store(end, ordering: .relaxed)
        // A store in the log takes every move.
        try? cursors.move(SSECursor(epoch: self.epoch, sequence: end).description, of: Self.name)
    }
}
