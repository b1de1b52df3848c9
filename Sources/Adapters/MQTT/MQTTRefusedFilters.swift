import BridgeCore

/// Filters that the broker has refused on this connection, and when to request each again.
///
/// Without I/O.
struct MQTTRefusedFilters {
    /// The first delay before a filter is requested again; it doubles each time.
    static let firstWait = Duration.seconds(5)
    /// The longest wait.
    static let longestWait = Duration.seconds(300)

    private struct Refusal {
        let entry: MQTTSubscriptionPlan.Entry
        var reason: String
        var wait: Duration
        /// `nil` while it is being requested.
        var due: ContinuousClock.Instant?
    }

    private var refusals: [Refusal] = []

    var isEmpty: Bool { self.refusals.isEmpty }
    var count: Int { self.refusals.count }
    /// The filters in the broker's form.
    var filters: Set<ExactText> { Set(self.refusals.map { ExactText($0.entry.wireFilter) }) }

    /// One sentence for readiness; `nil` when nothing is refused.
    var description: String? {
        guard let first = self.refusals.first else { return nil }
        let more = self.count > 1 ? " and \(self.count - 1) more" : ""
        return "the broker refuses the subscription to \(first.entry.wireFilter)\(more)\(first.reason)"
    }

    /// When the next filter is due; `nil` for never.
    var next: ContinuousClock.Instant? { self.refusals.compactMap(\.due).min() }

    /// The broker has refused a filter.
    ///
    /// - Parameter reason: in brackets, after a space; empty when the broker gives none.
    mutating func refused(_ entry: MQTTSubscriptionPlan.Entry, reason: String, now: ContinuousClock.Instant) {
        if let index = self.index(of: entry) {
            let wait = min(self.refusals[index].wait * 2, Self.longestWait)
            self.refusals[index].reason = reason
            self.refusals[index].wait = wait
            self.refusals[index].due = now + wait
        } else {
            self.refusals.append(Refusal(entry: entry, reason: reason, wait: Self.firstWait, due: now + Self.firstWait))
        }
    }

    /// The broker has granted a filter.
    ///
    /// - Returns: whether it had refused it before.
    mutating func granted(_ entry: MQTTSubscriptionPlan.Entry) -> Bool {
        guard let index = self.index(of: entry) else { return false }
        self.refusals.remove(at: index)
        return true
    }

    /// Returns the filters to request now, and marks them as being requested.
    mutating func takeDue(now: ContinuousClock.Instant) -> [MQTTSubscriptionPlan.Entry] {
        var entries: [MQTTSubscriptionPlan.Entry] = []
        for index in self.refusals.indices where self.refusals[index].due.map({ $0 <= now }) == true {
            self.refusals[index].due = nil
            entries.append(self.refusals[index].entry)
        }
        return entries
    }

    private func index(of entry: MQTTSubscriptionPlan.Entry) -> Int? {
        let filter = ExactText(entry.wireFilter)
        return self.refusals.firstIndex { ExactText($0.entry.wireFilter) == filter }
    }
}
