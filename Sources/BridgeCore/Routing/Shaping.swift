import JSON
import NIOCore

/// `set:`, compiled: makes a changed copy of an event.
///
/// Fields that it does not name stay unchanged, and the id, the time and the upstream body always do. Immutable;
/// evaluating it needs a reader per thread.
package struct Shaping: SettingGroup {
    private var title: Template?
    private var message: Template?
    private var subject: Template?
    private var priority: Priority?
    private var tags: Tags?
    private var addedTags: Tags?
    private var payload: Template.Part?

    /// The keys of `set`.
    package static let settings = Settings<Self> {
        Setting("title", \.title, .template, "Title of the event; an empty one removes it").example("'⚠ {{ .title }}'")
        Setting("message", \.message, .template, "Message of the event").example("'{{ .message }}'")
        Setting(
            "subject", \.subject,
            .template.checked {
                $0.constant?.isEmpty == true ? "is empty, which leaves the subject as it is; leave it out" : nil
            },
            "Subject of the event; an empty one changes nothing"
        ).example("'alarms/{{ .payload.room }}'")
        Setting("priority", \.priority, .priority, "Priority of the event, a number or a word").example("high")
        Setting("tags", \.tags, .tags, "Tags that replace those of the event").example("[alarm]")
        Setting("add_tags", \.addedTags, .addedTags, "Tags that are added to those of the event").example("[urgent]")
        Setting("payload", \.payload, .payload, "Payload of the event").example("'{ value: .payload.temp }'")
    }

    /// Makes a shape that changes nothing.
    package init() {}

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

    /// Whether it needs an evaluator.
    var isEvaluated: Bool {
        switch self.payload {
        case .expression(let expression) where expression.evaluator != nil: true
        case .digits(_, let expression) where expression.evaluator != nil: true
        default: self.templates.contains(where: \.isEvaluated)
        }
    }

    /// The expressions to evaluate for the event that the reader holds.
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
            raw: event.raw, kind: event.kind, provenance: event.provenance, limits: limits
        )
    }

    /// The payload that an expression makes; `null` removes the payload.
    static func json(_ part: Template.Part, _ reader: EventReader) throws -> ByteBuffer? {
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
                // jq drops what is nested too deep for it, and its output is then not valid JSON.
                do { try reader.check(payload) } catch { throw ExpressionError("the payload is not JSON: \(error)") }
                return payload
            case let value: return ByteBuffer(string: value.text)
            }
        }
    }
}

extension Shaping.Priority {
    /// Rounded and clamped to 1…5; `nil` when the result is neither a number nor a word for a priority.
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
    /// - Throws: ``SettingError`` with the path of the mistake.
    package init(from decoder: any Decoder) throws {
        let known = Self.settings.declarations.map(\.name).joined(separator: ", ")
        guard let container = try? decoder.container(keyedBy: SettingKey.self) else {
            throw SettingError(path: decoder.codingPath, "set is a mapping with keys of \(known)")
        }
        guard !container.allKeys.isEmpty else {
            throw SettingError(path: decoder.codingPath, "set needs a key; use one of \(known)")
        }
        try self.init(settings: decoder)
    }
}

extension SettingCodec where Value == Template.Part {
    /// A jq expression.
    fileprivate static var payload: Self {
        Self(.text("jq expression")) { decoder in
            guard let text = try? decoder.singleValueContainer().decode(String.self) else {
                throw SettingError(
                    path: decoder.codingPath, "payload must be a jq expression, such as '{value: .payload.temp}'")
            }
            do throws(ExpressionError) {
                let compiler = decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler
                return try TemplateParser.part(text, line: 1, compiler: compiler, shownAs: text)
            } catch {
                throw SettingError(path: decoder.codingPath, error.message)
            }
        }
    }
}

extension SettingCodec where Value == Shaping.Priority {
    /// A number, a word for one, or a template that renders either.
    fileprivate static var priority: Self {
        Self(.either([.integer(1...5), .template])) { decoder in
            let container = try decoder.singleValueContainer()
            if (try? container.decode(Int.self)) != nil {
                return .fixed(try SettingCodec<Int>.integer(in: 1...5).read(decoder))
            }
            let template = try container.decode(Template.self)
            guard let text = template.constant else { return .template(template) }
            guard let number = PriorityText.constant(text) else {
                throw SettingError(path: decoder.codingPath, "'\(text)' is not a priority; write \(PriorityText.allowed)")
            }
            return .fixed(number)
        }
    }
}

extension SettingCodec where Value == Shaping.Tags {
    /// A list of tags, or one text with commas between them.
    fileprivate static var tags: Self {
        Self(.either([.template, .list(.template)])) { decoder in
            guard (try? decoder.unkeyedContainer()) == nil else {
                let tags = try SettingCodec<[Template]>.list(of: .template).read(decoder)
                if let index = tags.firstIndex(where: { $0.constant?.allSatisfy(\.isWhitespace) == true }) {
                    throw SettingError(
                        path: decoder.codingPath + [SettingKey(index)], "is empty, which is not a tag; leave it out")
                }
                return .each(tags)
            }
            try decoder.refuseNumber(meaning: "a tag")
            return .list(try decoder.singleValueContainer().decode(Template.self))
        }
    }

    /// The same; tags that add nothing are refused.
    fileprivate static var addedTags: Self {
        Self.tags.checked { tags in
            switch tags {
            case .each(let tags): tags.isEmpty ? "is an empty list, which adds nothing; leave it out" : nil
            case .list(let list):
                list.constant?.allSatisfy { $0.isWhitespace || $0 == "," } == true
                    ? "is empty, which adds nothing; leave it out" : nil
            }
        }
    }
}
