import Synchronization

/// A histogram of durations with fixed buckets from 0.1 ms to 10 s.
///
/// Thread-safe by a lock; observe equal durations once per batch.
package final class Histogram: Figure {
    /// The upper bounds, with their text in the exposition format.
    private static let bounds: [(microseconds: Int, text: String)] = [
        (100, "0.0001"), (250, "0.00025"), (500, "0.0005"), (1_000, "0.001"), (2_500, "0.0025"), (5_000, "0.005"),
        (10_000, "0.01"), (25_000, "0.025"), (50_000, "0.05"), (100_000, "0.1"), (250_000, "0.25"), (500_000, "0.5"),
        (1_000_000, "1"), (2_500_000, "2.5"), (5_000_000, "5"), (10_000_000, "10"),
    ]

    private let state = Mutex(State())

    init() {}

    /// Counts `count` observations of one duration; a negative one counts as zero.
    package func observe(_ duration: Duration, count: Int = 1) {
        let (seconds, attoseconds) = duration.components
        let microseconds = max(0, Int(seconds) * 1_000_000 + Int(attoseconds / 1_000_000_000_000))
        self.state.withLock { state in
            let bucket = Self.bounds.firstIndex { microseconds <= $0.microseconds } ?? Self.bounds.count
            state.buckets[bucket] += count
            state.count += count
            state.microseconds += microseconds * count
        }
    }

    /// The number of observations.
    package var count: Int { self.state.withLock { $0.count } }

    func render(name: String, labels: String, into text: inout String) {
        let state = self.state.withLock { $0 }
        let lead = labels.isEmpty ? "" : "\(labels),"
        var sum = 0
        for (bound, count) in zip(Self.bounds, state.buckets) {
            sum += count
            text += "\(name)_bucket{\(lead)le=\"\(bound.text)\"} \(sum)\n"
        }
        text += "\(name)_bucket{\(lead)le=\"+Inf\"} \(state.count)\n"
        let braces = labels.isEmpty ? "" : "{\(labels)}"
        text += "\(name)_sum\(braces) \(Double(state.microseconds) / 1_000_000)\n\(name)_count\(braces) \(state.count)\n"
    }

    private struct State {
        var buckets = [Int](repeating: 0, count: 17)
        var count = 0
        var microseconds = 0
    }
}
