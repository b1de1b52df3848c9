import Logging
import Synchronization

/// Measures how long a source was not connected, across restarts of the program too.
///
/// For sources whose peers keep nothing for them meanwhile: each period is a gap. The time of the last connection is kept in the
/// ``CursorStore`` under the source's name and `$seen`: at each connect, every 10 s while it lasts, and at its end. After a kill a
/// period therefore begins up to 10 s too early, never too late. A time that cannot be kept is logged and does not stop the source.
/// Thread-safe.
package final class OfflineTracker: Sendable {
    private let context: ComponentContext
    private let peer: UInt64
    private let interval: Duration
    private let failures: BurstLog
    private let state = Mutex(State())

    /// - Parameters:
    ///   - peer: what the source connects to, without secrets; a time that was kept for another peer does not count.
    ///   - interval: how often the time is kept while the source is connected.
    package init(_ context: ComponentContext, peer: String, interval: Duration = .seconds(10)) {
        var hash = Fingerprint()
        hash.add(peer)
        self.context = context
        self.peer = hash.value
        self.interval = interval
        self.failures = BurstLog("Failed to keep the time of the last connection", logger: context.logger)
    }

    /// The source is connected.
    ///
    /// - Returns: how long it was not; `nil` at the first connect ever, and when it is connected already.
    package func connected() -> OfflinePeriod? {
        let stored = self.state.withLock(\.lastSeen) == nil ? self.stored : nil
        let now = Timestamp.now()
        let period: OfflinePeriod? = self.state.withLock { state in
            guard !state.isConnected else { return nil }
            defer { (state.isConnected, state.lastSeen) = (true, now) }
            guard let from = state.lastSeen ?? stored else { return nil }
            // The wall clock may have been set back meanwhile.
            return OfflinePeriod(from: min(from, now), to: now, isAcrossRestart: state.lastSeen == nil)
        }
        self.keep(now)
        return period
    }

    /// The connection has ended; does nothing when there is none.
    package func disconnected() {
        let now = Timestamp.now()
        let wasConnected = self.state.withLock { state in
            guard state.isConnected else { return false }
            (state.isConnected, state.lastSeen) = (false, now)
            return true
        }
        if wasConnected { self.keep(now) }
    }

    /// Runs one attempt of a source and keeps the time while it is connected; ``disconnected()`` is called at its end.
    ///
    /// - Parameter body: calls ``connected()`` once it is.
    /// - Throws: what `body` throws.
    package func track(_ body: @escaping @Sendable () async throws -> Void) async throws {
        defer { self.disconnected() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await body() }
            group.addTask {
                while true {
                    try await Task.sleep(for: self.interval)
                    self.keepIfConnected()
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func keepIfConnected() {
        let now = Timestamp.now()
        if self.state.withLock(\.isConnected) { self.keep(now) }
    }

    // MARK: Storage

    /// No component has a name with a dollar sign.
    private var name: String { "\(self.context.name)$seen" }

    /// The peer's hash and milliseconds since 1970.
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
        /// When the source was last connected in this run of the program; `nil` before the first time.
        var lastSeen: Timestamp?
    }
}
