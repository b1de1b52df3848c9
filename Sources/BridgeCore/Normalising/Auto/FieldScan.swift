import JSON

/// The fields of a vendor's JSON object that say what it is about, found in one pass over at most ``limit`` members.
///
/// Of the fields with one role, the one with the least distance wins: first by the object that it is in (``FieldScope``), then by its
/// name (``FieldRole``). The elements are valid as long as the parser's document.
struct FieldScan {
    /// How many members are examined.
    static let limit = 1000
    /// How many levels of objects are examined.
    static let levels = 5

    /// The text that names the thing.
    private(set) var title: String?
    /// The text that says what happened.
    private(set) var message: String?
    /// The repository or project.
    private(set) var place: String?
    private(set) var action: String?
    private(set) var kind: String?
    private(set) var timestamp: Timestamp?
    /// The priority of a level, a state or a hazard.
    var priority: Int? { self.severity.priority(hasMessage: self.message != nil) }
    /// A state with a priority that belongs in the title, such as `down`.
    var state: String? { self.severity.state }
    private(set) var tags: [String] = []
    private var summary: String?

    /// Whether nothing was found that a reader could use.
    var isEmpty: Bool {
        self.title == nil && self.message == nil && self.timestamp == nil && self.kind == nil && self.priority == nil
    }
    private var severity = Severity()
    private var visited = 0
    private var objects = 0
    private var titlePlace = Place()
    private var messagePlace = Place()
    private var kindPlace = Place()
    private var timePlace = Place()

    /// Where a field is.
    ///
    /// The nearest counts; of fields with the same name in one object, the last.
    private struct Place {
        var distance = Int.max
        var object = 0

        /// Moves to another place if it is nearer.
        ///
        /// - Returns: false, without an effect, if it is not.
        mutating func take(_ distance: Int, in object: Int) -> Bool {
            guard distance < self.distance || distance == self.distance && object == self.object else { return false }
            (self.distance, self.object) = (distance, object)
            return true
        }
    }

    /// - Parameter root: an object.
    init(_ root: JSONElement) {
        self.scan(root, distance: 0, levels: Self.levels, isCause: false)
        if let priority = root["priority"] { self.severity.take(priority: priority) }
        // Beside a longer text, a summary is the title: an issue of Jira.
        if self.title == nil, let summary, summary != self.message { self.title = summary }
        // Graylog's GELF and the journal of systemd number their levels as syslog does.
        if self.severity.hasSyslogLevel, root["short_message"] != nil || root["PRIORITY"] != nil {
            self.severity.takeSyslogLevel()
        }
    }

    private mutating func scan(_ object: JSONElement, distance: Int, levels: Int, isCause: Bool) {
        // A reference of PagerDuty names something else.
        if distance > 0, object["type"]?.string?.hasSuffix("_reference") == true { return }
        self.objects += 1
        let number = self.objects
        object.whileMembers { name, value in
            self.visited += 1
            guard self.visited <= Self.limit else { return false }
            switch value.kind {
            case .object:
                guard levels > 1 else { return true }
                self.scan(scope: name, value, distance: distance, levels: levels, isCause: isCause)
            case .array:
                guard levels > 1, let first = value[0] else { return true }
                if distance == 0, FieldRole.match(name)?.role == .tags {
                    self.tags += JSONFields.labels(value)
                } else if first.string != nil, let match = FieldRole.match(name), match.role == .hazard, match.rank > 0 {
                    // A list of problems, such as `errors: [overtemp]`.
                    self.severity.set(4, distance: distance)
                } else if first.kind == .object {
                    self.scan(scope: name, first, distance: distance + 10, levels: levels, isCause: isCause)
                }
            case .null: break
            default:
                guard let match = FieldRole.match(name) else {
                    self.take(unknown: value, name, distance: distance)
                    return true
                }
                self.take(value, match, distance: distance + match.rank, in: number, isRoot: distance == 0, isCause: isCause)
            }
            return true
        }
    }

    /// A value whose name has no role by itself, but may end with the name of a danger or of a state.
    private mutating func take(unknown value: JSONElement, _ name: Span<UInt8>, distance: Int) {
        if value.bool == true {
            if let priority = FieldRole.hazard(name) { self.severity.set(priority, distance: distance) }
        } else if value.kind == .string, FieldRole.isPartialState(name) {
            self.severity.take(partialState: value, distance: distance + 50)
        }
    }

