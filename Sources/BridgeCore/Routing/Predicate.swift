/// A condition on an event, evaluated natively.
///
/// An absent value matches no operator but `exists: false`, including negative ones; an absent title is the empty text.
indirect enum Predicate: Sendable {
    case source(Set<String>)
    case subject([SubjectPattern])
    case priority(NumberTest)
    case anyTag(Set<FoldedText>)
    case allTags(Set<FoldedText>)
    case noTag(Set<FoldedText>)
    case title(TextTest)
    case message(TextTest)
    case value(EventPath, ValueTest)
    case attribute(String, ValueTest)
    case all([Predicate])
    case any([Predicate])
    case not(Predicate)

    /// One operator on a value of the payload or an attribute.
    indirect enum ValueTest: Sendable {
        case text(TextTest)
        case number(NumberTest)
        /// A plain value in the file: the same text, or the same number where both are numbers.
        case scalar(FoldedText, Double?)
        /// Any of several plain values.
        case oneOf([ValueTest])
        /// Whether there is a value; `null` is none.
        case exists(Bool)
    }

    /// Whether it depends on the message of the event.
    var readsMessage: Bool {
        switch self {
        case .message: true
        case .all(let parts), .any(let parts): parts.contains(where: \.readsMessage)
        case .not(let part): part.readsMessage
        case .source, .subject, .priority, .anyTag, .allTags, .noTag, .title, .value, .attribute: false
        }
    }

    /// - Parameter reader: holds the event.
    func holds(_ reader: EventReader) -> Bool {
        guard let event = reader.event else { return false }
        return self.holds(event, reader)
    }

    private func holds(_ event: Event, _ reader: EventReader) -> Bool {
        switch self {
        case .source(let names): return names.contains(event.source)
        case .subject(let patterns): return patterns.contains { $0.matches(event.subject) }
        case .priority(let test): return event.priority.map { test.holds(Double($0)) } ?? false
        case .anyTag(let tags): return event.tags.contains { tags.contains(FoldedText($0)) }
        case .noTag(let tags): return !event.tags.contains { tags.contains(FoldedText($0)) }
        case .allTags(let tags):
            guard event.tags.count >= tags.count else { return false }
            return tags.isSubset(of: event.tags.map(FoldedText.init))
        case .title(let test): return FoldedText.withFolded(event.title ?? "") { test.holds($0) }
        case .message(let test): return FoldedText.withFolded(event.message) { test.holds($0) }
        case .value(let path, let test): return test.holds(reader.value(at: path))
        case .attribute(let name, let test): return test.holds(event.attributes[name].map { .text($0) } ?? .missing)
        case .all(let parts): return parts.allSatisfy { $0.holds(event, reader) }
        case .any(let parts): return parts.contains { $0.holds(event, reader) }
        case .not(let part): return !part.holds(event, reader)
        }
    }
}

extension Predicate.ValueTest {
    fileprivate func holds(_ value: EventValue) -> Bool {
        if case .exists(let isWanted) = self { return value.isMissing != isWanted }
        guard !value.isMissing else { return false }
        switch self {
        case .exists: return false
        case .oneOf(let tests): return tests.contains { $0.holds(value) }
        case .text(let test): return FoldedText.withFolded(value.text) { test.holds($0) }
        case .number(let test): return value.number.map { test.holds($0) } ?? false
        case .scalar(let text, let number):
            if let number, let own = value.number { return own == number }
            return FoldedText.withFolded(value.text) { text.equals($0) }
        }
    }
}
