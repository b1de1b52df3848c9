/// A field that a case of `normalise` can set: which forms of a source it takes, and which constants.
enum EventField: String, CaseIterable {
    case title, message, priority, tags, timestamp, id, payload, subject

    /// What is wrong with a constant, and the remedy; `nil` when nothing is.
    ///
    /// - Parameter hasOthers: whether other values are possible, as in a table.
    func problem(withConstant text: String, hasOthers: Bool = false) -> String? {
        if text.allSatisfy(\.isWhitespace) {
            return hasOthers ? nil : "is empty, which changes nothing; write null to remove the field, or leave it out"
        }
        if let path = Self.path(text) {
            return "'\(text)' is a constant text; write '{{ \(path) }}' or { from: '\(path)' } for the value"
        }
        switch self {
        case .title, .message, .tags, .payload, .subject: return nil
        case .priority:
            guard PriorityText.constant(text) ?? SeverityWord(text)?.priority == nil else { return nil }
            return "'\(text)' is not a priority; write \(PriorityText.allowed)"
        case .timestamp:
            guard Timestamp(lenient: text) == nil else { return nil }
            return "'\(text)' is not a time; write { from: .payload.time }"
        case .id:
            return hasOthers
                ? nil
                : "gives every event the same id, so that all but the first count as duplicates; write { from: .payload.id }"
        }
    }

    /// What is wrong with a source for the field, and the remedy; `nil` when nothing is.
    func problem(with source: FieldSource) -> String? {
        switch source {
        case .nothing: nil
        case .template(let template): template.constant.flatMap { self.problem(withConstant: $0) }
        case .lookup(let lookup):
            lookup.zone != nil && self != .timestamp ? "zone is for timestamp only; leave it out" : nil
        case .fields:
            switch self {
            case .priority, .timestamp, .id, .tags:
                "fields writes words such as 'battery: 87', which are no \(self); write { from: .payload.\(self) }"
            default: nil
            }
        case .join:
            self == .priority || self == .timestamp ? "join writes a list of texts, which is no \(self); use from or a text" : nil
        case .list: self == .tags ? nil : "is a list, which only tags take; write { join: [ … ], with: \", \" }"
        case .json: self == .payload ? nil : "json is for payload only; write a text, or { from: … }"
        }
    }

    /// The path that a constant is meant as, such as `.payload.room` or `{ .payload.room }`; text such as `.` or `$5` is none.
    static func path(_ text: String) -> String? {
        var path = text.trimmingSpaces
        if path.first == "{", path.last == "}" { path = String(path.dropFirst().dropLast()).trimmingSpaces }
        guard path.utf8.count > 1, (try? EventPath(expression: path)).flatMap({ $0 }) != nil else { return nil }
        return path
    }
}

extension PriorityText {
    /// A priority that a file or a sender names: a number, or a word for a priority or a level such as `warning` or `firing`.
    static func read(_ text: String) -> Int? {
        self.rendered(text) ?? SeverityWord(text)?.priority
    }
}