    /// What an `error` says when there is none.
    private static let denials: Set<String> = ["none", "no", "ok", "no error", "null", "false", "0", "success"]

    private mutating func scan(scope name: Span<UInt8>, _ value: JSONElement, distance: Int, levels: Int, isCause: Bool) {
        let scope = FieldScope.named(name)
        guard scope.counts, !SecretName.matches(name) else { return }
        switch scope {
        case .place:
            if self.place == nil { self.place = Self.place(value) }
            return
        case .level:
            if let name = value["name"] ?? value["summary"] { self.severity.take(level: name, distance: distance) }
        case .cause: self.scan(value, distance: distance + scope.distance, levels: levels - 1, isCause: true)
        default: self.scan(value, distance: distance + scope.distance, levels: levels - 1, isCause: isCause)
        }
    }

    private mutating func take(
        _ value: JSONElement, _ match: FieldRole.Match, distance: Int, in object: Int, isRoot: Bool, isCause: Bool
    ) {
        switch match.role {
        case .title:
            // The name of a host or an entity is the title only if there is no other.
            let distance = match.rank < FieldRole.weakTitle ? distance : distance + 10_000
            guard !isCause, let text = Self.words(value), self.titlePlace.take(distance, in: object) else { return }
            self.title = text
        case .message:
            guard let text = Self.words(value) else { return }
            if match.rank == FieldRole.error {
                // `error: "no error"` says nothing about the values beside it.
                guard !Self.denials.contains(text.lowercased()) else { return }
                self.severity.set(4, distance: isRoot ? 0 : distance)
            }
            if match.rank == FieldRole.summary, !isCause, self.summary == nil { self.summary = text }
            guard self.messagePlace.take(distance, in: object) else { return }
            self.message = text
        case .level: self.severity.take(level: value, distance: distance)
        case .state: self.severity.take(state: value, distance: distance)
        case .hazard: if value.bool == true { self.severity.set(match.rank == 0 ? 5 : 4, distance: distance) }
        case .time:
            guard !isCause, let time = JSONFields.time(value), self.timePlace.take(distance, in: object) else { return }
            self.timestamp = time
        case .action: if isRoot { self.action = Self.label(value) }
        case .kind:
            guard distance < 3000, let label = Self.label(value), self.kindPlace.take(distance, in: object) else { return }
            self.kind = label
        case .tags:
            guard isRoot, let list = value.string else { return }
            self.tags +=
                list.utf8.contains(UInt8(ascii: ",")) ? JSONFields.tags(list) : list.split(separator: " ").map(String.init)
        }
    }

    /// The kind of the message, if it is an event's name at the top level and the title comes from a nested object:
    /// `Grab` of `Grab: Harbour`.
    var event: String? {
        guard self.titlePlace.distance >= 1000, let kind = self.kind else { return nil }
        // `type` names an event where it has parts, such as `deployment.error`.
        return self.kindPlace.distance < 2 || self.kindPlace.distance < 6 && kind.contains(".") ? kind : nil
    }

    /// Readable text: not empty, and neither a URL, JSON nor base64.
    private static func words(_ value: JSONElement) -> String? {
        guard let text = value.string, let first = text.utf8.first(where: { $0 > 0x20 }) else { return nil }
        guard first != UInt8(ascii: "{"), !text.hasPrefix("http://"), !text.hasPrefix("https://") else { return nil }
        guard text.utf8.count < 64 || text.utf8.prefix(200).contains(where: { $0 == 0x20 || $0 > 0x7F || $0 == 0x0A }) else {
            return nil
        }
        return text.utf8.last.map { $0 > 0x20 } == true && first == text.utf8.first ? text : String(text[...].trimmedLines)
    }

    /// A short text on one line that is more than a number.
    private static func label(_ value: JSONElement) -> String? {
        guard let text = value.string, (1...80).contains(text.utf8.count), !text.utf8.contains(0x0A),
            !text.utf8.allSatisfy({ (0x30...0x39).contains($0) })
        else { return nil }
        return text
    }

    private static func place(_ object: JSONElement) -> String? {
        for name in ["full_name", "path_with_namespace", "fullName", "name", "slug"] {
            if let text = JSONFields.text(object[name]) { return text }
        }
        return nil
    }
}
