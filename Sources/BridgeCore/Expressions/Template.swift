/// Text with `{{ … }}` in it, made anew for each event: a topic, a channel, a request body.
///
/// Between the braces stands jq. What is a plain path (`{{ .payload.temp }}`, `{{ .title }}`, `{{ $subject }}`,
/// `{{ $segments[1] }}`, `{{ $attributes.qos }}`) is resolved natively. A missing value is empty text.
package struct Template: Sendable, Decodable {
    /// The text as written.
    package let text: String
    private let parts: [Part]

    /// - Throws: ``ExpressionError`` for unbalanced braces and for what the compiler refuses.
    package init(_ text: String, compiler: (any ExpressionCompiler)?) throws {
        self.text = text
        self.parts = try TemplateParser.parts(of: text, compiler: compiler)
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        do {
            try self.init(text, compiler: decoder.userInfo[.expressionCompiler] as? any ExpressionCompiler)
        } catch let error as ExpressionError {
            throw SettingError(path: decoder.codingPath, error.message)
        }
    }

    /// The text itself when no event can change it.
    package var constant: String? {
        switch self.parts.count {
        case 0: return ""
        case 1:
            if case .literal(let text) = self.parts[0] { return text }
            return nil
        default: return nil
        }
    }

    /// The literal text before the first `{{`.
    package var staticPrefix: String {
        if case .literal(let text)? = self.parts.first { text } else { "" }
    }

    /// Renders for the event that the reader holds.
    ///
    /// - Parameter escape: applied to what each `{{ … }}` yields, so that an event's content cannot choose what only the file may
    ///   (`+`, `#` and `/` in a topic, CR and LF in a header).
    /// - Throws: ``ExpressionError`` of a jq part.
    package func render(_ reader: EventReader, escape: (String) -> String = { $0 }) throws -> String {
        if let constant { return constant }
        var result = ""
        for part in self.parts {
            switch part {
            case .literal(let text): result += text
            case .path(let path): result += escape(reader.text(at: path))
            case .expression(let expression): result += escape(try expression.evaluate(reader.expressionInput).text)
            }
        }
        return result
    }

    enum Part: Sendable {
        case literal(String)
        case path(EventPath)
        case expression(any Expression)
    }
}
