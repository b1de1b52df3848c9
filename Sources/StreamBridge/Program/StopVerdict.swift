import Logging

/// The result of a shutdown: the last log line, and whether the exit code is 0.
struct StopVerdict {
    /// Deliveries that no sink has confirmed.
    let undelivered: Int
    /// Events that a log on disk has not taken.
    let unwritten: Int
    let isDurable: Bool
    /// The last write error of the disk; `nil` without one.
    let writeError: String?

    /// - Returns: whether everything that was accepted has been delivered, or is in a log on disk.
    func log(to logger: Logger) -> Bool {
        let isKept = self.isDurable && self.unwritten == 0
        var facts: Logger.Metadata = [:]
        if self.undelivered > 0 { facts["undelivered"] = "\(self.undelivered)" }
        if self.unwritten > 0 { facts["unwritten"] = "\(self.unwritten)" }
        if let writeError { facts["error"] = "\(writeError)" }
        switch (self.unwritten, self.undelivered) {
        case (0, 0) where self.writeError == nil:
            logger.notice("Stopped")
        case (0, 0):
            logger.warning(
                "Stopped; all events are delivered, but the log could not record that, so some may be delivered again",
                metadata: facts)
        case (0, _) where isKept && self.writeError == nil:
            logger.notice("Stopped; the log keeps the undelivered events", metadata: facts)
        case (0, _) where isKept:
            logger.warning(
                "Stopped; the log keeps the undelivered events, and may repeat the last deliveries", metadata: facts)
        case (0, _):
            logger.error("Stopped with undelivered events", metadata: facts)
        default:
            logger.error("Stopped; some events could not be written to the log", metadata: facts)
        }
        return self.unwritten == 0 && (self.undelivered == 0 || isKept)
    }
}
