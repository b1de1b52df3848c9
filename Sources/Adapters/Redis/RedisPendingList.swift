import BridgeCore

/// The entries that a stream source has read and not acknowledged: decides what happens to each, without I/O.
///
/// The life of an entry: ``reading(_:content:)`` decides what to do with it, ``sent(_:at:)`` records its position in
/// the log, ``acknowledgement(of:at:)`` returns it once that position is safe, and ``acknowledged(_:at:)`` removes it
/// after the server's answer. A lost connection changes nothing: redelivered entries are recognised by their id and
/// content.
///
/// A claim is ``beginClaim()``, ``claimed(_:)`` for each answer, ``deleted(_:)`` for entries that the server has
/// dropped, and ``endClaim()``. Acknowledgements can continue meanwhile: an entry that is acknowledged between a
/// command and its answer is not read again.
///
/// Values are not shared: the source keeps one behind a lock, because reading, acknowledging and keeping alive are
/// separate tasks.
struct RedisPendingList: Sendable {
    /// The decision about an entry that the server has delivered.
    enum Reading: Equatable, Sendable {
        /// It is sent already: acknowledge it when this position is safe.
        case isInFlight(Position)
        /// Send it to the log.
        case send
        /// Report that it was deleted before it was acknowledged.
        case reportDeleted
        /// Abandon it: a part is too large.
        case giveUpOversized(RedisOmission)
        /// Abandon it: its deliveries exceed the limit.
        case giveUpExhausted(deliveries: Int)
    }

    /// Entries whose idle time is to be reset by one command.
    struct KeepAlive: Equatable, Sendable {
        let ids: [String]
        /// The delivery count to set on the server; `nil` leaves it unchanged.
        let deliveries: Int?
    }

    private struct InFlight {
        let position: Position
        /// Its ``RedisStreamEntry/repeatKey(stream:)``: a recreated stream may give the same id to another entry.
        let content: UInt64
    }

    /// The largest number of deliveries; 0 for no limit.
    let maximumDeliveries: Int
    private var inFlight: [String: InFlight] = [:]
    /// Entries taken over from others that were not kept alive yet; only where deliveries count.
    private var takenOver: Set<String> = []
    /// Entries acknowledged since the latest claim was sent; `nil` while there is no claim.
    private var acknowledgedDuringClaim: Set<String>?

    init(maximumDeliveries: Int) {
        self.maximumDeliveries = maximumDeliveries
    }

    /// Whether the delivery count matters.
    var countsDeliveries: Bool { self.maximumDeliveries > 0 }
    /// Whether everything sent is acknowledged.
    var isEmpty: Bool { self.inFlight.isEmpty }

    /// Whether an entry is sent and not acknowledged.
    func contains(_ id: String) -> Bool { self.inFlight[id] != nil }

    // MARK: Reading

    /// Decides what to do with an entry of an answer.
    ///
    /// - Parameter content: its ``RedisStreamEntry/repeatKey(stream:)``.
    func reading(_ entry: RedisStreamEntry, content: UInt64) -> Reading {
        // An entry that is deleted by now was read before.
        if let held = self.inFlight[entry.id], entry.fields == nil || held.content == content {
            return .isInFlight(held.position)
        }
        guard entry.fields != nil else { return .reportDeleted }
        if let omission = entry.omission { return .giveUpOversized(omission) }
        if self.countsDeliveries, let deliveries = entry.deliveries, deliveries > self.maximumDeliveries {
            return .giveUpExhausted(deliveries: deliveries)
        }
        return .send
    }

    /// Records entries whose events, dead letters or gaps are in the log up to a position.
    mutating func sent(_ entries: [(id: String, content: UInt64)], at position: Position) {
        for entry in entries { self.inFlight[entry.id] = InFlight(position: position, content: entry.content) }
    }

    // MARK: Acknowledging

    /// The entries of a batch to acknowledge now that its position is safe.
    ///
    /// The others were acknowledged with another batch, or their ids now belong to other entries of a recreated stream.
    func acknowledgement(of ids: [String], at position: Position) -> [String] {
        ids.filter { self.inFlight[$0]?.position == position }
    }

    /// All unacknowledged entries, in the order of the log, for a new connection to acknowledge.
    ///
    /// The answer to an acknowledgement may have been lost with the old one: the server does not deliver those entries
    /// again.
    func unacknowledged() -> [(position: Position, ids: [String])] {
        Dictionary(grouping: self.inFlight, by: \.value.position).sorted { $0.key < $1.key }.map { ($0.key, $0.value.map(\.key)) }
    }

    /// Forgets entries whose acknowledgement the server has answered.
    mutating func acknowledged(_ ids: [String], at position: Position) {
        for id in ids where self.inFlight[id]?.position == position {
            self.inFlight[id] = nil
            self.acknowledgedDuringClaim?.insert(id)
        }
        self.takenOver.subtract(ids)
    }

    /// Removes all entries, because a recreated stream or group has not delivered them.
    mutating func forget() {
        self.inFlight = [:]
        self.takenOver = []
    }

    // MARK: Claiming

    /// Records that a claim is about to be sent.
    mutating func beginClaim() {
        self.acknowledgedDuringClaim = []
    }

    /// The claimed entries of an answer that are to be read: without those acknowledged since the command was sent.
    mutating func claimed(_ entries: [RedisStreamEntry]) -> [RedisStreamEntry] {
        let rest = entries.filter { !self.wasAcknowledged($0.id) }
        if self.countsDeliveries { self.takenOver.formUnion(rest.lazy.map(\.id)) }
        return rest
    }

    /// The entries whose loss is to be reported, of those that the server dropped from its list because they are deleted.
    ///
    /// An unacknowledged entry was read before it was deleted, or is reported already.
    func deleted(_ ids: [String]) -> [String] {
        ids.filter { self.inFlight[$0] == nil && !self.wasAcknowledged($0) }
    }

    /// Records that no answer to a claim is expected any more.
    mutating func endClaim() {
        self.acknowledgedDuringClaim = nil
    }

    private func wasAcknowledged(_ id: String) -> Bool {
        self.acknowledgedDuringClaim?.contains(id) == true && self.inFlight[id] == nil
    }

    // MARK: Keeping alive

    /// How to keep unacknowledged entries from being claimed by others.
    ///
    /// A takeover from another consumer does not count as a delivery: this program only keeps the entry.
    ///
    /// - Parameter entries: the entries that the server lists as delivered to this consumer.
    /// - Returns: commands for unacknowledged entries; the rest is not touched. ``keptAlive(_:)`` follows once they are answered.
    func keepAlive(_ entries: [RedisPendingEntry]) -> [KeepAlive] {
        let held = entries.filter { self.inFlight[$0.id] != nil }
        let returned = Dictionary(grouping: held.filter { self.takenOver.contains($0.id) }, by: \.deliveries)
        var commands = returned.sorted { $0.key < $1.key }.map { deliveries, entries in
            KeepAlive(ids: entries.map(\.id), deliveries: max(1, deliveries - 1))
        }
        let others = held.filter { !self.takenOver.contains($0.id) }
        if !others.isEmpty { commands.append(KeepAlive(ids: others.map(\.id), deliveries: nil)) }
        return commands
    }

    /// Records that the server has reset the idle time of entries: their takeovers no longer count as deliveries.
    mutating func keptAlive(_ ids: [String]) {
        self.takenOver.subtract(ids)
    }
}
