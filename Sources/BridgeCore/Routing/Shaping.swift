import JSON
import NIOCore

/// `set:`, compiled: makes a changed copy of an event.
///
/// What it does not name stays; the id, the time and the upstream body stay in any case. Immutable; evaluating it needs a reader
/// per thread.
package struct Shaping: Sendable {
    private let title: Template?
    private let message: Template?
    private let subject: Template?
    private let priority: Priority?
    private let tags: Tags?
    private let addedTags: Tags?
    private let payload: Template.Part?

    /// A number, or what renders one.
    fileprivate enum Priority: Sendable {
        case fixed(Int)
        case template(Template)
    }

    /// One template per tag, or one template with a comma list or a JSON array.
    fileprivate enum Tags: Sendable {
        case each([Template])
        case list(Template)
    }

    private var templates: [Template] {
        var templates = [self.title, self.message, self.subject].compactMap { $0 }
        if case .template(let template)? = self.priority { templates.append(template) }
        for tags in [self.tags, self.addedTags] {
            switch tags {
            case .each(let list): templates += list
            case .list(let template): templates.append(template)
            case nil: break
            }
        }
        return templates
    }

    /// Whether an evaluator is asked for it.
    var isEvaluated: Bool {
        switch self.payload {
        case .expression(let expression) where expression.evaluator != nil: true
        case .digits(_, let expression) where expression.evaluator != nil: true
        default: self.templates.contains(where: \.isEvaluated)
        }
    }

    /// The expressions that it has evaluated for the event that the reader holds.
    func expressions(for reader: EventReader) -> [any Expression] {
        var expressions = self.templates.flatMap { $0.expressions(for: reader) }
        if let expression = self.payload?.expression(for: reader) { expressions.append(expression) }
        return expressions
    }

    /// Makes the changed copy.
    ///
    /// - Parameter reader: holds the event.
    /// - Throws: ``ExpressionError`` when an expression fails, or yields nothing where JSON must be.
    func apply(to event: Event, reader: EventReader, limits: EventLimits) throws -> Event {
        var title = event.title
        if let template = self.title {
            let text = try template.render(reader)
            title = text.isEmpty ? nil : text
        }
        var priority = event.priority
        if let setting = self.priority { priority = try setting.value(reader) }
        var payload = event.payload
        if let part = self.payload { payload = try Self.json(part, reader) }
        var tags = event.tags
        if let setting = self.tags { tags = try setting.values(reader) }
        for tag in try self.addedTags?.values(reader) ?? [] where !tags.contains(tag) { tags.append(tag) }
        var subject = event.subject
        if let template = self.subject {
            let text = try template.render(reader)
            if !text.isEmpty { subject = SafeText.line(text) }
        }
        return Event(
            id: event.id, title: title, message: try self.message?.render(reader) ?? event.message, priority: priority,
            tags: tags,
            timestamp: event.timestamp, payload: payload, source: event.source, subject: subject, attributes: event.attributes,
            raw: event.raw, kind: event.kind, passage: event.passage, limits: limits
        )
    }

    /// The payload that an expression makes; `null` takes the payload away.
    private static func json(_ part: Template.Part, _ reader: EventReader) throws -> ByteBuffer? {
        switch part {
        case .literal(let text): return ByteBuffer(string: JSONText.string(text))
        case .path(let path):
            switch reader.value(at: path) {
            case .missing: return nil
            case .text(let text): return ByteBuffer(string: JSONText.string(text))
            case .json(let element) where element.kind == .string:
                return ByteBuffer(string: JSONText.string(element.string ?? ""))
            case let value: return ByteBuffer(string: value.text)
            }
        case .digits(let path, let expression):
            if let digits = reader.digits(at: path) { return ByteBuffer(string: JSONText.string(digits)) }
            return try Self.json(.expression(expression), reader)
        case .expression(let expression):
            switch try reader.value(of: expression, .template) {
            case .none: throw ExpressionError("the expression of the payload has no result")
            case .null: return nil
            case .string(let text): return ByteBuffer(string: JSONText.string(text))
            case .json(let text):
                let payload = ByteBuffer(string: text)
                // jq leaves out what is nested too deep for it, and what it writes instead is no JSON.
                do { try reader.check(payload) } catch { throw ExpressionError("the payload is no JSON: \(error)") }
                return payload
            case let value: return ByteBuffer(string: value.text)
            }
        }
    }
}

extension Shaping.Priority {
    /// Rounded and clamped to 1…5; absent when what is rendered is neither a number nor a word for a priority.
    fileprivate func value(_ reader: EventReader) throws -> Int? {
        switch self {
        case .fixed(let number): return number
        case .template(let template):
            return PriorityText.rendered(try template.render(reader))
        }
    }
}

