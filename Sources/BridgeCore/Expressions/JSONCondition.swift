/// `{ when: .title, then: …, else: … }` in a structure: a part that depends on whether the event has a value.
struct JSONCondition: SettingGroup {
    private var part = Template.Part.literal("")
    private var then = JSONTemplate()
    private var otherwise: JSONTemplate?

    static let settings = Settings<Self> {
        Setting(required: "when", \.part, .expression, "A path such as .title, or other jq").example(".title")
        Setting(required: "then", \.then, .json, "What is sent if there is such a value that is neither false nor empty").example(
            "'{{ .title }}'")
        Setting("else", \.otherwise, .json, "What is sent if not").example("none")
    }

    init() {}

    /// The part for the event that the reader holds; `nil` when there is none.
    func branch(_ reader: EventReader) throws -> JSONTemplate? {
        try self.holds(reader) ? self.then : self.otherwise
    }

    private func holds(_ reader: EventReader) throws -> Bool {
        if case .expression(let expression) = self.part {
            let value = try reader.value(of: expression, .template)
            return value.isTrue && !value.text.isBlank
        }
        let texts = try FieldLookup(part: self.part, table: nil, standard: nil, zone: nil).texts(reader)
        return !texts.allSatisfy(\.isBlank) && texts != ["false"]
    }

    /// Whether both parts can be parts of a text.
    var mayBeText: Bool { self.then.isText && self.otherwise?.isText != false }

    /// Its templates and its path.
    var templates: [Template] {
        [Template(part: self.part)] + self.then.templates + (self.otherwise?.templates ?? [])
    }

    /// The texts of the file.
    var texts: [String] { self.then.texts + (self.otherwise?.texts ?? []) }
}
