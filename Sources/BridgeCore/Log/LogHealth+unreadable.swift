import Logging

/// What cannot be read is passed over so that the rest goes on, and said so that nobody misses it unawares.
extension LogHealth {
    /// How many places a line of the log names.
    private static let named = 20

    /// A sink does not get these events.
    func tell(of events: [UnreadableEvent], sink: String, _ logger: Logger) {
        guard let first = events.first else { return }
        self.passedOver(events.count)
        logger.error(
            "Events of the log cannot be read and are passed over",
            metadata: [
                "sink": "\(sink)", "count": "\(events.count)", "positions": "\(Self.list(events.map(\.position)))",
                "look": "sqlite3 FILE 'SELECT * FROM events WHERE position = \(first.position)'",
            ]
        )
    }

    /// These dead letters go nowhere.
    func tell(of letters: [UnreadableLetter], _ logger: Logger) {
        guard let first = letters.first else { return }
        self.passedOver(letters.count)
        logger.error(
            "Dead letters cannot be read and stay",
            metadata: [
                "count": "\(letters.count)", "ids": "\(Self.list(letters.map(\.id)))",
                "look": "sqlite3 FILE 'SELECT * FROM dead_letters WHERE id = \(first.id)'",
                "end": "streambridge dead-letters drop \(first.id)",
            ]
        )
    }

    /// A sink that tells what it has published has no more of these.
    func tell(ofPublished events: [Position], sink: String, _ logger: Logger) {
        guard let first = events.first else { return }
        self.passedOver(events.count)
        logger.error(
            "Published events cannot be read and are told as a gap",
            metadata: [
                "sink": "\(sink)", "count": "\(events.count)", "positions": "\(Self.list(events))",
                "look": "sqlite3 FILE 'SELECT * FROM events WHERE position = \(first)'",
            ]
        )
    }

    private static func list(_ places: [some CustomStringConvertible]) -> String {
        places.prefix(Self.named).map(\.description).joined(separator: ",") + (places.count > Self.named ? ",…" : "")
    }
}
