import HTTPServer

/// The start of a subscriber, and the gap to report first.
struct SSEResolution {
    /// The sequence of the last event that it does not get.
    let position: UInt64
    /// The latest sequence whose loss is known: reported in `gap`, or never requested.
    let knownLoss: UInt64
    let gap: SSEGap?
    /// Its lag in bytes at the start.
    let lag: UInt64
    /// What it gets of a snapshot before the events after `position`; `nil` for none.
    var snapshot: SSESnapshotPosition?

    /// Whether the snapshot is sent from its beginning.
    var beginsSnapshot: Bool { self.snapshot?.entry == 0 }

    /// The cursor of the client at the start.
    func cursor(epoch: String) -> SSECursor {
        SSECursor(epoch: epoch, sequence: self.position, in: self.snapshot)
    }
}

/// A loss of requested events.
struct SSEGap {
    enum Reason: String {
        /// Not an id of any stream.
        case malformed
        /// An id of an earlier epoch, or of another server.
        case epoch
        /// An id that was not assigned yet.
        case unknown
        /// The events after it were removed.
        case evicted
        /// The subscriber exceeded its limit.
        case slow
    }

    /// The requested id or time.
    let requested: String
    /// The first and last available event; `nil` when there is none.
    let oldest: SSECursor?
    let newest: SSECursor?
    /// How many events are missing, if known.
    var dropped: Int?
    let reason: Reason

    /// The members of a JSON object, without its braces, on one line.
    var members: String {
        let requested = String(self.requested.unicodeScalars.prefix(128)).jsonLiteral.escapingLineEnds
        let oldest = self.oldest.map { "\"\($0)\"" } ?? "null"
        let newest = self.newest.map { "\"\($0)\"" } ?? "null"
        let dropped = self.dropped.map { ",\"dropped\":\($0)" } ?? ""
        return
            "\"requested\":\(requested),\"oldest\":\(oldest),\"newest\":\(newest)\(dropped),\"reason\":\"\(self.reason.rawValue)\""
    }
}
