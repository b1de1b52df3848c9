/// One of the `cases` of `normalise`: which messages it is for, and what becomes of them.
struct NormaliseCase: SettingGroup {
    /// `nil` for every message.
    private(set) var match: Matcher?
    /// Whether the message is no event.
    private(set) var isDropped = false
    private(set) var fields: CaseFields?

    /// The keys of a case.
    static let settings = Settings<Self> {
        Setting(
            "match", \.match, .filter, default: "all messages", "Conditions that a message must meet"
        )
        Setting(
            "drop", \.isDropped,
            .flag.checked { $0 ? nil : "is false, which changes nothing; leave it out" }, "Whether the message is no event"
        ).example("true")
        Setting("set", \.fields, .group, "Fields of the event; the others are read automatically")
            .excluding("drop", else: "sets fields of what drop makes no event; keep one of the two")
    }

    init() {}

    func validate() throws {
        guard self.isDropped || self.fields != nil else {
            throw SettingError("does nothing; add set: with fields, or drop: true")
        }
        if self.match?.sources != nil {
            throw SettingError(at: "match", "source", because: "is the source itself here; leave it out")
        }
    }

    /// The parts of all templates and paths.
    var parts: [Template.Part] { self.fields?.parts ?? [] }
}