extension Shaping.Tags {
    fileprivate func values(_ reader: EventReader) throws -> [String] {
        switch self {
        case .each(let templates): return try templates.map { Self.trimmed(try $0.render(reader)[...]) }.filter { !$0.isEmpty }
        case .list(let template):
            let text = try template.render(reader)
            return JSONFields.array(text) ?? text.split(separator: ",").map(Self.trimmed).filter { !$0.isEmpty }
        }
    }

    private static func trimmed(_ text: Substring) -> String {
        let rest = text.drop { $0.isWhitespace }
        return String(rest[..<(rest.lastIndex { !$0.isWhitespace }.map { rest.index(after: $0) } ?? rest.endIndex)])
    }
}

extension Shaping: Decodable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case title, message, subject, priority, tags, addTags = "add_tags", payload
    }

    /// - Throws: ``SettingError`` with the path of what cannot be.
    package init(from decoder: any Decoder) throws {
        let known = CodingKeys.allCases.map(\.rawValue).joined(separator: ", ")
        guard let all = try? decoder.container(keyedBy: SettingKey.self) else {
            throw SettingError(path: decoder.codingPath, "set is a mapping with keys of \(known)")
        }
        for key in all.allKeys where CodingKeys(rawValue: key.stringValue) == nil {
            throw SettingError(path: decoder.codingPath + [key], "set has no key '\(key.stringValue)'; there are \(known)")
        }
        guard !all.allKeys.isEmpty else { throw SettingError(path: decoder.codingPath, "set needs a key; there are \(known)") }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.title = try container.decodeIfPresent(Template.self, forKey: .title)
        self.message = try container.decodeIfPresent(Template.self, forKey: .message)
        self.subject = try container.decodeIfPresent(Template.self, forKey: .subject)
        if self.subject?.constant?.isEmpty == true {
            throw SettingError(
                path: container.codingPath + [CodingKeys.subject], "is empty, which leaves the subject as it is; leave it out")
        }
        self.priority = try container.contains(.priority) ? Priority(container, .priority) : nil
        self.tags = try container.contains(.tags) ? Tags(container, .tags) : nil
        self.addedTags = try container.contains(.addTags) ? Tags(container, .addTags) : nil
        self.payload = try container.contains(.payload) ? Self.payload(container, decoder) : nil
    }

    private static func payload(_ container: KeyedDecodingContainer<CodingKeys>, _ decoder: any Decoder) throws -> Template.Part {
        let path = decoder.codingPath + [CodingKeys.payload]
        guard let text = try? container.decode(String.self, forKey: .payload) else {
            throw SettingError(path: path, "the payload is made by a jq expression, such as '{value: .payload.temp}'")
        }
        do {
            let compiler = decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler
            return try TemplateParser.part(text, line: 1, compiler: compiler, shownAs: text)
        } catch {
            throw SettingError(path: path, error.message)
        }
    }
}

extension Shaping.Priority {
    fileprivate init(_ container: KeyedDecodingContainer<Shaping.CodingKeys>, _ key: Shaping.CodingKeys) throws {
        let number = try? container.decode(Int.self, forKey: key)
        if let number {
            guard (1...5).contains(number) else {
                throw SettingError(path: container.codingPath + [key], "\(number) is out of range; 1 to 5 is allowed")
            }
            self = .fixed(number)
            return
        }
        let template = try container.decode(Template.self, forKey: key)
        guard let text = template.constant else {
            self = .template(template)
            return
        }
        guard let number = PriorityText.constant(text) else {
            throw SettingError(
                path: container.codingPath + [key], "'\(text)' is not a priority; write \(PriorityText.allowed)")
        }
        self = .fixed(number)
    }
}

extension Shaping.Tags {
    fileprivate init(_ container: KeyedDecodingContainer<Shaping.CodingKeys>, _ key: Shaping.CodingKeys) throws {
        if (try? container.nestedUnkeyedContainer(forKey: key)) != nil {
            let tags = try container.decode([Template].self, forKey: key)
            guard key == .tags || !tags.isEmpty else {
                throw SettingError(path: container.codingPath + [key], "is an empty list, which adds nothing; leave it out")
            }
            if let index = tags.firstIndex(where: { $0.constant?.allSatisfy(\.isWhitespace) == true }) {
                throw SettingError(
                    path: container.codingPath + [key, SettingKey(index)], "is empty, which is no tag; leave it out")
            }
            self = .each(tags)
        } else {
            try container.refuseNumber(key, meaning: "a tag")
            let list = try container.decode(Template.self, forKey: key)
            if key != .tags, list.constant?.allSatisfy({ $0.isWhitespace || $0 == "," }) == true {
                throw SettingError(path: container.codingPath + [key], "is empty, which adds nothing; leave it out")
            }
            self = .list(list)
        }
    }
}
