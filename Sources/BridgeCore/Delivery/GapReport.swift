import NIOCore

/// The content of one gap event and its log line: one loss, or several in a burst.
struct GapReport: Sendable, Equatable {
    /// 1 or more.
    private(set) var count = 1
    private let first: SourceLoss
    private var last: SourceLoss
    /// From the first loss to the last one, by the wall clock; for a single loss, its own.
    private(set) var period: OfflinePeriod?

    /// Makes the report of one loss.
    init(_ loss: SourceLoss) {
        self.first = loss
        self.last = loss
        self.period = loss.period
    }

    /// Adds a later loss of the same kind.
    mutating func add(_ loss: SourceLoss) {
        self.count += 1
        self.last = loss
        guard let later = loss.period else { return }
        let earlier = self.period ?? later
        self.period = OfflinePeriod(
            from: min(earlier.from, later.from), to: max(earlier.to, later.to),
            isAcrossRestart: earlier.isAcrossRestart || later.isAcrossRestart)
    }

    /// One sentence without a final stop.
    var reason: String {
        guard self.count > 1 else { return self.first.reason }
        guard self.first.reason != self.last.reason else { return "\(self.count) losses in a burst, each: \(self.first.reason)" }
        return "\(self.count) losses in a burst, the first: \(self.first.reason); the last: \(self.last.reason)"
    }

    /// What may have been lost; empty for everything, or when the losses differ.
    var subject: String { self.first.subject == self.last.subject ? self.first.subject : "" }

    /// The payload of the gap event: an object with `from` and `to` (RFC 3339 §5.6) where known, and the `count` of a
    /// burst.
    var payload: ByteBuffer? {
        var members: [String] = []
        if let period { members += ["\"from\":\"\(period.from)\"", "\"to\":\"\(period.to)\""] }
        if self.count > 1 { members.append("\"count\":\(self.count)") }
        return members.isEmpty ? nil : ByteBuffer(string: "{\(members.joined(separator: ","))}")
    }
}

/// The kind of loss; losses of one kind in a burst are reported as one.
package enum GapKind: Hashable, Sendable, CaseIterable {
    /// The source was not connected to its peer.
    case outage
    /// The source received something that it cannot process, such as a message over a limit.
    case omission
    /// The peer removed something before it was read.
    case removal
    /// The peer replaced what the source reads, such as a stream that was deleted and created again.
    case replacement
    /// The peer itself reports a loss.
    case reported
}

/// One loss that a source knows of.
struct SourceLoss: Sendable, Equatable {
    let kind: GapKind
    /// One sentence without a final stop.
    let reason: String
    /// What may have been lost; empty when it is everything.
    let subject: String
    /// When it may have been lost; `nil` where it is one message.
    let period: OfflinePeriod?
}
