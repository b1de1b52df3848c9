import Synchronization

/// Whether one component is connected, and why not: what readiness, metrics, start order and the back-off want to know.
///
/// Thread-safe.
package final class ComponentStatus: Sendable {
    /// A connection that lasted so long was of use, whether or not anything was sent.
    static let lasting = Duration.seconds(5)

    private let state = Mutex(State())
    private let up: Gauge

    package init(metrics: ComponentMetrics) {
        self.up = metrics.gauge("component_up", help: "1 while the component is connected.")
    }

    /// Whether it is connected now.
    package var isConnected: Bool { self.state.withLock { $0.isConnected } }

    /// Why it is not connected; `nil` while it is, and before its first attempt has ended.
    package var lastError: String? { self.state.withLock { $0.lastError } }

    /// What does not work although it is connected, such as one of several subscriptions; `nil` when everything does.
    package var warning: String? { self.state.withLock { $0.warning } }

    /// It will not be tried again.
    package var hasGivenUp: Bool { self.state.withLock { $0.hasGivenUp } }

    /// Its first attempt has come to something: it is connected, or has failed.
    package var hasStarted: Bool { self.state.withLock { $0.isConnected || $0.lastError != nil } }

    func connected(at time: ContinuousClock.Instant = .now, warning: String? = nil) {
        self.up.set(1)
        self.state.withLock { state in
            if !state.isConnected { state.connected = time }
            state.isConnected = true
            state.lastError = nil
            state.warning = warning
        }
    }

    /// Something was sent or confirmed since the last ``disconnected(_:givenUp:)``.
    func progressed() {
        self.state.withLock { $0.hasProgressed = true }
    }

    /// The attempt has ended.
    ///
    /// - Parameter reason: `nil` when it ended as asked.
    /// - Returns: whether it had been of use, which resets the back-off: an event was received, confirmed or given up, or the connection
    ///   lasted ``lasting``.
    func disconnected(_ reason: String?, givenUp: Bool = false) -> Bool {
        self.up.set(0)
        return self.state.withLock { state in
            defer { state.hasProgressed = false }
            let hasLasted = state.isConnected && (state.connected?.duration(to: .now) ?? .zero) >= Self.lasting
            state.isConnected = false
            state.warning = nil
            state.lastError = reason
            state.hasGivenUp = givenUp
            return state.hasProgressed || hasLasted
        }
    }

    private struct State {
        var isConnected = false
        var hasProgressed = false
        var hasGivenUp = false
        var connected: ContinuousClock.Instant?
        var lastError: String?
        var warning: String?
    }
}
