/// `throttle:` of a route: at most a number of events per key and period.
///
/// A period begins with the first event that passes. Immutable.
package struct Throttle: SettingGroup {
    /// Events with the same key share the limit; empty for all events of the route.
    var key = Template()
    /// How many events pass in a period.
    var most = 1
    var period = Duration.seconds(60)
    /// Events that pass without being counted.
    var bypass: Matcher?

    /// The keys of `throttle`.
    package static let settings = Settings<Self> {
        Setting(required: "per", \.period, .duration(in: .seconds(1) ... .seconds(31 * 86_400)), "Period of the limit")
        Setting("max", \.most, .integer(in: 1...1_000_000), "How many events of a key pass in a period")
        Setting("key", \.key, .flowKey, "Key whose events share the limit; all events of the route without it").example(
            "'{{ $subject }}'")
        Setting("bypass", \.bypass, .filter, "Events that always pass and do not count, written as match").example(
            "{ priority: 5 }")
    }

    /// Makes settings with the defaults.
    package init() {}

    /// What has passed of one key.
    struct Window: Sendable, Equatable {
        var start: Timestamp
        var count: Int

        /// The stored text.
        var text: String { "\(self.start.milliseconds) \(self.count)" }

        init(start: Timestamp, count: Int) {
            self.start = start
            self.count = count
        }

        init?(text: String) {
            let parts = text.split(separator: " ").compactMap { Int64($0) }
            guard parts.count == 2 else { return nil }
            self.init(start: Timestamp(milliseconds: parts[0]), count: Int(clamping: parts[1]))
        }
    }

    /// The window after one more event.
    ///
    /// A window that begins in the future, because the clock was set back, has ended.
    ///
    /// - Returns: `nil` when the event is above the limit.
    func window(after known: Window?, now: Timestamp) -> Window? {
        guard let known, now >= known.start, now < self.end(of: known) else { return Window(start: now, count: 1) }
        return known.count < self.most ? Window(start: known.start, count: known.count + 1) : nil
    }

    func end(of window: Window) -> Timestamp {
        Timestamp(milliseconds: window.start.milliseconds + self.period.milliseconds)
    }
}
