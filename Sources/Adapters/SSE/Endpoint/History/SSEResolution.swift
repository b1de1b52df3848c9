import HTTPServer

/// Where a subscriber does begin, and what it has to be told first.
struct SSEResolution {
    /// The sequence of the last event that it does not get.
    let position: UInt64
    /// The latest sequence that is forgotten already: its loss is told, or nobody asked for it.
    let told: UInt64
    let gap: SSEGap?
    /// Bytes that it begins behind.
    let lag: UInt64
}

/// Events a subscriber asks for and cannot have.
struct SSEGap {
    enum Reason: String {
        /// Not an id of any stream.
        case malformed
        /// An id from before the memory was lost, or of another server.
        case epoch
        /// An id that has not been given yet.
        case unknown
        /// The events after it are forgotten.
        case evicted
        /// The subscriber fell too far behind.
        case slow
    }

    /// The id or time that was asked for.
    let requested: String
    /// The first and last event that are remembered; `nil` when there is none.
    let oldest: SSECursor?
    let newest: SSECursor?
    /// How many events are missing, where that is known.
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
