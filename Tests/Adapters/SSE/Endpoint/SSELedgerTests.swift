import BridgeCore
import Synchronization
import Testing

@testable import SSEAdapter

/// Numbers are given out once they are reserved.
struct SSELedgerTests {
    /// A store that keeps what is moved when the test says so.
    private final class SlowStore: CursorStore {
        private struct State {
            var kept: [String: String] = [:]
            var moved: [String: String] = [:]
            var waiting: [Call] = []
        }

        private struct Call {
            let body: @Sendable () -> Void
        }

        private let state = Mutex(State())

        func cursor(of source: String) -> String? { self.state.withLock { $0.kept[source] } }

        func move(_ cursor: String, of source: String) throws {
            self.state.withLock { $0.moved[source] = cursor }
        }

        func whenKept(_ body: @escaping @Sendable () -> Void) {
            self.state.withLock { $0.waiting.append(Call(body: body)) }
        }

        func keep() {
            let waiting = self.state.withLock { state in
                state.kept.merge(state.moved) { $1 }
                defer { state.waiting = [] }
                return state.waiting
            }
            for call in waiting { call.body() }
        }
    }

    @Test func `nothing is given out before the log has reserved it`() {
        let store = SlowStore()
        let ledger = SSELedger(cursors: store)
        let calls = Atomic<Int>(0)
        #expect(ledger.start == 0)
        #expect(ledger.whenReserved(behind: 0) { calls.add(1, ordering: .relaxed) })
        #expect(calls.load(ordering: .relaxed) == 0)
        store.keep()
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(!ledger.whenReserved(behind: 0) {})
        // Asked for long before the last number.
        #expect(!ledger.whenReserved(behind: 60_000) {})
        store.keep()
        #expect(!ledger.whenReserved(behind: 120_000) {})
        #expect(ledger.whenReserved(behind: 300_000) {})
    }

    @Test func `a program that is killed before it could reserve gives out nothing that the next one gives out`() {
        let store = SlowStore()
        let first = SSELedger(cursors: store)
        store.keep()
        let second = SSELedger(cursors: store)
        #expect(second.epoch == first.epoch)
        #expect(second.start == 100_000)
        // The disk is full: it is killed without having published.
        #expect(second.whenReserved(behind: second.start) {})
        let third = SSELedger(cursors: store)
        #expect(third.start == 100_000)
        store.keep()
        #expect(!third.whenReserved(behind: third.start) {})
    }

    @Test func `after an orderly end the next program goes on with the next number`() {
        let store = SlowStore()
        let first = SSELedger(cursors: store)
        store.keep()
        first.release(behind: 17)
        // Nobody asks for more after that, but if somebody did, nothing would be reserved.
        #expect(first.whenReserved(behind: 99_000) {})
        store.keep()
        let second = SSELedger(cursors: store)
        #expect(second.epoch == first.epoch)
        #expect(second.start == 17)
        #expect(second.whenReserved(behind: 17) {}, "they are reserved anew")
        store.keep()
        #expect(SSELedger(cursors: store).start == 100_017, "a kill jumps")
    }

    @Test func `an end that cannot be written counts as a kill`() {
        let store = SlowStore()
        let first = SSELedger(cursors: store)
        store.keep()
        first.release(behind: 17)
        #expect(SSELedger(cursors: store).start == 100_000)
    }

    @Test func `a count that no stream reaches is of a damaged file, and a new epoch begins`() throws {
        let store = SlowStore()
        try store.move("abc-18446744073709551615", of: "$streams")
        store.keep()
        let ledger = SSELedger(cursors: store)
        #expect(ledger.start == 0)
        #expect(ledger.epoch != "abc")
        #expect(ledger.whenReserved(behind: 0) {})
    }

    @Test func `without a log on disk every number may be given out, in an epoch of its own`() {
        let ledger = SSELedger()
        #expect(!ledger.whenReserved(behind: 0) {})
        #expect(!ledger.whenReserved(behind: 10_000_000) {})
        #expect(SSELedger().epoch != ledger.epoch)
    }
}
