/// What the name of a JSON object says about the fields in it.
///
/// Names count as in ``FieldRole``; a name that is not listed is ``other``.
enum FieldScope {
    /// What the message is about, or a wrapper of the message: its fields count nearly as much as those around it.
    ///
    /// The number is its rank among the usual names for the subject of a message, from 0.
    case subject(Int)
    /// A repository or project, whose name goes in front of the title.
    case place
    /// A level with a name of its own, such as Jira's `priority: { name: High }`.
    case level
    /// The author or cause, such as a person or a commit: a name in it is not a title.
    case cause
    /// The previous state, or data about the sender: nothing in it counts.
    case ignored
    /// A numbered component of a device, such as `smoke:0`.
    case component
    /// Anything else.
    case other

    /// Names that usually hold what a message is about, the best first.
    private static let subjects = [
        "newstate", "after", "issue", "pullrequest", "mergerequest", "data", "event", "submission", "object", "payload",
        "formresponse",
        "objectattributes", "alert", "incident", "monitor", "heartbeat", "check", "workflowrun", "workflowjob", "release",
        "comment",
        "review", "commonannotations", "annotations", "commonlabels", "params", "device", "series", "movie", "metadata",
        "attributes", "build", "job", "workflow", "pipeline", "fields", "embeds", "attachments", "alerts", "events",
    ]
    /// By the hash of the folded name.
    private static let table: [UInt64: FieldScope] = {
        var table: [UInt64: FieldScope] = [:]
        func add(_ name: String, _ scope: FieldScope) { table[FieldRole.folded(Array(name.utf8).span)] = scope }
        for (place, name) in FieldScope.subjects.enumerated() { add(name, .subject(place)) }
        for name in ["repository", "project", "repo"] { add(name, .place) }
        for name in [
            "user", "sender", "author", "actor", "owner", "pusher", "creator", "assignee", "committer", "account", "customer",
            "member",
            "person", "organization", "organisation", "enterprise", "team", "from", "reporter", "requester", "commit", "commits",
            "headcommit", "status", "issuetype", "resolution", "type", "category", "lineitems", "items", "products", "lines",
        ] {
            add(name, .cause)
        }
        for name in ["priority", "severity", "level"] { add(name, .level) }
        for name in [
            "before", "oldstate", "previous", "old", "changes", "context", "installation", "config", "settings", "license",
            "cmps",
            "components", "options", "webhook", "headers", "servicedata", "extensions", "availability",
        ] {
            add(name, .ignored)
        }
        return table
    }()

    /// Whether the fields in it count at all.
    var counts: Bool {
        if case .ignored = self { return false }
        return true
    }

    /// The additional distance of its fields, compared with those of the object around it.
    var distance: Int {
        switch self {
        case .subject(let place): 1000 + place * 20
        case .component: 100
        case .place: 2000
        case .other: 3000
        case .cause, .level: 4000
        case .ignored: 9000
        }
    }

    /// Whether a name ends in a colon and a number.
    private static func isNumbered(_ name: Span<UInt8>) -> Bool {
        var place = name.count
        while place > 0, (0x30...0x39).contains(name[place - 1]) { place -= 1 }
        return place > 1 && place < name.count && name[place - 1] == UInt8(ascii: ":")
    }

    /// The scope with this name.
    ///
    /// - Parameter name: as the sender writes it, in UTF-8.
    static func named(_ name: Span<UInt8>) -> FieldScope {
        guard name.count <= 40 else { return .other }
        return self.table[FieldRole.folded(name)] ?? (self.isNumbered(name) ? .component : .other)
    }
}
