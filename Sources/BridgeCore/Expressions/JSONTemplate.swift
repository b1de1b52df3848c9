import JSON
package import NIOCore

/// A body of structure, `json:` of a sink: JSON whose texts may be templates.
///
/// The result is valid JSON for every event. A text that is one `{{ … }}` becomes the value itself, with its type;
/// other texts become JSON strings. A member or an item whose value is missing or `null` is left out. Parts of the file
/// without `{{ }}` stay unchanged, including `null`.
package struct JSONTemplate: Sendable, Decodable {
    private let root: Node

    private indirect enum Node: Sendable {
        /// JSON that no event can change.
        case constant(String)
        case template(Template)
        /// Names are JSON strings.
        case object([(name: String, value: Node)])
        case array([Node])
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

    /// The templates in it.
    package var templates: [Template] { Self.templates(in: self.root) }

    /// The JSON of its constants and the text of its templates.
    package var texts: [String] { Self.texts(in: self.root) }

    private static func texts(in node: Node) -> [String] {
        switch node {
        case .constant(let json): [json]
        case .template(let template): [template.text]
        case .object(let members): members.flatMap { self.texts(in: $0.value) }
        case .array(let items): items.flatMap { self.texts(in: $0) }
        }
    }

    private static func templates(in node: Node) -> [Template] {
        switch node {
        case .constant: []
        case .template(let template): [template]
        case .object(let members): members.flatMap { self.templates(in: $0.value) }
        case .array(let items): items.flatMap { self.templates(in: $0) }
        }
    }

    /// - Returns: false when there is no value, and nothing was written.
    private static func write(_ node: Node, _ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        switch node {
        case .constant(let text):
            json.writeString(text)
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
        if container.decodeNil() { return .constant("null") }
        if let value = try? container.decode(Bool.self) { return .constant(value ? "true" : "false") }
        if let value = try? container.decode(Int.self) { return .constant(String(value)) }
        if let value = try? container.decode(Double.self) {
            guard value.isFinite else {
                throw SettingError(path: decoder.codingPath, "JSON has no such number; write it as a text in quotes")
            }
            return .constant(ExpressionValue.number(value).text)
        }
        let template = try Template(from: decoder)
        return template.constant.map { .constant(JSONText.string($0)) } ?? .template(template)
    }
}
