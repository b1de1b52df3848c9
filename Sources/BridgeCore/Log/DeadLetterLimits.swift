/// Limits of the dead letters that a log on disk keeps and that are pending for no sink: `log.retain.dead_letters`.
package struct DeadLetterLimits: SettingGroup, Equatable {
    /// How many are kept.
    package var events = 100_000
    /// The total size of their bodies in bytes, plus 256 for each.
    package var bytes = 256 << 20
    /// How long one is kept; `nil` for as long as the others allow.
    package var age: Duration?

    /// The keys of `log.retain.dead_letters`.
    package static let settings = Settings<Self> {
        Setting("events", \.events, .integer(in: 1...1_000_000_000), "How many dead letters are kept")
        Setting(
            "age", \.age,
            .duration.checked { $0 > .zero ? nil : "must be more than 0, such as 30d; leave it out for no limit" },
            default: "no limit", "How long dead letters are kept")
        Setting(
            "bytes", \.bytes,
            .bytes(in: 0...).within(1 << 20 ... .max) { "\($0) is too small for a file; write 1MiB or more" },
            "How many bytes of dead letters are kept")
    }

    /// Makes the limits of a file without the key.
    package init() {}

    /// Makes limits from their parts.
    package init(events: Int = DeadLetterLimits().events, bytes: Int = DeadLetterLimits().bytes, age: Duration? = nil) {
        self.events = events
        self.bytes = bytes
        self.age = age
    }
}
