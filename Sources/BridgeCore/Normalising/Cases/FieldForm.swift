/// The mapping from which a field of a case comes: `from`, `fields`, `join` or `json` with the keys that belong to each.
struct FieldForm: SettingGroup {
    private var from: Template.Part?
    private var table: FieldTable?
    private var standard: Template?
    private var zone: LocalZone?
    private var fields: EventPath?
    private var only: [FieldSelection.Member]?
    private var except: [String]?
    private var join: [FieldSource]?
    private var separator: String?
    private var json: JSONTemplate?

    static let settings = Settings<Self> {
        Setting("from", \.from, .expression, "Path of the value, or other jq")
        Setting("map", \.table, .table, "What each value stands for, in any case")
            .needing("from", else: "has nothing to look up; add from: with the path of the value")
        Setting("default", \.standard, .scalar, "What counts for a value that is missing or not in the map")
            .needing("from", else: "belongs to from; add from: with the path of the value").protecting()
        Setting("zone", \.zone, .zone, "Time zone of times that have none, such as Europe/Berlin; of timestamp only")
            .needing("from", else: "belongs to from; add from: with the path of the time")
        Setting("fields", \.fields, .payloadPath, "Path of an object whose members are written as words")
        Setting("only", \.only, .members, "The members to write, in this order")
            .needing("fields", else: "belongs to fields; add fields: .payload")
            .excluding("except", else: "names what is written already; leave except out")
        Setting(
            "except", \.except, .oneOrMore(of: .text).checked { $0.isEmpty ? "is empty; leave it out" : nil },
            "The members to leave out"
        )
        .needing("fields", else: "belongs to fields; add fields: .payload")
        Setting("join", \.join, .sources, "Texts to put together; what is missing is left out")
        Setting("with", \.separator, .text, default: "', '", "Text between the parts of join")
            .needing("join", else: "belongs to join; add join: with a list of texts")
        Setting("json", \.json, .json, "Structure whose texts may be templates; of payload only")
    }

    init() {}

    func validate() throws {
        let forms = [
            ("from", self.from != nil), ("fields", self.fields != nil), ("join", self.join != nil), ("json", self.json != nil),
        ].filter(\.1).map(\.0)
        guard forms.count != 1 else { return }
        throw SettingError(
            forms.isEmpty
                ? "needs one of from, fields, join and json" : "has \(forms.joined(separator: " and ")); write only one of them")
    }

    /// The source that the mapping describes.
    var source: FieldSource {
        if let from = self.from {
            return .lookup(FieldLookup(part: from, table: self.table, standard: self.standard, zone: self.zone))
        }
        if let fields = self.fields {
            let members = (self.only ?? []).map { member in
                FieldSelection.Member(
                    path: EventPath(root: fields.root, steps: fields.steps + member.path.steps), label: member.label)
            }
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
        if let text = self.standard?.constant, let problem = field.problem(withConstant: text, hasOthers: true) {
            throw SettingError(path: path + [SettingKey("default")], problem)
        }
        for (key, value) in self.table?.written ?? [] {
            guard let text = value.constant, let problem = field.problem(withConstant: text, hasOthers: true) else { continue }
            throw SettingError(path: path + [SettingKey("map"), SettingKey(key)], problem)
        }
    }
}
