import JSON
package import NIOCore

/// A body of structure, `json:` of a sink: JSON whose texts may be templates.
///
/// The result is valid JSON for every event. A text that is one `{{ … }}` becomes the value itself, with its type;
/// other texts become JSON strings. A member or an item whose value is missing or `null` is left out. Parts of the file
/// without `{{ }}` stay unchanged, including `null`. A mapping such as `{ from: .priority, map: … }` is a ``JSONValue``,
/// `{ when: .title, then: … }` a ``JSONCondition``, and `{ required: "the chat" }` a value that the file must replace.
package struct JSONTemplate: Sendable, Decodable {
    private let root: Node

    private indirect enum Node: Sendable {
        /// JSON that no event can change, and the text of a scalar.
        case constant(String, text: String?)
        case template(Template)
        case value(JSONValue)
        case condition(JSONCondition)
        /// Names are JSON strings.
        case object([(name: String, value: Node)])
        case array([Node])
    }

    /// Makes `null`.
    package init() {
        self.root = .constant("null", text: nil)
    }

    /// Decodes any YAML value; each text in it may be a template.
    ///
    /// - Throws: ``SettingError`` for a mistake in a template, with the path to it.
    package init(from decoder: any Decoder) throws {
        self.root = try Self.node(decoder)
    }

    /// The JSON for the event that the reader holds, on one line.
    ///
    /// - Throws: ``ExpressionError`` of a jq part.
    package func render(_ reader: EventReader) throws -> ByteBuffer {
        var json = ByteBuffer()
        if try !Self.write(self.root, reader, to: &json) { json.writeStaticString("null") }
        return json
    }

    /// The text for the event that the reader holds; empty when there is no value.
    ///
    /// - Throws: ``ExpressionError``.
    func shaped(_ reader: EventReader) throws -> ShapedText {
        switch self.root {
        case .constant(_, let text): return ShapedText(text ?? "")
        case .template(let template): return ShapedText(try template.renderOptional(reader) ?? "")
        case .value(let value): return try value.shaped(reader)
        case .condition(let condition): return try condition.branch(reader)?.shaped(reader) ?? ShapedText()
        case .object, .array: return ShapedText()
        }
    }

    /// Whether it is a text and not a structure, for every event.
    var isText: Bool {
        switch self.root {
        case .constant, .template: true
        case .value(let value): value.mayBeText
        case .condition(let condition): condition.mayBeText
        case .object, .array: false
        }
    }

    /// - Returns: false when there is no value, and nothing was written; a `null` of a table is no value either.
    func write(_ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        if case .constant("null", nil) = self.root { return false }
        return try Self.write(self.root, reader, to: &json)
    }

    /// The templates in it.
    package var templates: [Template] { Self.templates(in: self.root) }

    /// The JSON of its constants and the text of its templates.
    package var texts: [String] { Self.texts(in: self.root) }

    private static func texts(in node: Node) -> [String] {
        switch node {
        case .constant(let json, let text): [text ?? json]
        case .template(let template): [template.text]
        case .value(let value): value.texts
        case .condition(let condition): condition.texts
        case .object(let members): members.flatMap { self.texts(in: $0.value) }
        case .array(let items): items.flatMap { self.texts(in: $0) }
        }
    }

    private static func templates(in node: Node) -> [Template] {
        switch node {
        case .constant: []
        case .template(let template): [template]
        case .value(let value): value.templates
        case .condition(let condition): condition.templates
        case .object(let members): members.flatMap { self.templates(in: $0.value) }
        case .array(let items): items.flatMap { self.templates(in: $0) }
        }
    }

    /// - Returns: false when there is no value, and nothing was written.
    private static func write(_ node: Node, _ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        switch node {
        case .constant(let text, _):
            json.writeString(text)
        case .value(let value):
            return try value.write(reader, to: &json)
        case .condition(let condition):
            return try condition.branch(reader)?.write(reader, to: &json) ?? false
        case .template(let template):
            return try template.writeJSON(reader, to: &json)
        case .object(let members):
            try self.writeList(members, "{", "}", to: &json) { member, json in
                json.writeString(member.name)
                json.writeStaticString(":")
                return try self.write(member.value, reader, to: &json)
            }
        case .array(let items):
            try self.writeList(items, "[", "]", to: &json) { try self.write($0, reader, to: &$1) }
        }
        return true
    }

    private static func writeList<Item>(
        _ items: [Item], _ open: StaticString, _ close: StaticString, to json: inout ByteBuffer,
        _ write: (Item, inout ByteBuffer) throws -> Bool
    ) throws {
        json.writeStaticString(open)
        var isFirst = true
        for item in items {
            let start = json.writerIndex
            if !isFirst { json.writeStaticString(",") }
            if try write(item, &json) { isFirst = false } else { json.moveWriterIndex(to: start) }
        }
        json.writeStaticString(close)
    }

    // MARK: Reading the file

    private static func node(_ decoder: any Decoder) throws -> Node {
        if let container = try? decoder.container(keyedBy: SettingKey.self) {
            if let form = try self.form(container, decoder) { return form }
            return .object(
                try container.allKeys.map { key in
                    (JSONText.string(key.stringValue), try self.node(try container.superDecoder(forKey: key)))
                }
            )
        }
        if var container = try? decoder.unkeyedContainer() {
            var items: [Node] = []
            while !container.isAtEnd { items.append(try self.node(try container.superDecoder())) }
            return .array(items)
        }
        let container = try decoder.singleValueContainer()
        if container.decodeNil() { return .constant("null", text: nil) }
        if let value = try? container.decode(Bool.self) { return .constant("\(value)", text: "\(value)") }
        if let value = try? container.decode(Int.self) { return .constant("\(value)", text: "\(value)") }
        if let value = try? container.decode(Double.self) {
            guard value.isFinite else {
                throw SettingError(path: decoder.codingPath, "JSON has no such number; write it as a text in quotes")
            }
            let text = ExpressionValue.number(value).text
            return .constant(text, text: text)
        }
        let template = try Template(from: decoder)
        return template.constant.map { .constant(JSONText.string($0), text: $0) } ?? .template(template)
    }

    /// What a mapping says that is not itself sent; `nil` for an object.
    private static func form(_ container: KeyedDecodingContainer<SettingKey>, _ decoder: any Decoder) throws -> Node? {
        let keys = Set(container.allKeys.map(\.stringValue))
        func text(_ key: String) -> String? { try? container.decode(String.self, forKey: SettingKey(key)) }
        func isPath(_ key: String) -> Bool { text(key)?.first.map { $0 == "." || $0 == "$" } ?? false }
        if keys.contains("when"), keys.contains("then") || isPath("when") {
            return .condition(try JSONCondition(settings: decoder))
        }
        // Other texts, such as an address, are members of that name.
        if isPath("from") { return .value(try JSONValue(decoder)) }
        if keys.contains("join"), (try? container.nestedUnkeyedContainer(forKey: SettingKey("join"))) != nil {
            // One key more that belongs to it says that the others are mistakes.
            let known = Set(JSONValue.settings.declarations.map(\.name))
            if keys.isSubset(of: known) || keys.intersection(known).count > 1 { return .value(try JSONValue(decoder)) }
        }
        if keys == ["required"], let what = text("required") {
            throw SettingError(path: decoder.codingPath, "has no value; write \(what)")
        }
        return nil
    }
}
