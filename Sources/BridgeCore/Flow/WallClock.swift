/// The time of day, for what must agree with it across restarts.
///
/// Thread-safe.
package struct WallClock: Sendable {
    /// The current time.
    package let now: @Sendable () -> Timestamp
    /// Waits until a time; may return early.
    ///
    /// Throws `CancellationError`.
    package let wait: @Sendable (Timestamp) async throws -> Void

    /// Makes a clock from its parts.
    package init(now: @escaping @Sendable () -> Timestamp, wait: @escaping @Sendable (Timestamp) async throws -> Void) {
        self.now = now
        self.wait = wait
    }

    /// The clock of the machine.
    ///
    /// Looks again every 30 s, because the clock may be set.
    package static let system = WallClock(now: { .now() }) { time in
        let left = Duration.milliseconds(time.milliseconds - Timestamp.now().milliseconds)
        try await Task.sleep(for: min(max(left, .milliseconds(1)), .seconds(30)))
    }
}
