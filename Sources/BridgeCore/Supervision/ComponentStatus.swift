import Synchronization

/// Whether a component is connected, and why not; read by readiness, metrics, the start order and the back-off.
///
/// Thread-safe.
package final class ComponentStatus: Sendable {
    /// The duration of a connection that resets the back-off, even without any event.
    static let lasting = Duration.seconds(5)

    /// The connection was made, lost or interrupted.
    let signal = Signal()
    private let state = Mutex(State())
    private let up: Gauge
    private let redaction: Redaction

    /// Makes the status of a component that is not connected, with its gauge `component_up`.
    ///
    /// - Parameter redaction: removes the component's secrets from every reason.
    package init(metrics: ComponentMetrics, redaction: Redaction = Redaction()) {
        self.redaction = redaction
        self.up = metrics.gauge("component_up", help: "1 while the component is connected.")
    }

    /// Whether the component is connected.
    package var isConnected: Bool { self.state.withLock { $0.isConnected } }

    /// Why the component is not connected; `nil` while it is, and before its first attempt has ended.
    package var lastError: String? { self.state.withLock { $0.lastError } }

    /// What fails although the component is connected, such as one of several subscriptions; `nil` when nothing does.
    package var warning: String? { self.state.withLock { $0.warning } }

    /// Whether an event was sent or confirmed in the attempt that runs.
    var hasProgressed: Bool { self.state.withLock { $0.hasProgressed } }

    /// Whether no further attempt is made.
    package var hasGivenUp: Bool { self.state.withLock { $0.hasGivenUp } }

    /// Whether the first attempt has a result: a connection or a failure.
    package var hasStarted: Bool { self.state.withLock { $0.isConnected || $0.lastError != nil } }

    func connected(at time: ContinuousClock.Instant = .now, warning: String? = nil) {
        self.up.set(1)
        let warning = warning.map { self.redaction.redacted($0) }
        self.state.withLock { state in
            if !state.isConnected { state.connected = time }
            state.isConnected = true
            state.lastError = nil
            state.warning = warning
        }
        self.signal.notify()
    }

    /// Records that the peer or file of a running attempt cannot be used for now, until the next ``connected(at:warning:)``.
    ///
    /// - Parameter reason: one sentence for readiness.
    func interrupted(_ reason: String) {
        self.up.set(0)
        let reason = self.redaction.redacted(reason)
        self.state.withLock { state in
            state.isConnected = false
            state.warning = nil
            state.lastError = reason
        }
        self.signal.notify()
    }

    /// Records that an event was sent or confirmed since the last ``disconnected(_:givenUp:)``.
    func progressed() {
        self.state.withLock { $0.hasProgressed = true }
    }

    /// Records the end of an attempt.
    ///
    /// - Parameters:
    ///   - reason: `nil` when it ended as requested.
    ///   - isUnauthorized: whether the peer refused the credentials or denied a permission.
    /// - Returns: whether the attempt resets the back-off: an event was received, confirmed or abandoned, or the
    ///   connection lasted ``lasting``. The same denial twice in a row does not, even if events arrived in between.
    ///   connection lasted ``lasting``. The same denial twice in a row does not, even if events arrived in between.
    func disconnected(_ reason: String?, givenUp: Bool = false, isUnauthorized: Bool = false) -> Bool {
        self.up.set(0)
        defer { self.signal.notify() }
        let reason = reason.map { self.redaction.redacted($0) }
        return self.state.withLock { state in
            defer { state.hasProgressed = false }
            let hasLasted = state.isConnected && (state.connected?.duration(to: .now) ?? .zero) >= Self.lasting
            state.isConnected = false
            state.warning = nil
            state.lastError = reason
            state.hasGivenUp = givenUp
            let isSameRefusal = isUnauthorized && state.refusal == reason
            state.refusal = isUnauthorized ? reason : nil
            return hasLasted || (state.hasProgressed && !isSameRefusal)
        }
    }

    private struct State {
        var isConnected = false
        var hasProgressed = false
        var hasGivenUp = false
        var connected: ContinuousClock.Instant?
        var lastError: String?
        /// The denial that ended the last attempt.
        var refusal: String?
        var warning: String?
    }
}
