import Logging
import Synchronization

/// Measures how long a source was disconnected, also across restarts of the program.
///
/// For sources whose peers store nothing for them: each period is a gap. The ``CursorStore`` keeps the time of the last
/// connection under the source's name and `$seen`. It is stored at each connect, every 10 s while connected, and at the
/// disconnect. After a kill a period therefore begins up to 10 s too early, never too late. A failure to store the time
/// is logged and does not stop the source. Thread-safe.
package final class OfflineTracker: Sendable {
    private let context: ComponentContext
    private let peer: UInt64
    private let interval: Duration
    private let failures: BurstLog
    private let state = Mutex(State())

    /// Makes a tracker for the source of a context.
    ///
    /// - Parameters:
    ///   - peer: the peer's address without secrets; a time stored for another peer is ignored.
    ///   - interval: how often the time is stored while the source is connected.
    package init(_ context: ComponentContext, peer: String, interval: Duration = .seconds(10)) {
        var hash = Fingerprint()
        hash.add(peer)
        self.context = context
        self.peer = hash.value
        self.interval = interval
        self.failures = BurstLog("Failed to store the time of the last connection", logger: context.logger)
    }

    /// Records that the source is connected.
    ///
    /// - Returns: how long it was disconnected; `nil` at the first connect ever, and when it is connected already.
    package func connected() -> OfflinePeriod? {
        let stored = self.state.withLock(\.lastSeen) == nil ? self.stored : nil
        let now = Timestamp.now()
        let period: OfflinePeriod? = self.state.withLock { state in
            guard !state.isConnected else { return nil }
            defer { (state.isConnected, state.lastSeen) = (true, now) }
            guard let from = state.lastSeen ?? stored else { return nil }
            // The wall clock may have been set back in the meantime.
            return OfflinePeriod(from: min(from, now), to: now, isAcrossRestart: state.lastSeen == nil)
        }
        self.keep(now)
        return period
    }

    /// Records that the connection has ended; has no effect without a connection.
    package func disconnected() {
        let now = Timestamp.now()
        let wasConnected = self.state.withLock { state in
            guard state.isConnected else { return false }
            (state.isConnected, state.lastSeen) = (false, now)
            return true
        }
        if wasConnected { self.keep(now) }
    }

    /// Runs one attempt of a source and stores the time while it is connected; calls ``disconnected()`` at its end.
    ///
    /// - Parameter body: calls ``connected()`` once the source is connected.
    /// - Throws: what `body` throws.
    package func track(_ body: @escaping @Sendable () async throws -> Void) async throws {
        defer { self.disconnected() }
        try await race(
            body,
            {
                while true {
                    try await Task.sleep(for: self.interval)
                    self.keepIfConnected()
                }
            }
        )
    }

    private func keepIfConnected() {
        let now = Timestamp.now()
        if self.state.withLock(\.isConnected) { self.keep(now) }
    }

    // MARK: Storage

    /// The name of the cursor; no component's name contains a dollar sign.
    private var name: String { "\(self.context.name)$seen" }

    /// Stores the peer's hash and the time in milliseconds since 1970.
    private func keep(_ time: Timestamp) {
        do {
            try self.context.cursors.move("\(self.peer.hexadecimal) \(time.milliseconds)", of: self.name)
        } catch {
            self.failures.note(["error": "\(error)"])
        }
    }

    private var stored: Timestamp? {
        guard let parts = self.context.cursors.cursor(of: self.name)?.split(separator: " "), parts.count == 2,
            parts[0] == self.peer.hexadecimal, let milliseconds = Int64(parts[1]), milliseconds >= 0
        else { return nil }
        return Timestamp(milliseconds: milliseconds)
    }

    private struct State {
        var isConnected = false
        /// When the source was last connected in this run of the program; `nil` before the first connect.
        var lastSeen: Timestamp?
    }
}
