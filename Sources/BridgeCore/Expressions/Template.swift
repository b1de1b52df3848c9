/// Text with `{{ … }}` that is rendered for each event: a topic, a channel, a request body.
///
/// The braces contain jq. Plain paths (`{{ .payload.temp }}`, `{{ .title }}`, `{{ $subject }}`, `{{ $segments[1] }}`,
/// `{{ $attributes.qos }}`) are resolved natively. `.tags` is always a list, and an absent `.priority` is 3. A missing
/// value is empty in text and fails in an address; see ``render(_:escape:)`` and ``renderAddress(_:escape:)``.
package struct Template: Sendable, Decodable {
    /// The text as written.
    package let text: String
    let parts: [Part]
    /// The code in the braces of each of ``parts``, for messages; empty for literal text.
    private let codes: [String]

    /// Makes the empty text.
    package init() {
        self.text = ""
        self.parts = []
        self.codes = []
    }

    /// - Throws: ``ExpressionError`` for unbalanced braces and for what the compiler refuses.
    package init(_ text: String, compiler: (any ExpressionCompiler)?) throws {
        self.text = text
        let parts = try TemplateParser.parts(of: text, compiler: compiler)
        self.parts = parts.map(\.part)
        self.codes = parts.map(\.code)
    }

    /// Makes a template of one part, which is not within braces.
    init(part: Part) {
        self.text = ""
        self.parts = [part]
        self.codes = [""]
    }

    /// Decodes a text, and compiles its expressions with the decoder's ``ExpressionCompiler``.
    ///
    /// - Throws: ``SettingError`` for a mistake in the template.
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

    /// Whether it needs an evaluator, which blocks: never on an event loop.
    package var isEvaluated: Bool {
        self.parts.contains(where: \.isEvaluated)
    }

    /// The literal texts in it, in order.
    package var literals: [String] { self.pieces.compactMap { $0.literal } }

    /// The literal text before the first `{{`.
    package var staticPrefix: String {
        if case .literal(let text)? = self.parts.first { text } else { "" }
    }

    /// The expressions that ``render(_:escape:)`` needs for the event that the reader holds, for callers that evaluate
    /// them in advance.
    func expressions(for reader: EventReader) -> [any Expression] {
        self.parts.compactMap { $0.expression(for: reader) }
    }

    /// Renders text for the event that the reader holds: missing values are empty.
    ///
    /// - Parameter escape: applied to what each `{{ … }}` yields, so that an event's content cannot choose what only the file may
    ///   (`+`, `#` and `/` in a topic, CR and LF in a header).
    /// - Throws: ``ExpressionError`` of a jq part.
    package func render(_ reader: EventReader, escape: (String) -> String = { $0 }) throws -> String {
        if let constant { return constant }
        if let part = self.onlyPart { return try Self.text(of: part, reader, escape) ?? "" }
        var result = ""
        for part in self.parts { result += try Self.text(of: part, reader, escape) ?? "" }
        return result
    }

    /// Renders optional text, such as a header.
    ///
    /// - Returns: `nil` when the text is one `{{ … }}` without a value in this event.
    /// - Throws: ``ExpressionError`` of a jq part.
    package func renderOptional(_ reader: EventReader, escape: (String) -> String = { $0 }) throws -> String? {
        guard let part = self.onlyPart else { return try self.render(reader, escape: escape) }
        return try Self.text(of: part, reader, escape)
    }

    /// Renders an address for the event that the reader holds: a topic, a channel, a key, a URL, the name of a stream.
    ///
    /// Without one of its values an address is another address, so a missing value or `null` is a failure. `{{ .a // "x" }}` names
    /// a default.
    ///
    /// - Parameter escape: as for ``render(_:escape:)``.
    /// - Throws: ``ExpressionError`` of a jq part, or one that names the part without a value.
    package func renderAddress(_ reader: EventReader, escape: (String) -> String = { $0 }) throws -> String {
        if let constant { return constant }
        var result = ""
        for (part, code) in zip(self.parts, self.codes) {
            guard let text = try Self.text(of: part, reader, escape) else {
                throw ExpressionError("{{ \(code) }} has no value in this event")
            }
            result += text
        }
        return result
    }

    /// Renders a key by which events are compared, without the defaults of ``render(_:escape:)``.
    ///
    /// - Returns: `nil` when a part of it is missing or empty: such events have nothing in common.
    /// - Throws: ``ExpressionError`` of a jq part.
    package func renderKey(_ reader: EventReader) throws -> String? {
        var result = ""
        for part in self.parts {
            let text =
                switch part {
                case .literal(let text): text
                case .path(let path): reader.text(at: path)
                case .expression(let expression): try reader.value(of: expression, .condition).text
                case .digits(let path, let expression):
                    try reader.digits(at: path) ?? reader.value(of: expression, .condition).text
                }
            guard !text.isEmpty else { return nil }
            result += text
        }
        return result.isEmpty ? nil : result
    }

    /// - Returns: `nil` for a missing value.
    private static func text(of part: Part, _ reader: EventReader, _ escape: (String) -> String) throws -> String? {
        switch part {
        case .literal(let text):
            return text
        case .path(let path):
            let value = reader.templateValue(at: path)
            return value.isMissing ? nil : escape(value.text)
        case .digits(let path, let expression):
            if let digits = reader.digits(at: path) { return escape(digits) }
            return try Self.text(of: .expression(expression), reader, escape)
        case .expression(let expression):
            switch try reader.value(of: expression, .template) {
            case .none, .null: return nil
            case let value: return escape(value.text)
            }
        }
    }

    /// The part that is the whole text; `nil` when there is other text.
    var onlyPart: Part? { self.parts.count == 1 ? self.parts[0] : nil }

    /// The parts in order: literal text, or the code between braces.
    var pieces: [(literal: String?, code: String)] {
        zip(self.parts, self.codes).map { part, code in
            if case .literal(let text) = part { (text, "") } else { (nil, code) }
        }
    }

    enum Part: Sendable {
        case literal(String)
        case path(EventPath)
        case expression(any Expression)
        /// `path | tojson` or `path | tostring`: the digits of a whole number, which a double may not represent, else
        /// the expression.
        case digits(EventPath, any Expression)

        /// Whether it needs the event's JSON, beyond its fields.
        var needsJSON: Bool {
            switch self {
            case .literal: false
            case .path(let path): path.root == .event
            case .digits, .expression: true
            }
        }

        /// Whether it depends on the message of the event.
        var readsMessage: Bool {
            if case .path(let path) = self { path.root == .message || self.needsJSON } else { self.needsJSON }
        }

        /// Whether it needs an evaluator, which blocks.
        var isEvaluated: Bool {
            switch self {
            case .literal, .path: false
            case .digits(_, let expression), .expression(let expression): expression.evaluator != nil
            }
        }

        /// The expression to evaluate for the event that the reader holds.
        func expression(for reader: EventReader) -> (any Expression)? {
            switch self {
            case .literal, .path: nil
            case .digits(let path, let expression):
                expression.evaluator == nil || reader.digits(at: path) != nil ? nil : expression
            case .expression(let expression): expression.evaluator == nil ? nil : expression
            }
        }
    }
}
