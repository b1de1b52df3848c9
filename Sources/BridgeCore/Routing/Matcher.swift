/// `match:`, the declarative filter, compiled.
///
/// The keys of one mapping must all match. `source` and `subject` of the outermost mapping are separate, for the route
/// table's index; everything else is the residual condition. Immutable; evaluating it needs a reader per thread.
package struct Matcher: Sendable {
    /// The sources that match; `nil` for every source.
    package let sources: Set<String>?
    /// The subjects that match, any of these; `nil` for every subject.
    package let subjects: [SubjectPattern]?
    private let subjectSet: SubjectSet?
    /// The other conditions.
    let residual: Predicate?
    /// Conditions that are valid but can never hold, with their paths.
    package let warnings: [SettingError]

    init(
        sources: Set<String>? = nil, subjects: [SubjectPattern]? = nil, residual: Predicate? = nil, warnings: [SettingError] = []
    ) {
        self.sources = sources
        self.subjects = subjects
        self.subjectSet = subjects.map(SubjectSet.init)
        self.residual = residual
        self.warnings = warnings
    }

    /// Whether the event matches, including source and subject.
    ///
    /// - Parameter reader: holds the event.
    package func matches(_ reader: EventReader) -> Bool {
        guard let event = reader.event else { return false }
        if let sources, !sources.contains(event.source) { return false }
        return self.takes(subject: event.subject) && self.residual?.holds(reader) ?? true
    }

    /// Whether events with this subject can match.
    func takes(subject: String) -> Bool {
        self.subjectSet?.contains(subject) ?? true
    }
}

extension Matcher: Decodable {
    /// - Throws: ``SettingError`` with the path of the mistake.
    package init(from decoder: any Decoder) throws {
        var sources: Set<String>?
        var subjects: [SubjectPattern]?
        var rest: [Predicate] = []
        var reader = try MatcherReader(decoder)
        for part in try reader.parts() {
            switch part {
            case .source(let names): sources = names
            case .subject(let patterns): subjects = patterns
            default: rest.append(part)
            }
        }
        self.init(
            sources: sources, subjects: subjects, residual: rest.isEmpty ? nil : rest.count == 1 ? rest[0] : .all(rest),
            warnings: reader.warnings)
    }
}
