import JSON
import NIOCore

extension Template {
    /// Appends the rendered template as JSON: the value itself if the text is one `{{ … }}`, else a JSON string.
    ///
    /// - Returns: false when there is no value, and nothing was written.
    /// - Throws: ``ExpressionError`` of a jq part.
    func writeJSON(_ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        guard let part = self.onlyPart else {
            JSONWriter.write(try self.render(reader), to: &json)
            return true
        }
        switch part {
        case .literal(let text):
            JSONWriter.write(text, to: &json)
        case .path(let path):
            return Self.write(reader.templateValue(at: path), isDocument: path.isEvent, to: &json)
        case .digits(let path, let expression):
            guard let digits = reader.digits(at: path) else {
                return try Self.write(try reader.value(of: expression, .template), to: &json)
            }
            JSONWriter.write(digits, to: &json)
        case .expression(let expression):
            return try Self.write(try reader.value(of: expression, .template), to: &json)
        }
        return true
    }

    /// Appends the value of a part as JSON, without the defaults that templates have.
    ///
    /// - Returns: false when there is no value, and nothing was written.
    /// - Throws: ``ExpressionError`` of a jq part.
    static func writeOwnValue(of part: Part, _ reader: EventReader, to json: inout ByteBuffer) throws -> Bool {
        guard case .path(let path) = part else { return try Template(part: part).writeJSON(reader, to: &json) }
        return Self.write(reader.value(at: path), isDocument: path.isEvent, to: &json)
    }

    /// - Parameter isDocument: the text is JSON itself.
    private static func write(_ value: EventValue, isDocument: Bool, to json: inout ByteBuffer) -> Bool {
        switch value {
        case .missing: return false
        case .text(let text) where !isDocument: JSONWriter.write(text, to: &json)
        case .json(let element) where element.kind == .string: JSONWriter.write(element.string ?? "", to: &json)
        case .text, .integer, .number, .list, .table, .json: json.writeString(value.text)
        }
        return true
    }

    private static func write(_ value: ExpressionValue, to json: inout ByteBuffer) throws -> Bool {
        switch value {
        case .none, .null: return false
        case .string(let text): JSONWriter.write(text, to: &json)
        case .number(let number) where !number.isFinite: return false
        case .bool, .number: json.writeString(value.text)
        case .json(let text):
            // jq leaves out what is nested too deep for it, and what it writes instead is no JSON.
            do {
                _ = try JSONParser().parse(ByteBuffer(string: text))
            } catch {
                throw ExpressionError("the result is not JSON: \(error)")
            }
            json.writeString(text)
        }
        return true
    }

    /// The code of the first `{{ … }}` within a JSON string of a text that looks like JSON; `nil` when there is none.
    ///
    /// A value of an event can end such a string: `{"text": "{{ .message }}"}`. Code that itself makes JSON (`tojson`,
    /// `@json`) is trusted.
    var partInJSONString: String? {
        guard let first = self.text.first(where: { !$0.isWhitespace }), first == "{" || first == "[" else { return nil }
        var isInString = false
        for (literal, code) in self.pieces {
            guard let literal else {
                if isInString, !code.contains("tojson"), !code.contains("@json") { return "{{ \(code) }}" }
                continue
            }
            var isEscaped = false
            for byte in literal.utf8 {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = isInString
                } else if byte == UInt8(ascii: "\"") {
                    isInString.toggle()
                }
            }
        }
        return nil
    }

    /// Whether the text is `{{ . }}`, the event's JSON.
    package var isEvent: Bool {
        if case .path(let path)? = self.onlyPart { path.isEvent } else { false }
    }

    /// The warning about ``partInJSONString``; `nil` when there is none.
    ///
    /// - Parameter path: the keys of the template below the component; the first one is what `json:` replaces.
    package func jsonWarning(at path: [any CodingKey]) -> SettingError? {
        guard let part = self.partInJSONString else { return nil }
        return SettingError(
            path: path,
            "\(part) is within a JSON string, so a quote or a line break in an event breaks the JSON; write json: with members "
                + "instead of \(path.first?.stringValue ?? "body"):, or {{ … | tojson }} without quotes around it"
        )
    }
}

extension EventPath {
    /// Whether it is `.`, the event's JSON.
    fileprivate var isEvent: Bool { self.root == .event && self.steps.isEmpty }
}
