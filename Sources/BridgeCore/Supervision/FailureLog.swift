import Logging

/// Logs the failures of one component: the first of an outage, then an unchanged one at most every ten seconds.
///
/// An outage is retried about once a second; the other attempts are logged at debug level. Wrong credentials fail until
/// a user changes them, so an unchanged failure of that kind is logged once.
struct FailureLog {
    private static let interval = Duration.seconds(10)

    private let logger: Logger
    private var last: (text: String, time: ContinuousClock.Instant)?
    private var attempts = 0

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// Logs a failure.
    ///
    /// - Parameter isNew: whether the attempt before this failure succeeded.
    mutating func note(_ failure: ComponentError, isNew: Bool) {
        let text = failure.description
        self.attempts = isNew ? 1 : self.attempts + 1
        let isDue = isNew || self.isDue(failure.code, text)
        if isDue { self.last = (text, .now) }
        self.logger.log(
            level: isDue ? .warning : .debug, "Component failed",
            metadata: ["error": "\(text)", "code": "\(failure.code)", "attempts": "\(self.attempts)"]
        )
    }

    private func isDue(_ code: ComponentError.Code, _ text: String) -> Bool {
        guard let last, last.text == text else { return true }
        return code != .unauthorized && last.time.duration(to: .now) >= Self.interval
    }
}
