import Logging

/// What the program leaves behind when it ends: the last log line, and whether the exit code is 0.
struct StopVerdict {
    /// Deliveries that no sink has confirmed.
    let undelivered: Int
    /// Events that a log on disk has not taken.
    let unwritten: Int
    let isDurable: Bool
    /// What the disk last refused; `nil` while it takes everything.
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
                "Stopped; everything is delivered, but the log has not taken that, so that some of it may be delivered again",
                metadata: facts)
        case (0, _) where isKept && self.writeError == nil:
            logger.notice("Stopped; the log keeps what is undelivered", metadata: facts)
        case (0, _) where isKept:
            logger.warning(
                "Stopped; the log keeps what is undelivered, and may deliver again what was delivered last", metadata: facts)
        case (0, _):
            logger.error("Stopped with undelivered events", metadata: facts)
        default:
            logger.error("Stopped; the log has not taken everything", metadata: facts)
        }
        return self.unwritten == 0 && (self.undelivered == 0 || isKept)
    }
}
