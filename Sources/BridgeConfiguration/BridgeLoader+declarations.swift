package import BridgeCore

/// The keys of the file's outermost mappings, which the loader reads itself because they refer to each other.
extension BridgeLoader {
    /// The keys of the file.
    package static let declarations = [
        SettingDeclaration(
            name: "version", type: .choice(["1"]), presence: .optional(default: "1"), summary: "Version of the file's format",
            isLiteral: true),
        SettingDeclaration(
            name: "service", type: .group(ServiceSettings.settings.declarations), presence: .optional(default: nil),
            summary: "Settings of the whole program", isLiteral: true),
        SettingDeclaration(
            name: "http", type: .group(HTTPSettings.settings.declarations), presence: .optional(default: nil),
            summary: "Listener for streams, webhooks and operations", isLiteral: true),
        SettingDeclaration(
            name: "log", type: .group(LogSettings.settings.declarations), presence: .optional(default: nil),
            summary: "Where events are kept until their sinks have confirmed them", isLiteral: true),
        SettingDeclaration(
            name: "defaults", type: .group(Self.defaults), presence: .optional(default: nil),
            summary: "Settings of all sources, sinks and events that do not set them"),
        SettingDeclaration(
            name: Inclusion.key, type: .either([.text("path"), .list(.text("path"))]), presence: .optional(default: nil),
            summary: "Further files, folders or patterns, whose sources, sinks, connections and routes are added",
            example: "[conf.d]"),
        SettingDeclaration(
            name: ConnectionMerger.key, type: .mapping(.mapping(.text("value"))), presence: .optional(default: nil),
            summary: "Keys by name that sources and sinks share through connection, such as url, user, password and tls",
            example: "{ broker: { url: 'mqtts://broker.lan', user: bridge } }"),
        SettingDeclaration(
            name: Self.homeAssistant, type: .form(.homeAssistant), presence: .optional(default: nil),
            summary: "Home Assistant: the settings of a sink of this type, which routes call home_assistant"),
        SettingDeclaration(
            name: "sources", type: .mapping(.form(.source)), presence: .required,
            summary: "Sources by name"),
        SettingDeclaration(
            name: "sinks", type: .mapping(.form(.sink)), presence: .optional(default: nil),
            summary: "Sinks by name; only a file with home_assistant may have none"),
        SettingDeclaration(
            name: "routes", type: .list(.group(Self.route)), presence: .required, summary: "Routes from sources to sinks"),
        SettingDeclaration(
            name: Self.tests, type: .list(.group(TestDeclaration.all)), presence: .optional(default: nil),
            summary: "Tests of the file, which streambridge test runs and the program ignores",
            example: "[{ send: [{ source: home, body: hello }], expect: { stream: [{ message: hello }] } }]"),
    ]

    /// The name of the list of tests.
    static let tests = "tests"

    /// The name of the block, and of its sink in routes.
    static let homeAssistant = "home_assistant"

    /// The keys of `defaults`.
    static let defaults = [
        SettingDeclaration(
            name: "source", type: .group(SourceDefaults.settings.declarations), presence: .optional(default: nil),
            summary: "Common keys of all sources"),
        SettingDeclaration(
            name: "sink", type: .group(SinkDefaults.settings.declarations), presence: .optional(default: nil),
            summary: "Common keys of all sinks"),
        SettingDeclaration(
            name: "dead_letter", type: .text("name of a sink"), presence: .optional(default: nil),
            summary: "Sink for events that others give up"),
        SettingDeclaration(
            name: "unrouted", type: .choice(["drop", "dead_letter"]), presence: .optional(default: "drop"),
            summary: "What happens to events that no route takes"),
        SettingDeclaration(
            name: "event", type: .group(EventDeclaration.settings.declarations), presence: .optional(default: nil),
            summary: "Limits of events"),
    ]

    /// The keys of a route.
    static let route = [
        SettingDeclaration(
            name: "name", type: .text(""), presence: .optional(default: "route- and the number"),
            summary: "Name in logs and metrics"),
        SettingDeclaration(
            name: "from", type: .either([.text("name of a source"), .list(.text("name of a source"))]),
            presence: .optional(default: "all sources"), summary: "Sources to take events from"),
        SettingDeclaration(
            name: "match", type: .form(.filter), presence: .optional(default: nil),
            summary: "Conditions that an event must meet"),
        SettingDeclaration(
            name: "when", type: .text("jq expression"), presence: .optional(default: nil),
            summary: "Expression that must be true of an event"),
        SettingDeclaration(
            name: "set", type: .group(Shaping.settings.declarations), presence: .optional(default: nil),
            summary: "Changes to a copy of the event"),
        SettingDeclaration(
            name: "dedupe", type: .group(DedupeDeclaration.settings.declarations), presence: .optional(default: nil),
            summary: "Which events are duplicates"),
        SettingDeclaration(
            name: "replace_key", type: .template, presence: .optional(default: nil),
            summary: "Key by which an event supersedes those that a sink has not got yet"),
        SettingDeclaration(
            name: "changed", type: .group(Changed.settings.declarations), presence: .optional(default: nil),
            summary: "Passes an event only when a value has changed"),
        SettingDeclaration(
            name: "sample", type: .group(Sample.settings.declarations), presence: .optional(default: nil),
            summary: "Passes one event of several"),
        SettingDeclaration(
            name: "throttle", type: .group(Throttle.settings.declarations), presence: .optional(default: nil),
            summary: "Limits how many events pass in a period"),
        SettingDeclaration(
            name: "quiet_hours", type: .group(QuietHours.settings.declarations), presence: .optional(default: nil),
            summary: "Holds, drops or lowers events between two times of day"),
        SettingDeclaration(
            name: "digest", type: .group(Digest.settings.declarations), presence: .optional(default: nil),
            summary: "Makes the events of a window one event"),
        SettingDeclaration(
            name: "expect", type: .group(Expect.settings.declarations), presence: .optional(default: nil),
            summary: "Makes an event when none comes, and when one comes again"),
        SettingDeclaration(
            name: "to",
            type: .either([
                .text("name of a sink"), .group(Self.target), .list(.either([.text("name of a sink"), .group(Self.target)])),
            ]),
            presence: .required, summary: "Sinks that get the events"),
        SettingDeclaration(
            name: "stop", type: .flag, presence: .optional(default: "false"),
            summary: "Whether later routes do not see the events of this one", isLiteral: true),
        SettingDeclaration(
            name: "on_error", type: .choice(Route.OnError.allCases.map(\.rawValue)),
            presence: .optional(default: Route.OnError.deadLetter.rawValue),
            summary: "What happens to an event for which when or set fails"),
    ]

    /// The keys of a target of a route.
    static let target = [
        SettingDeclaration(
            name: "sink", type: .text("name of a sink"), presence: .required, summary: "Sink that gets the events"),
        SettingDeclaration(
            name: "with", type: .form(.overrides), presence: .optional(default: nil),
            summary: "Settings of the sink that this route overrides"),
    ]
}
