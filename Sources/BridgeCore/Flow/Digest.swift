/// `digest:` of a route: the events of a key within a window become one event at its end.
///
/// The window begins with the first event. Immutable.
package struct Digest: SettingGroup {
    var window = Duration.seconds(600)
    /// Which events become one; empty for all of the route.
    var key = Template()
    /// How many events its message lists.
    var lines = 20
    /// The title; `nil` for that of the events, if they have one in common.
    var title: String?
    /// Events that pass at once.
    var bypass: Matcher?

    /// The keys of `digest`.
    package static let settings = Settings<Self> {
        Setting(
            required: "window", \.window, .duration(in: .seconds(1) ... .seconds(31 * 86_400)),
            "Time from the first event until the digest passes")
        Setting("key", \.key, .flowKey, "Key whose events become one; all events of the route without it").example(
            "'{{ $subject }}'")
        Setting("lines", \.lines, .integer(in: 1...100), "How many events the message of a digest lists")
        Setting(
            "title", \.title, .text.checked(Self.complaint(aboutTitle:)),
            default: "the common title of the events", "Title of a digest, before the number of events"
        ).example("Summary")
        Setting("bypass", \.bypass, .filter, "Events that pass at once, written as match").example("{ priority: 5 }")
    }

    /// Makes settings with the defaults.
    package init() {}

    private static func complaint(aboutTitle title: String) -> String? {
        if title.isEmpty { return "is empty; write a title, or leave it out" }
        guard title.contains("{{") else { return nil }
        return
            "cannot have '{{', because a digest has several events; write fixed text, or leave it out for the title of the events"
    }
}
