import NIOCore

/// A condition that does not hold for an event, in words.
package struct FailedCondition: Sendable, Equatable {
    /// The condition in the notation of the file, such as `payload.battery: { lt: 20 }`.
    package let condition: String
    /// What the event has there, as JSON; `nil` for a condition on several values.
    package let value: String?
}

extension Matcher {
    /// The first condition that does not hold for the event that the reader holds; `nil` when it matches.
    package func failure(_ reader: EventReader) -> FailedCondition? {
        guard let event = reader.event, !self.matches(reader) else { return nil }
        if let sources, !sources.contains(event.source) { return Predicate.source(sources).failure(reader) }
        if let subjects, !subjects.contains(where: { $0.matches(event.subject) }) {
            return Predicate.subject(subjects).failure(reader)
        }
        return self.residual?.failure(reader)
    }
}

extension Predicate {
    /// The first part that does not hold; `nil` when all of it holds.
    func failure(_ reader: EventReader) -> FailedCondition? {
        guard !self.holds(reader) else { return nil }
        switch self {
        case .all(let parts): return parts.lazy.compactMap { $0.failure(reader) }.first
        case .any(let parts):
            // One filter of the list is enough, so that each is a reason.
            let reasons = parts.compactMap { $0.failure(reader) }
            guard reasons.count > 1 else { return reasons.first }
            let shown = reasons.prefix(4).map { "\($0.condition)\($0.value.map { " (the event has \($0))" } ?? "")" }
            let more = reasons.count > shown.count ? ", and \(reasons.count - shown.count) more" : ""
            return FailedCondition(condition: "any of \(shown.joined(separator: ", "))\(more)", value: nil)
        default: return FailedCondition(condition: self.text, value: self.value(reader))
        }
    }

    /// The condition in the notation of the file.
    var text: String {
        switch self {
        case .source(let names): "source: \(JSONText.array(names.sorted()))"
        case .subject(let patterns):
            patterns.count == 1
                ? "subject: \(JSONText.string(patterns[0].text))" : "subject: \(JSONText.array(patterns.map(\.text)))"
        case .priority(let test): "priority: \(test.text)"
        case .anyTag(let tags): "tags: { any: \(Self.list(tags)) }"
        case .allTags(let tags): "tags: { all: \(Self.list(tags)) }"
        case .noTag(let tags): "tags: { none: \(Self.list(tags)) }"
        case .title(let test): "title: \(test.text)"
        case .message(let test): "message: \(test.text)"
        case .value(let path, let test): "\(path.text.dropFirst()): \(test.text)"
        case .attribute(let name, let test): "attributes.\(name): \(test.text)"
        case .all(let parts): "all: [\(parts.map { "{ \($0.text) }" }.joined(separator: ", "))]"
        case .any(let parts): "any: [\(parts.map { "{ \($0.text) }" }.joined(separator: ", "))]"
        case .not(let part): "not: { \(part.text) }"
        }
    }

    private static func list(_ tags: Set<FoldedText>) -> String {
        JSONText.array(tags.map(\.text).sorted())
    }

    /// What the event has where the condition looks.
    private func value(_ reader: EventReader) -> String? {
        guard let event = reader.event else { return nil }
        let value: PlainValue? =
            switch self {
            case .source: .text(event.source)
            case .subject: .text(event.subject)
            case .priority: event.priority.map { .number("\($0)") } ?? .null
            case .anyTag, .allTags, .noTag: .list(event.tags.map { .text($0) })
            case .title: event.title.map { .text($0) } ?? .null
            case .message: .text(event.message)
            case .value(let path, _): PlainValue(reader.value(at: path))
            case .attribute(let name, _): event.attributes[name].map { .text($0) } ?? .null
            case .all, .any, .not: nil
            }
        return value.map { String(buffer: $0.json) }
    }
}

extension Predicate.ValueTest {
    fileprivate var text: String {
        switch self {
        case .text(let test): test.text
        case .number(let test): test.text
        case .scalar(let text, let number): number.map { $0.setting } ?? JSONText.string(text.text)
        case .oneOf(let tests): "[\(tests.map(\.text).joined(separator: ", "))]"
        case .exists(let isWanted): "{ exists: \(isWanted) }"
        }
    }
}

extension NumberTest {
    fileprivate var text: String {
        switch self {
        case .equal(let number): number.setting
        case .notEqual(let number): "{ ne: \(number.setting) }"
        case .greater(let number): "{ gt: \(number.setting) }"
        case .greaterOrEqual(let number): "{ gte: \(number.setting) }"
        case .less(let number): "{ lt: \(number.setting) }"
        case .lessOrEqual(let number): "{ lte: \(number.setting) }"
        case .between(let range): "{ between: [\(range.lowerBound.setting), \(range.upperBound.setting)] }"
        case .oneOf(let numbers): "[\(numbers.map(\.setting).joined(separator: ", "))]"
        }
    }
}

extension TextTest {
    fileprivate var text: String {
        switch self {
        case .equals(let text): JSONText.string(text.text)
        case .oneOf(let texts): JSONText.array(texts.map(\.text))
        case .notEquals(let text): "{ not_equals: \(JSONText.string(text.text)) }"
        case .contains(let search): "{ contains: \(JSONText.string(search.text)) }"
        case .notContains(let search): "{ not_contains: \(JSONText.string(search.text)) }"
        case .startsWith(let text): "{ starts_with: \(JSONText.string(text.text)) }"
        case .regex(let expression): "{ regex: \(JSONText.string(expression.text)) }"
        }
    }
}

extension FoldedText {
    fileprivate var text: String { String(decoding: self.bytes, as: UTF8.self) }
}
