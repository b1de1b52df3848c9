/// `sample:` of a route: one event of several passes.
///
/// Immutable.
package struct Sample: SettingGroup {
    /// Of this many events of a key the first passes.
    var count: Int?
    /// The latest event of a key passes at the end of each such interval.
    var interval: Duration?
    /// Which events are counted together; empty for all of the route.
    var key = Template()

    /// The keys of `sample`.
    package static let settings = Settings<Self> {
        Setting("one_in", \.count, .integer(in: 2...1_000_000), "Number of events of a key of which the first passes")
            .excluding("every", else: "cannot be used together with every; leave one of them out")
        Setting(
            "every", \.interval, .duration(in: .seconds(1) ... .seconds(31 * 86_400)),
            "Interval at whose end the latest event of a key passes")
        Setting("key", \.key, .flowKey, "Key whose events are sampled together; all events of the route without it").example(
            "'{{ $subject }}'")
    }

    /// Makes settings with the defaults.
    package init() {}

    /// Refuses neither of the two ways.
    ///
    /// - Throws: ``SettingError``.
    package func validate() throws {
        guard self.count != nil || self.interval != nil else {
            throw SettingError("needs one_in or every; write one_in: 10, or every: 1m")
        }
    }
}
