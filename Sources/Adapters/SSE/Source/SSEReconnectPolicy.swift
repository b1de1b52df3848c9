import BridgeCore

/// Decides how long to wait before the next request for a stream.
///
/// A value without a clock; the caller waits. The engine's back-off applies too, and the longer of both counts.
struct SSEReconnectPolicy {
    /// How an attempt ended.
    enum Outcome {
        /// The server ended an accepted stream in order.
        case ended
        /// An accepted stream broke after this time.
        case lost(after: Duration)
        /// There was no answer.
        case unreachable
        /// The server answered something other than a stream.
        case refused(status: Int, retryAfter: Duration?)
    }

    /// The bound on `retry:`.
    static let longestRetry = Duration.seconds(300)
    /// The bound on `Retry-After`.
    static let longestRetryAfter = Duration.seconds(3600)
    /// A stream that broke sooner counts as short.
    static let shortLife = Duration.seconds(30)
    /// How many short streams in a row may be followed by an immediate reconnect.
    static let shortStreams = 5

    /// The minimum delay after a stream has ended, and the unit of the longer delays.
    let rest: Duration
    /// `retry:` of the stream, within bounds.
    private(set) var retry: Duration?
    private var refusals = 0
    private var shortLosses = 0

    /// Makes the policy of a source that has not connected yet.
    init(rest: Duration = .seconds(1)) {
        self.rest = rest
    }

    /// Records the server's minimum delay between two connections (WHATWG HTML §9.2.6).
    mutating func asked(toWait milliseconds: Int) {
        self.retry = min(.milliseconds(milliseconds), Self.longestRetry)
    }

    /// The server has accepted the request.
    mutating func accepted() {
        self.refusals = 0
    }

    /// The minimum wait before the next attempt; `nil` leaves it to the engine's back-off.
    mutating func wait<Generator: RandomNumberGenerator>(after outcome: Outcome, using generator: inout Generator) -> Duration? {
        switch outcome {
        case .unreachable:
            return self.retry
        case .ended:
            return max(self.retry ?? .zero, self.pause(using: &generator))
        case .lost(let life):
            self.shortLosses = life < Self.shortLife ? self.shortLosses + 1 : 0
            guard self.shortLosses > Self.shortStreams else { return self.retry }
            return max(self.retry ?? .zero, self.pause(using: &generator))
        case .refused(let status, let retryAfter):
            let asked = retryAfter.map { min($0, Self.longestRetryAfter) }
            guard let (first, longest) = self.bounds(of: status) else { return asked }
            let bound = min(first * (1 << min(self.refusals, 16)), longest)
            self.refusals += 1
            return max(bound * Double.random(in: 0.5...1, using: &generator), asked ?? .zero)
        }
    }

    /// The minimum delay of every stream: ``rest`` plus up to twice as much.
    private func pause<Generator: RandomNumberGenerator>(using generator: inout Generator) -> Duration {
        self.rest + self.rest * Double.random(in: 0...2, using: &generator)
    }

    /// The first and the longest delay after a permanent refusal of the same request; `nil` for a temporary one.
    private func bounds(of status: Int) -> (first: Duration, longest: Duration)? {
        switch status {
        // Servers count wrong credentials and bar the address.
        case 401, 403, 407: (self.rest * 60, self.rest * 600)
        case 408, 425, 429: nil
        case 300..<500: (self.rest, self.rest * 300)
        default: nil
        }
    }
}
