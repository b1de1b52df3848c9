import YAML

/// A mistake in the syntax of a YAML file, explained for the author of the line.
///
/// libyaml reports what its grammar expected at the byte where it stopped. This type examines that line and the lines
/// above it, and reports the likely cause and the remedy. Values of the file are never part of a message, because they
/// may be secrets. Performs no I/O.
struct YAMLMistake: Equatable {
    /// One sentence without a final stop.
    let message: String
    /// From 1.
    let line: Int
    /// From 1, in Unicode scalars.
    let column: Int

    /// - Parameter text: the text that was parsed.
    init(_ error: YAMLError, in text: String) {
        let message: String
        switch error.reason {
        case .syntax(let problem, let context, let contextMark):
            self = Self.explain(problem, at: error.mark, context: context, contextMark, YAMLLines(text))
            return
        case .undefinedAlias: message = "no anchor with this name is defined above; a value that begins with '*' needs quotes"
        case .secondDocument:
            message = "a second document begins with this '---'; a file holds one, so remove the line or split the file"
        case .duplicateKey(let key): message = "duplicate key '\(key)'; keep one of them"
        case .tooDeep: message = "values are nested deeper than \(Composer.maximumDepth) levels; nest fewer"
        case .character(let value):
            let scalar = String(value, radix: 16, uppercase: true)
            message =
                "the control character U+\(String(repeating: "0", count: max(0, 4 - scalar.count)))\(scalar) is not allowed; remove it, or write it as an escape in double quotes"
        }
        self.init(message, error.mark.line, error.mark.column)
    }

    private init(_ message: String, _ line: Int, _ column: Int) {
        self.message = message
        self.line = line
        self.column = column
    }

    private static func explain(
        _ problem: String, at mark: Mark, context: String?, _ contextMark: Mark?, _ source: YAMLLines
    ) -> YAMLMistake {
        let line = mark.line, column = mark.column
        for place in [line, contextMark?.line ?? line] {
            if let format = source.otherFormat(around: place) { return Self(format, place, 1) }
        }
        if source.indentationHasTab(line) {
            return Self("the line is indented with a tab; YAML allows only spaces there", line, 1)
        }
        let message: String
        switch problem {
        case "found character that cannot start any token":
            message = "a value cannot begin with '\(source.character(line, column))'; put it in quotes"
        case "did not find expected alphabetic or numeric character":
            let sign = context?.contains("alias") == true ? "*" : "&"
            return Self(
                "a value cannot begin with '\(sign)'; put it in quotes", contextMark?.line ?? line,
                contextMark?.column ?? column)
        case "mapping values are not allowed in this context":
            return Self.unexpectedColon(line, column, source)
        case "did not find expected key", "did not find expected '-' indicator":
            return Self.unexpectedLine(problem, line, column, source)
        case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
            return Self.insideBrackets(problem, line, column, contextMark, source)
        case "did not find expected node content":
            message =
                line > source.count || source.isBlank(line)
                ? "the file ends inside a '[' or '{' that is not closed"
                : "a value is missing here; put one that begins with a sign in quotes"
        case "found unexpected end of stream":
            return Self("the quote that begins here is never closed", contextMark?.line ?? line, contextMark?.column ?? column)
        case "found unknown escape character":
            message =
                "'\\\(source.character(line, column + 1))' is not an escape; write \\\\ for a backslash, or use single quotes"
        case "could not find expected ':'":
            return Self(
                Self.missingColon, contextMark?.line ?? line,
                contextMark?.column ?? column)
        case "block sequence entries are not allowed in this context":
            message = "a list item cannot follow its key on the same line; begin it on the next line, or write [item, item]"
        case "did not find expected <document start>":
            message = "the line begins left of the first line of the file; align the keys at the top level"
        default: message = "the file is not valid YAML: \(problem)"
        }
        return Self(message, line, column)
    }

    /// A `: ` where no key is allowed.
    private static func unexpectedColon(_ line: Int, _ column: Int, _ source: YAMLLines) -> YAMLMistake {
        if source.hasKey(line, before: column) {
            return Self("a value that holds ': ' needs quotes", line, column)
        }
        if let above = source.lineAbove(line) {
            if source.indentation(above) == source.indentation(line), source.lacksSpaceAfterColon(above) {
                return Self("the space after the ':' is missing; write 'key: value'", above, source.indentation(above) + 1)
            }
            if source.indentation(above) == source.indentation(line), !source.hasColon(above) {
                return Self(Self.missingColon, above, source.indentation(above) + 1)
            }
            if source.indentation(above) < source.indentation(line) {
                return Self(
                    "the line is indented deeper than the key in line \(above), which has a value already; align the two", line,
                    source.indentation(line) + 1)
            }
        }
        return Self("a ':' is not expected here; a value that holds ': ' needs quotes", line, column)
    }

    private static func unexpectedLine(_ problem: String, _ line: Int, _ column: Int, _ source: YAMLLines) -> YAMLMistake {
        if source.followsQuote(line, column) { return Self(Self.quotesEndEarly, line, column) }
        if let reference = source.unquotedReference(line, upTo: column), reference.isTemplate, reference.column < column {
            return Self("a value with '{{' needs quotes, because YAML takes braces for a mapping", line, reference.column)
        }
        if problem == "did not find expected key", source.isListItem(line) {
            return Self(
                "a list item ('- ') is among the keys of a mapping; remove the '- ', or indent the item below its key", line,
                column)
        }
        if problem != "did not find expected key", !source.isListItem(line),
            let item = source.itemAbove(line, indentation: source.indentation(line))
        {
            return Self(
                "a key is beside the list item in line \(item); remove the '- ' there, or indent this line", line, column)
        }
        return Self(Self.unexpectedIndentation(problem, line, source), line, column)
    }

    private static func unexpectedIndentation(_ problem: String, _ line: Int, _ source: YAMLLines) -> String {
        let levels = source.openIndentations(above: line)
        let indentation = source.indentation(line)
        if !levels.contains(indentation) {
            let known = levels.map(String.init).joined(separator: ", ")
            return
                "the line is indented by \(indentation) space\(indentation == 1 ? "" : "s"), which matches no line above (\(known)); align it with its neighbours"
        }
        return problem == "did not find expected key"
            ? "a key ('key: value') is expected here" : "a list item ('- ') is expected here"
    }

    private static func insideBrackets(
        _ problem: String, _ line: Int, _ column: Int, _ opening: Mark?, _ source: YAMLLines
    ) -> YAMLMistake {
        if let reference = source.unquotedReference(line, upTo: column) {
            let sign = reference.isTemplate ? "{{ … }}" : "${…}"
            return Self("\(sign) inside {…} or […] needs quotes: \"\(sign)\"", line, reference.column)
        }
        if source.followsQuote(line, column) { return Self(Self.quotesEndEarly, line, column) }
        let bracket = problem.hasSuffix("'}'") ? ("{", "}") : ("[", "]")
        if let opening, opening.line < line {
            return Self(
                "the '\(bracket.0)' in line \(opening.line) is not closed; add '\(bracket.1)'", opening.line, opening.column)
        }
        return Self("a ',' or '\(bracket.1)' is missing before this", line, column)
    }

    private static let missingColon = "'key: value' is expected; the ': ' after the key is missing"
    private static let quotesEndEarly =
        "the quotes end before the value does; inside double quotes write \\\" for a quote, inside single quotes write ''"
}
