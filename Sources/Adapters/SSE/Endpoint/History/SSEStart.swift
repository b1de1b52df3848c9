import BridgeCore

/// The position at which a subscriber wants to begin.
enum SSEStart: Equatable {
    /// With the next event.
    case live
    /// With the last event of each key, then the next event.
    case snapshot
    /// With the oldest that is remembered.
    case earliest
    /// With the latest N events of the view.
    case count(Int)
    /// After a sequence found by a search.
    case position(UInt64)
    /// After the event with this id; any text.
    case after(String)
    /// With the first event at or after a time; the text is the original parameter.
    case time(Timestamp, String)

    /// Describes the mistake in a `since`.
    static func complaint(about since: String) -> String {
        let complaint = "since must be an event id, a duration such as 10m, a time, a count, earliest, latest or snapshot"
        // A plus sign in a query means a space (URL Standard §5.1).
        guard Timestamp(rfc3339: since.replacing(" ", with: "+")) != nil else { return complaint }
        return "\(complaint); in the query the '+' of a time is written %2B, or write the time with Z"
    }

    /// Reads `Last-Event-ID`, else `last_event_id` (also `lastEventID`, `lastEventId`), else `since`; empty ones count as absent.
    ///
    /// - Parameter fallback: the start if all are absent.
    /// - Returns: `nil` for an invalid `since`.
    init?(_ parameters: SSEParameters, now: Timestamp, else fallback: SSEStart = .live) {
        if let id = parameters.lastEventID {
            self = .after(id)
            return
        }
        guard let since = parameters.value("since"), !since.isEmpty else {
            self = fallback
            return
        }
        switch since {
        case "earliest": self = .earliest
        case "latest": self = .live
        case "snapshot": self = .snapshot
        default:
            if since.utf8.allSatisfy({ $0 >= 48 && $0 <= 57 }), let count = Int(since) {
                self = .count(count)
            } else if let span = Duration(setting: since) {
                self = .time(Timestamp(milliseconds: now.milliseconds - span.milliseconds), since)
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
