import Curl
import NIOCore
import Synchronization

/// The answers whose bodies are being read, each within a limit.
///
/// Thread-safe. All share one timer, so that a response that is read at once needs no timer.
final class WebhookBodyTimeouts: Sendable {
    typealias Number = UInt64

    /// The longest time for a body after its head.
    static let bodyTimeout = TimeAmount.seconds(1)

    private struct State {
        var last: Number = 0
        var open: [Number: (transfer: CurlTransfer, deadline: NIODeadline)] = [:]
        var isScheduled = false
    }

    private let loop: any EventLoop
    private let state = Mutex(State())

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    /// Records that the head has arrived; the transfer is cancelled unless ``ended(_:)`` is called in time.
    func began(_ transfer: CurlTransfer) -> Number {
        let (number, schedules) = self.state.withLock { state in
            state.last += 1
            state.open[state.last] = (transfer, .now() + Self.bodyTimeout)
            defer { state.isScheduled = true }
            return (state.last, !state.isScheduled)
        }
        if schedules { self.schedule(at: .now() + Self.bodyTimeout) }
        return number
    }

    /// Cancels the limit, because the body has ended.
    func ended(_ number: Number) {
        self.state.withLock { $0.open[number] = nil }
    }

    private func schedule(at deadline: NIODeadline) {
        self.loop.scheduleTask(deadline: deadline) { self.check() }
    }

    private func check() {
        let (late, next) = self.state.withLock { state in
            let now = NIODeadline.now()
            let late = state.open.filter { $0.value.deadline <= now }
            for number in late.keys { state.open[number] = nil }
            let next = state.open.values.map(\.deadline).min()
            state.isScheduled = next != nil
            return (late.values.map(\.transfer), next)
        }
        for transfer in late { transfer.cancel() }
        if let next { self.schedule(at: next) }
    }
}
