import Logging

/// What cannot be read is passed over so that the rest goes on, and said so that nobody misses it unawares.
extension LogHealth {
    /// How many places a line of the log names.
    private static let named = 20

    /// A sink does not get these events.
    func tell(of events: [UnreadableEvent], sink: String, _ logger: Logger) {
        self.tell("Events of the log cannot be read and are passed over", events.map(\.position), sink: sink, logger)
    }

    /// A sink that tells what it has published has no more of these.
    func tell(ofPublished events: [Position], sink: String, _ logger: Logger) {
        self.tell("Published events cannot be read and are told as a gap", events, sink: sink, logger)
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

    private func tell(_ message: Logger.Message, _ positions: [Position], sink: String, _ logger: Logger) {
        guard let first = positions.first else { return }
        self.passedOver(positions.count)
        logger.error(
            message,
            metadata: [
                "sink": "\(sink)", "count": "\(positions.count)", "positions": "\(Self.list(positions))",
                "look": "sqlite3 FILE 'SELECT * FROM events WHERE position = \(first)'",
            ]
        )
    }

    private static func list(_ places: [some CustomStringConvertible]) -> String {
        places.prefix(Self.named).map(\.description).joined(separator: ",") + (places.count > Self.named ? ",…" : "")
    }
}
