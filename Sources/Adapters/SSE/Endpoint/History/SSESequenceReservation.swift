import BridgeCore
import Synchronization

/// The epoch of the streams, and how far the log has reserved sequence numbers.
///
/// With a log on disk the epoch survives a restart. After an orderly shutdown the count continues with the next number.
/// After a kill it continues above every number that may have been assigned, because the last ones may not be written.
/// So numbers are assigned only once the log has reserved them, and no id ever means two events. Thread-safe.
final class SSESequenceReservation: Sendable {
    /// A name that no source has.
    private static let name = "$streams"
    /// The size of one reservation.
    private static let block: UInt64 = 100_000
    /// How many numbers are assigned together.
    private static let piece: UInt64 = 1024
    /// No stream counts this far; a cursor above it is damaged.
    private static let limit = UInt64.max / 2

    let epoch: String
    /// The sequence that counts as assigned at the start.
    let start: UInt64
    private let cursors: (any CursorStore)?
    private let state: Mutex<State>

    /// - Parameter cursors: those of a log on disk; `nil` makes a new epoch that is not stored.
    init(cursors: (any CursorStore)? = nil) {
        let known = cursors?.cursor(of: Self.name).flatMap { SSECursor($0) }.flatMap { $0.sequence < Self.limit ? $0 : nil }
        self.cursors = cursors
        self.epoch = known?.epoch ?? SSECursor.newEpoch(milliseconds: Timestamp.now().milliseconds)
        self.start = known?.sequence ?? 0
        self.state = Mutex(State(asked: self.start, reserved: cursors == nil ? .max : self.start))
        self.reserve(self.start)
    }

    /// Records in the log that numbers up to this one, and many more, are assigned.
    ///
    /// Called long before the last reserved number, so that publishing never waits for the log.
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
            // No number is assigned without a reservation; the next batch retries.
            self.state.withLock { $0.asked = $0.reserved }
            return
        }
        cursors.onceKept { self.reserved(end) }
    }

    /// Calls back once numbers after a sequence may be assigned.
    ///
    /// - Returns: whether there is something to wait for; if not, nothing is called.
    func whenReserved(behind sequence: UInt64, _ body: @escaping @Sendable () -> Void) -> Bool {
        self.reserve(sequence)
        return self.state.withLock { state in
            guard sequence + Self.piece > state.reserved, state.reserved != .max else { return false }
            state.waiting.append(body)
            return true
        }
    }

    /// Records in the log that no number after a sequence was or will be assigned.
    func release(behind sequence: UInt64) {
        guard let cursors else { return }
        self.state.withLock { $0.asked = .max }
        // If the release fails, the numbers stay reserved and the count continues after them.
        try? cursors.move(SSECursor(epoch: self.epoch, sequence: sequence).description, of: Self.name)
    }

    private func reserved(_ end: UInt64) {
        let waiting = self.state.withLock { state in
            defer { state.waiting.removeAll() }
            state.reserved = max(state.reserved, end)
            return state.waiting
        }
        for body in waiting { body() }
    }

    private struct State {
        /// The requested reservation.
        var asked: UInt64
        var reserved: UInt64
        var waiting: [@Sendable () -> Void] = []
    }
}
