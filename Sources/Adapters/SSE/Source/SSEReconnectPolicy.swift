import BridgeCore

/// Decides how long to wait at least before a stream is asked for again.
///
/// A value without a clock; the caller waits. The engine's back-off applies beside it, and the longer of the two counts.
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
    /// How many short streams in a row may be followed by a reconnect at once.
    static let shortStreams = 5

    /// `retry:` of the stream, within bounds.
    private(set) var retry: Duration?
    private var refusals = 0
    private var shortLosses = 0

    /// The server asks for a time between two connections (WHATWG HTML §9.2.6).
    mutating func asked(toWait milliseconds: Int) {
        self.retry = min(.milliseconds(milliseconds), Self.longestRetry)
    }

    /// The server has accepted the request.
    mutating func accepted() {
        self.refusals = 0
    }

    /// The least wait before the next attempt; `nil` leaves it to the engine's back-off.
    mutating func wait<Generator: RandomNumberGenerator>(after outcome: Outcome, using generator: inout Generator) -> Duration? {
        switch outcome {
        case .unreachable:
            return self.retry
        case .ended:
            return max(self.retry ?? .zero, Self.pause(using: &generator))
        case .lost(let life):
            self.shortLosses = life < Self.shortLife ? self.shortLosses + 1 : 0
            guard self.shortLosses > Self.shortStreams else { return self.retry }
            return max(self.retry ?? .zero, Self.pause(using: &generator))
        case .refused(let status, let retryAfter):
            let asked = retryAfter.map { min($0, Self.longestRetryAfter) }
            guard let (first, longest) = Self.bounds(of: status) else { return asked }
            let bound = min(first * (1 << min(self.refusals, 16)), longest)
            self.refusals += 1
            return max(bound * Double.random(in: 0.5...1, using: &generator), asked ?? .zero)
        }
    }

    /// What no stream goes without: a second and up to two more.
    private static func pause<Generator: RandomNumberGenerator>(using generator: inout Generator) -> Duration {
        .seconds(1) + .seconds(2) * Double.random(in: 0...1, using: &generator)
    }

    /// The first and the longest wait after a refusal that the same request meets again; `nil` for one that passes by itself.
    private static func bounds(of status: Int) -> (first: Duration, longest: Duration)? {
        switch status {
        // Servers count wrong credentials and bar the address.
        case 401, 403, 407: (.seconds(60), .seconds(600))
        case 408, 425, 429: nil
        case 300..<500: (.seconds(1), .seconds(300))
        default: nil
        }
    }
}
