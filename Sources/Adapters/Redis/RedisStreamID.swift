import BridgeCore

/// The id of an entry: `milliseconds` or `milliseconds-sequence`.
struct RedisStreamID: Comparable, Sendable {
    let milliseconds: UInt64
    let sequence: UInt64

    init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let milliseconds = UInt64(parts[0]) else { return nil }
        guard let sequence = parts.count == 2 ? UInt64(parts[1]) : 0 else { return nil }
        self.milliseconds = milliseconds
        self.sequence = sequence
    }

    static func < (lhs: Self, rhs: Self) -> Bool {
        (lhs.milliseconds, lhs.sequence) < (rhs.milliseconds, rhs.sequence)
    }

    /// The id right after this one, as text: servers before Redis 6.2 do not accept `(` before an id.
    var next: String {
        let (sequence, isOver) = self.sequence.addingReportingOverflow(1)
        return isOver ? "\(self.milliseconds &+ 1)-0" : "\(self.milliseconds)-\(sequence)"
    }

    /// The id right before this one, as text.
    var previous: String {
        guard self.sequence == 0 else { return "\(self.milliseconds)-\(self.sequence - 1)" }
        return self.milliseconds == 0 ? "0-0" : "\(self.milliseconds - 1)-\(UInt64.max)"
    }

    /// The id and its time, for messages.
    static func described(_ id: String) -> String {
        guard let milliseconds = RedisStreamID(id).flatMap({ Int64(exactly: $0.milliseconds) }) else { return id }
        return "\(id) (\(Timestamp(milliseconds: milliseconds)))"
    }
}
