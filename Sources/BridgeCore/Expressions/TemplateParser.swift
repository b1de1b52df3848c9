/// Parses a template: literal text, plain paths, and jq for the expression compiler.
///
/// A part ends at the first `}}` that is in no string, object or interpolation of jq, so `{{ {a: 1} | .a }}` and `{{ "}}" }}` are
/// parts. A comment ends with its line or its part. `}}` outside a part is plain text, as JSON bodies need it; a literal `{{` is
/// written `{{ "{{" }}`.
enum TemplateParser {
    /// - Returns: the parts in order, each with the code between its braces, which is empty for literal text.
    /// - Throws: ``ExpressionError`` with the line within the template.
    static func parts(
        of text: String, compiler: (any ExpressionCompiler)?
    ) throws(ExpressionError) -> [(part: Template.Part, code: String)] {
        let bytes = Array(text.utf8)
        var parts: [(part: Template.Part, code: String)] = []
        var index = 0
        var line = 1
        while index < bytes.count {
            let start = Self.opening(in: bytes, from: index) ?? bytes.count
            if start > index { parts.append((.literal(String(decoding: bytes[index..<start], as: UTF8.self)), "")) }
            guard start < bytes.count else { break }
            line += Self.lines(in: bytes[index..<start])
            let end = try Self.closing(in: bytes, from: start + 2, line: line)
            let code = String(decoding: bytes[(start + 2)..<end], as: UTF8.self)
            parts.append((try Self.part(code, line: line, compiler: compiler), Self.trimmed(code)))
            line += Self.lines(in: bytes[start..<end])
            index = end + 2
        }
        return parts
    }

    /// Reads one expression: natively where it is a plain path.
    ///
    /// - Parameter whole: the text to show in messages, when it is not within braces.
    static func part(
        _ code: String, line: Int, compiler: (any ExpressionCompiler)?, shownAs whole: String? = nil
    ) throws(ExpressionError) -> Template.Part {
        let trimmed = Self.trimmed(code)
        let shown = whole ?? "{{ \(trimmed) }}"
        guard !trimmed.isEmpty else {
            throw ExpressionError("'\(whole ?? "{{ }}")' is empty; write a path such as .title, or other jq", line: line)
        }
        do {
            if let path = try EventPath(expression: code) { return .path(path) }
            guard let compiler else {
                throw ExpressionError("this needs jq, which is not available here; plain paths such as .title work")
            }
            let expression = try compiler.compile(code)
            guard let path = Self.pathOfDigits(trimmed) else { return .expression(expression) }
            return .digits(path, expression)
        } catch let error as ExpressionError {
            throw ExpressionError("in '\(shown)': \(error.message)", line: line + (error.line ?? 1) - 1)
        } catch {
            throw ExpressionError("in '\(shown)': \(error)", line: line)
        }
    }

    private static func trimmed(_ code: String) -> String {
        String(code.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }

    /// The path of `path | tojson` and `path | tostring`.
    private static func pathOfDigits(_ code: String) -> EventPath? {
        let pieces = code.split(separator: "|", omittingEmptySubsequences: false)
        guard pieces.count == 2, ["tojson", "tostring"].contains(pieces[1].drop { $0.isWhitespace }) else { return nil }
        // A path that is none is for the language to complain of.
        return (try? EventPath(expression: String(pieces[0]))).flatMap { $0 }
    }

    private static func opening(in bytes: [UInt8], from index: Int) -> Int? {
        var index = index
        while index + 1 < bytes.count {
            if bytes[index] == UInt8(ascii: "{"), bytes[index + 1] == UInt8(ascii: "{") { return index }
            index += 1
        }
        return nil
    }

    private static func lines(in bytes: ArraySlice<UInt8>) -> Int {
        bytes.count { $0 == UInt8(ascii: "\n") }
    }

    /// The construct that the scanner is inside of.
    private enum Scope {
        case string
        case brace, bracket, parenthesis
        /// `\(…)` within a string.
        case interpolation
    }

    /// The place of the `}}` that ends the part whose code begins at `start`.
    private static func closing(in bytes: [UInt8], from start: Int, line: Int) throws(ExpressionError) -> Int {
        var scopes: [Scope] = []
        var isComment = false
        var index = start
        func opens(_ pair: (UInt8, UInt8)) -> Bool {
            bytes[index] == pair.0 && index + 1 < bytes.count && bytes[index + 1] == pair.1
        }
        let end = (UInt8(ascii: "}"), UInt8(ascii: "}"))
        while index < bytes.count {
            let byte = bytes[index]
            if isComment {
                if opens(end) { return index }
                isComment = byte != UInt8(ascii: "\n")
            } else if scopes.last == .string {
                if opens((UInt8(ascii: "\\"), UInt8(ascii: "("))) {
                    scopes.append(.interpolation)
                    index += 1
                } else if byte == UInt8(ascii: "\\") {
                    index += 1
                } else if byte == UInt8(ascii: "\"") {
                    scopes.removeLast()
                }
            } else {
                if scopes.isEmpty, opens(end) { return index }
                switch byte {
                case UInt8(ascii: "#"): isComment = true
                case UInt8(ascii: "\""): scopes.append(.string)
                case UInt8(ascii: "{"): scopes.append(.brace)
                case UInt8(ascii: "["): scopes.append(.bracket)
                case UInt8(ascii: "("): scopes.append(.parenthesis)
                case UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ")"):
                    guard let scope = scopes.popLast(), Self.closes(byte, scope) else {
                        let character = String(UnicodeScalar(byte))
                        throw ExpressionError(
                            "unmatched '\(character)' in '{{\(Self.excerpt(bytes, from: start))'", line: line)
                    }
                default: break
                }
            }
            index += 1
        }
        let reason =
            switch scopes.last {
            case .string: "a string in it is not closed"
            case .brace: "a '{' in it is not closed"
            case .bracket: "a '[' in it is not closed"
            case .parenthesis, .interpolation: "a '(' in it is not closed"
            case nil: "the text ends before '}}'"
            }
        throw ExpressionError("'{{\(Self.excerpt(bytes, from: start))' is not closed: \(reason)", line: line)
    }

    private static func closes(_ byte: UInt8, _ scope: Scope) -> Bool {
        switch scope {
        case .string: false
        case .brace: byte == UInt8(ascii: "}")
        case .bracket: byte == UInt8(ascii: "]")
        case .parenthesis, .interpolation: byte == UInt8(ascii: ")")
        }
    }

    private static func excerpt(_ bytes: [UInt8], from start: Int) -> String {
        let text = String(decoding: bytes[start...].prefix(40), as: UTF8.self)
        return bytes.count - start > 40 ? text + "…" : text
    }
}
