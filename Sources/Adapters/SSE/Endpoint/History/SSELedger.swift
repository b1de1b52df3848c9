import BridgeCore
import Synchronization

/// Which epoch the streams count in, and how far their count may go before the log knows of it.
///
/// With a log on disk the epoch outlives the program. After an orderly end the count goes on with the next number; after a kill behind
/// everything that may have been given out, because what was published last may not have been written. So numbers are given out only
/// once the log has reserved them, and no id ever stands for two events. Thread-safe.
final class SSELedger: Sendable {
    /// The name that no source has.
    private static let name = "$streams"
    /// How many numbers are reserved at once.
    private static let block: UInt64 = 100_000
    /// How many are given out at once.
    private static let piece: UInt64 = 1024
    /// No stream counts this far: a cursor that says more is damaged.
    private static let limit = UInt64.max / 2

    let epoch: String
    /// The sequence that counts as given out at the start.
    let start: UInt64
    private let cursors: (any CursorStore)?
    private let state: Mutex<State>

    /// - Parameter cursors: those of a log on disk; `nil` makes a new epoch that nobody remembers.
    init(cursors: (any CursorStore)? = nil) {
        let known = cursors?.cursor(of: Self.name).flatMap { SSECursor($0) }.flatMap { $0.sequence < Self.limit ? $0 : nil }
        self.cursors = cursors
        self.epoch = known?.epoch ?? SSECursor.newEpoch(milliseconds: Timestamp.now().milliseconds)
        self.start = known?.sequence ?? 0
        self.state = Mutex(State(asked: self.start, reserved: cursors == nil ? .max : self.start))
        self.reserve(self.start)
    }

    /// Has the log know that numbers up to this one, and many more, are given out.
    ///
    /// Long before the last reserved number, so that nobody waits for it while the log is written.
    func reserve(_ sequence: UInt64) {
        guard let cursors else { return }
        let end = self.state.withLock { state -> UInt64? in
            guard state.asked != .max, sequence + Self.block / 2 >= state.asked else { return nil }
            state.asked = sequence + Self.block
            return state.asked
        }
        guard let end else { return }
        do {
            try cursors.move(SSECursor(epoch: self.epoch, sequence: end).description, of: Self.name)
        } catch {
            // Nothing is given out that is not reserved; the next batch asks again.
            self.state.withLock { $0.asked = $0.reserved }
            return
        }
        cursors.whenKept { self.reserved(end) }
    }

    /// Calls once some numbers behind a sequence may be given out.
    ///
    /// - Returns: whether there is something to wait for; if not, nothing is called.
    func whenReserved(behind sequence: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool {
        self.reserve(sequence)
        return self.state.withLock { state in
            guard sequence + Self.piece > state.reserved, state.reserved != .max else { return false }
            state.waiting.append(Waiter(call: body))
            return true
        }
    }

    /// Has the log know that nothing behind a sequence was given out, nor will be.
    func release(behind sequence: UInt64) {
        guard let cursors else { return }
        self.state.withLock { $0.asked = .max }
        // What cannot be moved stays reserved, and the count goes on behind it.
        try? cursors.move(SSECursor(epoch: self.epoch, sequence: sequence).description, of: Self.name)
    }

    private func reserved(_ end: UInt64) {
        let waiting = self.state.withLock { state in
            defer { state.waiting.removeAll() }
            state.reserved = max(state.reserved, end)
            return state.waiting
        }
        for waiter in waiting { waiter.call() }
    }

    private struct State {
        /// Up to here the log was asked to reserve, and has.
        var asked: UInt64
        var reserved: UInt64
        var waiting: [Waiter] = []
    }

    private struct Waiter {
        let call: @Sendable () -> Void
    }
}
