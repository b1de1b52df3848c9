/// Pauses an expression that keeps ending its worker.
///
/// A fault costs time and a worker, so an expression may have a few of them within a window, but not repeatedly
/// forever. Successful evaluations in between change nothing: a sender that alternates good and bad events must not
/// cause the cost of each bad one. A value without a clock of its own.
struct JQBreaker {
    private let limits: JQLimits
    /// The latest, the oldest first.
    private var faults: [ContinuousClock.Instant] = []
    private var openUntil: ContinuousClock.Instant?

    init(limits: JQLimits) {
        self.limits = limits
    }

    /// Notes an evaluation that ended its worker.
    ///
    /// - Returns: whether the expression is out of use from now on.
    mutating func fault(at now: ContinuousClock.Instant) -> Bool {
        let window = self.limits.window
        self.faults.removeAll { now - $0 >= window }
        self.faults.append(now)
        guard self.faults.count >= self.limits.faults else { return false }
        self.faults = []
        self.openUntil = now + self.limits.pause
        return true
    }

    /// How long the expression stays out of use; `nil` when it may be evaluated.
    mutating func remaining(at now: ContinuousClock.Instant) -> Duration? {
        guard let openUntil else { return nil }
        guard now < openUntil else {
            self.openUntil = nil
            return nil
        }
        return openUntil - now
    }
}
