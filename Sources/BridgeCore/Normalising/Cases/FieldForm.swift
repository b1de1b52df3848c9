/// The mapping from which a field of a case comes: `from`, `fields`, `join` or `json` with the keys that belong to
/// each.
struct FieldForm: SettingGroup {
    private var from: Template.Part?
    private var member: EventPath?
    private var takesNames = false
    private var cuts: [TextPart] = []
    private var table: FieldTable?
    private var standard: FieldSource?
    private var zone: LocalZone?
    private var fields: EventPath?
    private var only: [FieldSelection.Member]?
    private var except: [String]?
    private var join: [FieldSource]?
    private var separator: String?
    private var json: JSONTemplate?

    static let settings = Settings<Self> {
        Setting("from", \.from, .expression, "Path of the value, or other jq")
        Setting("member", \.member, .memberPath, "Path within each item of a list, such as labels.alertname")
            .needing("from", else: "belongs to from; add from: with the path of the list")
        Setting(
            "names", \.takesNames, .flag.checked { $0 ? nil : "is false, which changes nothing; leave it out" },
            "Whether the names of an object's members count in place of their values"
        )
        .needing("from", else: "belongs to from; add from: with the path of the object")
        .excluding("member", else: "takes names, and member takes values; keep one of the two")
        Setting("part", \.cuts, .parts, "Which part of a text counts: a pattern with {} at its place, such as refs/*/{}")
            .needing("from", else: "belongs to from; add from: with the path of the text")
        Setting("map", \.table, .table, "What each value stands for, in any case").example("{ offline: 4 }")
            .needing("from", else: "has nothing to look up; add from: with the path of the value")
        Setting("default", \.standard, .standard, "What counts for a value that is missing or not in the map").example("2")
            .needing("from", else: "belongs to from; add from: with the path of the value").protecting()
        Setting("zone", \.zone, .zone, "Time zone of times that have none, such as Europe/Berlin; of timestamp only")
            .needing("from", else: "belongs to from; add from: with the path of the time")
        Setting("fields", \.fields, .payloadPath, "Path of an object whose members are written as words").example(".payload")
        Setting("only", \.only, .members, "The members to write, in this order").example("[battery, power]")
            .needing("fields", else: "belongs to fields; add fields: .payload")
            .excluding("except", else: "names what is written already; leave except out")
        Setting(
            "except", \.except, .oneOrMore(of: .text).checked { $0.isEmpty ? "is empty; leave it out" : nil },
            "The members to leave out"
        ).example("[linkquality]")
        Setting("join", \.join, .sources, "Texts to put together; what is missing is left out").example(
            "[{ from: .payload.room }, { from: .payload.name }]")
        Setting("with", \.separator, .text, default: "', '", "Text between the parts of join, or the items of a list").example(
            "': '")
        Setting("json", \.json, .json, "Structure whose texts may be templates; of payload only")
    }

    init() {}

    func validate() throws {
        let forms = [
            ("from", self.from != nil), ("fields", self.fields != nil), ("join", self.join != nil), ("json", self.json != nil),
        ].filter(\.1).map(\.0)
        guard forms.count == 1 else {
            throw SettingError(
                forms.isEmpty
                    ? "needs one of from, fields, join and json"
                    : "has \(forms.joined(separator: " and ")); write only one of them")
        }
        if self.except != nil, self.fields == nil, !self.takesNames {
            throw SettingError(at: "except", because: "belongs to fields; add fields: .payload")
        }
        if self.separator != nil, self.join == nil, self.from == nil {
            throw SettingError(at: "with", because: "belongs to join; add join: with a list of texts")
        }
        guard self.member != nil || self.takesNames else { return }
        guard case .path(let path) = self.from, path.root == .payload else {
            throw SettingError(
                at: self.takesNames ? "names" : "member",
                because: "needs a plain path in the payload; write from: with one such as .payload.alerts")
        }
    }

    /// The source that the mapping describes.
    var source: FieldSource {
        if let from = self.from {
            return .lookup(
                FieldLookup(
                    part: from, table: self.table, standard: self.standard, zone: self.zone, member: self.member?.steps,
                    namesWithout: self.takesNames ? Set(self.except ?? []) : nil, cuts: self.cuts,
                    separator: self.separator ?? ", "))
        }
        if let fields = self.fields {
            let members = (self.only ?? []).map { (paths: $0.paths(in: fields), label: $0.label) }
            return .fields(FieldSelection(path: fields, only: members, except: Set(self.except ?? [])))
        }
        if let json = self.json { return .json(json) }
        return .join(self.join ?? [], separator: self.separator ?? ", ")
    }

    /// Refuses what the field cannot be: the keys and constants of this mapping.
    func check(for field: EventField, at path: [any CodingKey]) throws {
        if self.zone != nil, field != .timestamp {
            throw SettingError(path: path + [SettingKey("zone")], "is for timestamp only; leave it out")
        }
        if case .template(let template) = self.standard, let text = template.constant,
            let problem = field.problem(withConstant: text, hasOthers: true)
        {
            throw SettingError(path: path + [SettingKey("default")], problem)
        }
        for (key, value) in self.table?.written ?? [] {
            guard let text = value.constant, let problem = field.problem(withConstant: text, hasOthers: true) else { continue }
            throw SettingError(path: path + [SettingKey("map"), SettingKey(key)], problem)
        }
    }
}
