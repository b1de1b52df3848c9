import BridgeCore
import Synchronization
import Testing

@testable import SSEAdapter

/// Numbers are given out once they are reserved.
struct SSESequenceReservationTests {
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

        func onceKept(_ body: @escaping @Sendable () -> Void) {
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

    @Test func `no number is assigned before the log has reserved it`() {
        let store = SlowStore()
        let reservation = SSESequenceReservation(cursors: store)
        let calls = Atomic<Int>(0)
        #expect(reservation.start == 0)
        #expect(reservation.whenReserved(behind: 0) { calls.add(1, ordering: .relaxed) })
        #expect(calls.load(ordering: .relaxed) == 0)
        store.keep()
        #expect(calls.load(ordering: .relaxed) == 1)
        #expect(!reservation.whenReserved(behind: 0) {})
        // Requested long before the last number.
        #expect(!reservation.whenReserved(behind: 60_000) {})
        store.keep()
        #expect(!reservation.whenReserved(behind: 120_000) {})
        #expect(reservation.whenReserved(behind: 300_000) {})
    }

    @Test func `a program killed before its reservation assigns no number that the next one assigns`() {
        let store = SlowStore()
        let first = SSESequenceReservation(cursors: store)
        store.keep()
        let second = SSESequenceReservation(cursors: store)
        #expect(second.epoch == first.epoch)
        #expect(second.start == 100_000)
        // The disk is full: it is killed without having published.
        #expect(second.whenReserved(behind: second.start) {})
        let third = SSESequenceReservation(cursors: store)
        #expect(third.start == 100_000)
        store.keep()
        #expect(!third.whenReserved(behind: third.start) {})
    }

    @Test func `after an orderly end the next program continues with the next number`() {
        let store = SlowStore()
        let first = SSESequenceReservation(cursors: store)
        store.keep()
        first.release(behind: 17)
        // No caller requests more after that, but if one did, nothing would be reserved.
        #expect(first.whenReserved(behind: 99_000) {})
        store.keep()
        let second = SSESequenceReservation(cursors: store)
        #expect(second.epoch == first.epoch)
        #expect(second.start == 17)
        #expect(second.whenReserved(behind: 17) {}, "they are reserved again")
        store.keep()
        #expect(SSESequenceReservation(cursors: store).start == 100_017, "a kill jumps")
    }

    @Test func `a final write that fails counts as a kill`() {
        let store = SlowStore()
        let first = SSESequenceReservation(cursors: store)
        store.keep()
        first.release(behind: 17)
        #expect(SSESequenceReservation(cursors: store).start == 100_000)
    }

    @Test func `an impossible count means a damaged file, and a new epoch begins`() throws {
        let store = SlowStore()
        try store.move("abc-18446744073709551615", of: "$streams")
        store.keep()
        let reservation = SSESequenceReservation(cursors: store)
        #expect(reservation.start == 0)
        #expect(reservation.epoch != "abc")
        #expect(reservation.whenReserved(behind: 0) {})
    }

    @Test func `without a log on disk every number is free, in a new epoch`() {
        let reservation = SSESequenceReservation()
        #expect(!reservation.whenReserved(behind: 0) {})
        #expect(!reservation.whenReserved(behind: 10_000_000) {})
        #expect(SSESequenceReservation().epoch != reservation.epoch)
    }
}
