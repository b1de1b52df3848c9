import BridgeCore
import HTTPServer

/// Where a subscriber asks to begin.
enum SSEStart: Equatable {
    /// With the next event.
    case live
    /// With the oldest that is remembered.
    case earliest
    /// With the latest so many.
    case count(Int)
    /// After the event with this id; any text.
    case after(String)
    /// With the first event at or after a time; the text is what was asked.
    case time(Timestamp, String)

    /// What is wrong with `since`.
    static let complaint = "since must be an event id, a span of time such as 10m, a time, a count, earliest or latest"

    /// Reads `Last-Event-ID`, else `last_event_id` (also `lastEventID`, `lastEventId`), else `since`; empty ones count as absent.
    ///
    /// - Returns: `nil` when `since` is none of the things it can be.
    init?(_ request: HTTPRequest, now: Timestamp) {
        let names = ["last_event_id", "lastEventID", "lastEventId"]
        let ids = [request.header("Last-Event-ID")] + names.map { request.query($0) }
        if let id = ids.lazy.compactMap({ $0 }).first(where: { !$0.isEmpty }) {
            self = .after(id)
            return
        }
        guard let since = request.query("since"), !since.isEmpty else {
            self = .live
            return
        }
        switch since {
        case "earliest": self = .earliest
        case "latest": self = .live
        default:
            if since.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let count = Int(since) {
                self = .count(count)
            } else if let span = Duration(setting: since) {
                self = .time(
                    Timestamp(
                        milliseconds: now.milliseconds - span.components.seconds * 1000 - span.components.attoseconds
                            / 1_000_000_000_000_000), since
                )
            } else if let time = Timestamp(rfc3339: since) {
                self = .time(time, since)
            } else if SSECursor(since) != nil {
                self = .after(since)
            } else {
                return nil
            }
        }
    }
}

/// Where a subscriber does begin, and what it has to be told first.
struct SSEResolution {
    /// The sequence of the first event it gets.
    let next: UInt64
    /// Body bytes of the stream before that event.
    let offset: UInt64
    let gap: Gap?
    /// How far behind it begins.
    let lag: UInt64

    /// Events the subscriber asks for and cannot have.
    struct Gap {
        enum Reason: String {
            /// Not an id of any stream.
            case malformed
            /// An id from before the stream's memory was lost, or of another stream.
            case epoch
            /// An id that this stream has not given yet.
            case unknown
            /// The events after it are forgotten.
            case evicted
        }

        let requested: String
        /// The first and last event that are remembered; `nil` when there is none.
        let oldest: SSECursor?
        let newest: SSECursor?
        let reason: Reason

        /// One line of JSON.
        var json: String {
            let requested = String(self.requested.unicodeScalars.prefix(128)).jsonLiteral
            let oldest = self.oldest.map { "\"\($0)\"" } ?? "null"
            let newest = self.newest.map { "\"\($0)\"" } ?? "null"
            return "{\"requested\":\(requested),\"oldest\":\(oldest),\"newest\":\(newest),\"reason\":\"\(self.reason.rawValue)\"}"
        }
    }
}
