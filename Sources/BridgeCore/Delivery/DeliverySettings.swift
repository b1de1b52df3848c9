/// How events are delivered to one sink: `buffer:`, `retry:` and `dead_letter:` in the file.
package struct DeliverySettings: Sendable, Equatable {
    /// How many deliveries may wait for the sink, 1 or more.
    package var events: Int
    /// How many bytes of JSON and raw bodies may wait for it.
    package var bytes: Int
    /// What happens when the buffer is full.
    package var onFull: OverflowPolicy
    /// How refused deliveries and lost connections are retried.
    package var retry: RetrySettings
    /// The sink for events that this one refuses; `nil` drops and counts them.
    package var deadLetter: String?

    /// Makes settings; the defaults are those of a sink without `buffer:`, `retry:` and `dead_letter:`.
    package init(
        events: Int = 100_000, bytes: Int = 64 << 20, onFull: OverflowPolicy = .block, retry: RetrySettings = RetrySettings(),
        deadLetter: String? = nil
    ) {
        self.events = events
        self.bytes = bytes
        self.onFull = onFull
        self.retry = retry
        self.deadLetter = deadLetter
    }

    /// Limits for a log on disk: more than any outage needs, less than a disk has.
    package static let onDisk = DeliverySettings(events: 10_000_000, bytes: 8 << 30)
}

/// What happens when a sink's buffer is full: `on_full:`.
package enum OverflowPolicy: String, Sendable, CaseIterable {
    /// The sources of the waiting events pause.
    case block
    /// The oldest waiting event is dropped and counted.
    case dropOldest = "drop_oldest"
    /// The oldest waiting event becomes a dead letter.
    case deadLetter = "dead_letter"
}

/// How a component retries: `retry:`.
package struct RetrySettings: Sendable, Equatable {
    /// The upper bound of the first wait; each wait is a random part of its bound (full jitter).
    package var initial: Duration
    /// How the bound grows.
    package var factor: Double
    /// The largest bound.
    package var maximum: Duration
    /// After how many temporary refusals (an answer such as 503, not a lost connection) an event becomes a dead letter;
    /// 0 for no limit.
    package var attempts: Int
    /// How long one event is retried after its first temporary refusal, before it becomes a dead letter; `nil` for no
    /// limit.
    package var limit: Duration?

    /// Makes settings; the defaults are those of a component without `retry:`.
    package init(
        initial: Duration = .milliseconds(500), factor: Double = 2, maximum: Duration = .seconds(30), attempts: Int = 20,
        limit: Duration? = nil
    ) {
        self.initial = initial
        self.factor = factor
        self.maximum = maximum
        self.attempts = attempts
        self.limit = limit
    }
}

/// The limits of everything that waits in the log.
///
/// Above them every source pauses until half is free again.
package struct LogLimits: Sendable, Equatable {
    /// Events in memory that some sink has yet to read; ignored for a log on disk.
    package var events: Int
    /// The weight of everything not yet confirmed, over all sinks.
    package var bytes: Int

    /// Makes limits; the defaults are one million events and 256 MiB.
    package init(events: Int = 1_000_000, bytes: Int = 256 << 20) {
        self.events = events
        self.bytes = bytes
    }
}
