/// Decides how long to wait before the next read of a stream.
///
/// `BLOCK` makes the server wait for entries. A server that answers immediately without any, such as a proxy that drops
/// the option, would otherwise be polled as fast as the network allows. The wait doubles with each such answer, and
/// resets on entries or on a read that blocked.
struct RedisReadPacing {
    /// The wait after the first such answer; an operator may end a single read early (`CLIENT UNBLOCK`).
    static let shortestWait = Duration.milliseconds(10)
    /// The longest wait: one read a second.
    static let longestWait = Duration.seconds(1)
    /// This many consecutive answers are reported.
    static let reportAfter = 5

    private let block: Duration
    private var emptyAnswers = 0
    private var wait = Self.shortestWait
    private var hasReported = false

    /// - Parameter block: how long the server was asked to wait for entries.
    init(block: Duration) {
        self.block = block
    }

    /// The step after a read.
    struct Step: Equatable {
        /// How long to wait before the next read; zero for not at all.
        var wait = Duration.zero
        /// Whether to report that the server does not wait; true once.
        var reports = false
    }

    /// Records the answer to a read.
    ///
    /// - Parameters:
    ///   - isEmpty: whether it had no entries.
    ///   - elapsed: how long the server took.
    mutating func answered(isEmpty: Bool, after elapsed: Duration) -> Step {
        // Servers and networks round differently; half the time counts as blocked.
        guard isEmpty, elapsed < self.block / 2 else {
            self.emptyAnswers = 0
            self.wait = Self.shortestWait
            return Step()
        }
        self.emptyAnswers += 1
        let step = Step(wait: self.wait, reports: self.emptyAnswers >= Self.reportAfter && !self.hasReported)
        if step.reports { self.hasReported = true }
        self.wait = min(self.wait * 2, Self.longestWait)
        return step
    }
}
