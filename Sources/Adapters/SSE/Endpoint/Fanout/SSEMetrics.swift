package import BridgeCore
package import Logging

/// The metrics of one stream.
package struct SSEMetrics: Sendable {
    /// Why a subscriber's connection ended.
    package enum End: String, Sendable, CaseIterable {
        /// The client went away.
        case client
        /// The subscriber exceeded its limit.
        case slow
        /// It read nothing for too long.
        case stalled
        /// It did not read pending data while memory was short.
        case memory
        /// The stream ended.
        case stopped
        /// The connection failed.
        case failed
        /// The client's grant has expired.
        case expired
        /// It reached the maximum age.
        case aged
        /// An operator ended it.
        case removed
        /// The entry of `http.access` that admitted it was removed or changed.
        case revoked
    }

    let subscribers: Gauge
    let opened: Counter
    let delivered: Counter
    let gaps: Counter
    let conflated: Counter
    let shed: Counter
    let unkeyed: Counter
    let evicted: Counter
    let snapshotKeys: Gauge
    private let evictedLog: BurstLog?
    private let removeErrors: Counter
    private let removeLog: BurstLog?
    private let closed: [Counter]
    private let filterErrors: Counter
    private let filterLog: BurstLog?

    /// - Parameter logger: logs failing filters.
    package init(_ metrics: ComponentMetrics, logger: Logger? = nil) {
        self.filterErrors = metrics.counter(
            "sse_filter_errors", help: "Evaluations of a client's 'when' that failed; the client then missed the event.")
        self.filterLog = logger.map { BurstLog("Client expression failed", logger: $0) }
        self.subscribers = metrics.gauge("sse_subscribers", help: "Connected subscribers.")
        self.opened = metrics.counter("sse_connections_opened", help: "Subscriber connections opened.")
        self.delivered = metrics.counter("sse_deliveries", help: "Events written to subscribers.")
        self.gaps = metrics.counter("sse_gaps", help: "Gaps reported to subscribers.")
        self.conflated = metrics.counter(
            "sse_conflated", help: "Events replaced by a later one of the same key for a slow subscriber.")
        self.shed = metrics.counter("sse_shed", help: "Requests refused because of a connection limit.")
        self.unkeyed = metrics.counter(
            "sse_snapshot_unkeyed", help: "Events that are not part of the snapshot, because its key has no value for them.")
        self.evicted = metrics.counter(
            "sse_snapshot_evicted", help: "Keys that left the snapshot because of its limits, least recently updated first.")
        self.removeErrors = metrics.counter(
            "sse_snapshot_remove_errors", help: "Evaluations of snapshot.remove that failed; the event was then kept.")
        self.removeLog = logger.map { BurstLog("Condition snapshot.remove failed; events kept", logger: $0) }
        self.snapshotKeys = metrics.gauge("sse_snapshot_keys", help: "Keys of the snapshot.")
        self.evictedLog = logger.map { BurstLog("Snapshot full; least recently updated keys removed", logger: $0) }
        self.closed = End.allCases.map {
            metrics.counter(
                "sse_connections_closed", help: "Subscriber connections closed, by reason.", [("reason", $0.rawValue)])
        }
    }

    /// Counts an evaluation of a client's condition that failed.
    ///
    /// The condition can raise the whole event as its error, so the log line identifies the event but quotes nothing of
    /// it.
    func filterFailed(_ event: Event, _ error: ExpressionError) {
        self.filterErrors.increment()
        self.filterLog?.note(["event": "\(event.id)", "error": "\(error.messageWithoutEvent)"])
    }

    /// Counts an evaluation of `snapshot.remove` that failed; the log line quotes nothing of the event.
    func removeFailed(_ event: Event, _ error: ExpressionError) {
        self.removeErrors.increment()
        self.removeLog?.note(["event": "\(event.id)", "error": "\(error.messageWithoutEvent)"])
    }

    /// Counts the keys of a snapshot, and those that left because of its limits.
    func snapshotChanged(_ changes: SSESnapshot.Changes) {
        self.snapshotKeys.set(changes.count)
        guard changes.evicted > 0 else { return }
        self.evicted.increment(by: changes.evicted)
        self.evictedLog?.note([:], count: changes.evicted)
    }

    func closed(_ end: End) -> Counter {
        guard let index = End.allCases.firstIndex(of: end) else { preconditionFailure("\(end) is a case") }
        return self.closed[index]
    }
}
