/// `match:`, the declarative filter, compiled.
///
/// The keys of one mapping must all hold. `source` and `subject` of the outermost mapping are kept apart, for the route table's
/// index; everything else is the residual condition. Immutable; evaluating it needs a reader per thread.
package struct Matcher: Sendable {
    /// The sources it takes from; `nil` means every one.
    package let sources: Set<String>?
    /// The subjects it takes, one of these; `nil` means every one.
    package let subjects: [SubjectPattern]?
    private let subjectSet: SubjectSet?
    /// What else must hold.
    let residual: Predicate?

    init(sources: Set<String>? = nil, subjects: [SubjectPattern]? = nil, residual: Predicate? = nil) {
        self.sources = sources
        self.subjects = subjects
        self.subjectSet = subjects.map(SubjectSet.init)
        self.residual = residual
    }

    /// Whether the event passes, the parts for the index included.
    ///
    /// - Parameter reader: holds the event.
    package func matches(_ reader: EventReader) -> Bool {
        guard let event = reader.event else { return false }
        if let sources, !sources.contains(event.source) { return false }
        if let subjectSet, !subjectSet.contains(event.subject) { return false }
        return self.residual?.holds(reader) ?? true
    }
}

extension Matcher: Decodable {
    /// - Throws: ``SettingError`` with the path of what cannot be.
    package init(from decoder: any Decoder) throws {
        var sources: Set<String>?
        var subjects: [SubjectPattern]?
        var rest: [Predicate] = []
        for part in try MatcherReader(decoder).parts() {
            switch part {
            case .source(let names): sources = names
            case .subject(let patterns): subjects = patterns
            default: rest.append(part)
            }
        }
        self.init(sources: sources, subjects: subjects, residual: rest.isEmpty ? nil : rest.count == 1 ? rest[0] : .all(rest))
    }
}
