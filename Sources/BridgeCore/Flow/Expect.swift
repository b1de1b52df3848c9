/// `expect:` of a route: absence becomes an event, and its end becomes one; the events themselves do not pass.
///
/// Immutable.
package struct Expect: SettingGroup {
    /// How long nothing may come.
    var interval = Duration.seconds(900)
    /// Each key is expected once it was seen; empty for one expectation of the whole route, from the start on.
    var key = Template()
    /// The priority of the event about an absence.
    var priority = 4

    /// The keys of `expect`.
    package static let settings = Settings<Self> {
        Setting(
            required: "every", \.interval, .duration(in: .seconds(1) ... .seconds(366 * 86_400)),
            "Time without an event after which one is missing")
        Setting("key", \.key, .flowKey, "Key that is expected separately once it was seen; the whole route without it").example(
            "'{{ $subject }}'")
        Setting("priority", \.priority, .integer(in: 1...5), "Priority of the event about a missing one")
    }

    /// Makes settings with the defaults.
    package init() {}
}
