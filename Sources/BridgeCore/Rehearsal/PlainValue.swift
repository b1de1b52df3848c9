package import JSON
package import NIOCore

/// A value of JSON or YAML that tests compare and people read.
package indirect enum PlainValue: Sendable {
    case null
    case flag(Bool)
    /// A number, as it is written.
    case number(String)
    case text(String)
    case list([PlainValue])
    /// Members in order.
    case object([(name: String, value: PlainValue)])
    /// The bytes of a body: JSON, a text or anything else.
    case body(ByteBuffer)
    /// A text that is compared and never shown.
    case secret(String)

    /// The value of a part of a parsed document.
    package init(_ element: JSONElement) {
        switch element.kind {
        case .null: self = .null
        case .bool: self = .flag(element.bool == true)
        case .integer, .unsigned, .double: self = .number(element.text())
        case .string: self = .text(element.string ?? "")
        case .array:
            var items: [PlainValue] = []
            element.forEachItem { items.append(PlainValue($0)) }
            self = .list(items)
        case .object:
            var members: [(name: String, value: PlainValue)] = []
            element.forEachMember { name, value in
                // The last of several members of one name counts.
                members.removeAll { $0.name == name }
                members.append((name, PlainValue(value)))
            }
            self = .object(members)
        }
    }

    /// The value of JSON text; `nil` for bytes that are not JSON.
    package init?(json bytes: ByteBuffer) {
        let parser = JSONParser()
        // An element is valid only as long as the parser.
        let value = withExtendedLifetime(parser) { (try? parser.parse(bytes)).map { PlainValue($0) } }
        guard let value else { return nil }
        self = value
    }

    /// The member of a name; `nil` when there is none or the value is no object.
    package subscript(name: String) -> PlainValue? {
        guard case .object(let members) = self.read else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The value itself, or what the bytes of a body say: an object or a list where they are JSON, else a text.
    ///
    /// Bytes that are no text are in base64, after `base64:`.
    package var read: PlainValue {
        guard case .body(let bytes) = self else { return self }
        let first = bytes.readableBytesView.first { $0 > 0x20 }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "["), let value = PlainValue(json: bytes) { return value }
        return .text(self.text ?? "")
    }

    /// The characters of a text or a body; `nil` for other values.
    package var text: String? {
        switch self {
        case .text(let text), .secret(let text): text
        case .body(let bytes): bytes.isValidUTF8 ? String(buffer: bytes) : Self.base64(bytes)
        case .null, .flag, .number, .list, .object: nil
        }
    }

    private static func base64(_ bytes: ByteBuffer) -> String {
        var text = ByteBuffer(string: "base64:")
        Base64.writeQuoted(bytes, to: &text)
        return String(buffer: text).replacing("\"", with: "")
    }

    /// Whether the value has parts.
    package var isStructure: Bool {
        switch self {
        case .list, .object: true
        case .null, .flag, .number, .text, .body, .secret: false
        }
    }

    /// The value as JSON on one line, with `***` in place of secrets.
    package var json: ByteBuffer {
        var json = ByteBuffer()
        self.write(to: &json)
        return json
    }

    private func write(to json: inout ByteBuffer) {
        switch self {
        case .null: json.writeString("null")
        case .flag(let value): json.writeString("\(value)")
        case .number(let text): json.writeString(text)
        case .text(let text): JSONWriter.write(text, to: &json)
        case .secret: JSONWriter.write(Redaction.mark, to: &json)
        case .body: self.read.write(to: &json)
        case .list(let items):
            json.writeString("[")
            for (index, item) in items.enumerated() {
                if index > 0 { json.writeString(",") }
                item.write(to: &json)
            }
            json.writeString("]")
        case .object(let members):
            json.writeString("{")
            for (index, member) in members.enumerated() {
                if index > 0 { json.writeString(",") }
                JSONWriter.write(member.name, to: &json)
                json.writeString(":")
                member.value.write(to: &json)
            }
            json.writeString("}")
        }
    }
}

extension PlainValue: Decodable {
    /// Decodes any YAML value.
    ///
    /// Only `true` and `false` are booleans, as in JSON: `on`, `ON` and `yes` are texts, which many senders use as states.
    package init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: SettingKey.self) {
            self = .object(
                try container.allKeys.map { ($0.stringValue, try PlainValue(from: try container.superDecoder(forKey: $0))) })
            return
        }
        if var container = try? decoder.unkeyedContainer() {
            var items: [PlainValue] = []
            while !container.isAtEnd { items.append(try PlainValue(from: try container.superDecoder())) }
            self = .list(items)
            return
        }
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        if container.decodeNil() {
            self = .null
        } else if (try? container.decode(Bool.self)) != nil, ["true", "false"].contains(text.lowercased()) {
            self = .flag(text.lowercased() == "true")
        } else if let value = try? container.decode(Int.self) {
            self = .number("\(value)")
        } else if let value = try? container.decode(Double.self) {
            self = .number(ExpressionValue.number(value).text)
        } else {
            self = .text(text)
        }
    }
}

extension PlainValue {
    /// What an event has at a path.
    package init(_ value: EventValue) {
        switch value {
        case .missing: self = .null
        case .text(let text): self = .text(text)
        case .integer(let number): self = .number("\(number)")
        case .number: self = .number(value.text)
        case .list(let list): self = .list(list.map { .text($0) })
        case .table(let attributes):
            var members: [(name: String, value: PlainValue)] = []
            for (name, value) in attributes.elements where !members.contains(where: { $0.name == name }) {
                members.append((name, .text(value)))
            }
            self = .object(members)
        case .json(let element): self = PlainValue(element)
        }
    }
}
