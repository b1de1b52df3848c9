/// The lines of a YAML file, as an explanation of a mistake asks about them.
///
/// Lines and columns count from 1, columns in Unicode scalars; a line that does not exist is empty.
struct YAMLLines {
    private let lines: [[Unicode.Scalar]]

    init(_ text: String) {
        self.lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            line.last == "\r" ? Array(line.dropLast()) : Array(line)
        }
    }

    var count: Int { self.lines.count }

    /// What a line, or the one above it, shows that is no YAML, with the remedy; `nil` for lines of YAML.
    func otherFormat(around line: Int) -> String? {
        for line in [line, line - 1] {
            let text = String(String.UnicodeScalarView(self[line].drop { $0 == " " }))
            if ["<<<<<<< ", ">>>>>>> "].contains(where: text.hasPrefix) || text == "=======" {
                return "this is the mark of a merge conflict; keep one of the two versions and remove the marks"
            }
            if text.hasPrefix("```") { return "this is the fence of a Markdown block; remove the line" }
            if text.hasPrefix("//") || text.hasPrefix("/*") {
                return "a comment begins with '#'; write '#' in place of '\(text.prefix(2))'"
            }
            if text.hasPrefix("["), text.hasSuffix("]"), !text.contains(":"), self.hasAssignment(line + 1) {
                return "this is TOML; YAML writes 'key: value', and indents what belongs to a key"
            }
            if self.hasAssignment(line) { return "this is TOML; YAML writes 'key: value' in place of 'key = value'" }
        }
        return nil
    }

    /// Whether the line is `word = value`.
    private func hasAssignment(_ line: Int) -> Bool {
        let text = self[line].drop { $0 == " " }
        let name = text.prefix { $0.properties.isAlphabetic || $0 == "_" || $0 == "." || $0 == "-" || ("0"..."9").contains($0) }
        return !name.isEmpty && text[name.endIndex...].starts(with: " = ".unicodeScalars)
    }

    private subscript(line: Int) -> [Unicode.Scalar] {
        self.lines.indices.contains(line - 1) ? self.lines[line - 1] : []
    }

    /// A space where there is none.
    func character(_ line: Int, _ column: Int) -> Unicode.Scalar {
        let scalars = self[line]
        return scalars.indices.contains(column - 1) ? scalars[column - 1] : " "
    }

    /// Whether the line has nothing but white space or a comment.
    func isBlank(_ line: Int) -> Bool {
        let first = self[line].first { $0 != " " && $0 != "\t" }
        return first == nil || first == "#"
    }

    func indentation(_ line: Int) -> Int { self[line].prefix { $0 == " " }.count }

    func indentationHasTab(_ line: Int) -> Bool { self[line].prefix { $0 == " " || $0 == "\t" }.contains("\t") }

    /// The nearest line above that has content.
    func lineAbove(_ line: Int) -> Int? {
        (1..<max(1, line)).last { !self.isBlank($0) }
    }

    /// The indentations at which a following line could continue, the smallest first.
    func openIndentations(above line: Int) -> [Int] {
        var levels: [Int] = []
        for above in (1..<max(1, line)).reversed() where !self.isBlank(above) {
            let indentation = self.indentation(above)
            // The keys of a mapping in a list come after the sign of the item.
            let key = self.isListItem(above) ? indentation + 2 : indentation
            if levels.allSatisfy({ key < $0 }) { levels.append(key) }
            if levels.allSatisfy({ indentation < $0 }) { levels.append(indentation) }
        }
        return levels.reversed()
    }

    /// The nearest list item above at this indentation, before any line that is indented less.
    func itemAbove(_ line: Int, indentation: Int) -> Int? {
        for above in (1..<max(1, line)).reversed() where !self.isBlank(above) {
            if self.indentation(above) < indentation { return nil }
            if self.indentation(above) == indentation { return self.isListItem(above) ? above : nil }
        }
        return nil
    }

    func isListItem(_ line: Int) -> Bool {
        let content = self[line].drop { $0 == " " }
        return content.first == "-" && (content.count == 1 || content.dropFirst().first == " ")
    }

    /// Whether the line has a `key: ` left of the column.
    func hasKey(_ line: Int, before column: Int) -> Bool {
        let left = self[line].prefix(max(0, column - 1))
        return zip(left, left.dropFirst()).contains { $0 == ":" && $1 == " " }
    }

    func hasColon(_ line: Int) -> Bool { self[line].contains(":") }

    /// Whether the line is `key:value`.
    func lacksSpaceAfterColon(_ line: Int) -> Bool {
        let scalars = self[line]
        return scalars.contains(":") && scalars.last != ":" && !self.hasKey(line, before: scalars.count + 1)
    }

    /// Whether a closing quote ends right before the column, with at most white space between.
    func followsQuote(_ line: Int, _ column: Int) -> Bool {
        let left = self[line].prefix(max(0, column - 1)).reversed().drop { $0 == " " }
        return left.first == "\"" || left.first == "'"
    }

    /// A `${` or `{{` outside quotes that ends left of the column, or at it.
    func unquotedReference(_ line: Int, upTo column: Int) -> (column: Int, isTemplate: Bool)? {
        var quote: Unicode.Scalar?
        var found: (column: Int, isTemplate: Bool)?
        let scalars = self[line].prefix(column + 1)
        for (offset, scalar) in scalars.enumerated() {
            if let open = quote {
                if scalar == open { quote = nil }
            } else if scalar == "\"" || scalar == "'" {
                quote = scalar
            } else if offset + 1 < scalars.count, scalars[offset + 1] == "{", scalar == "$" || scalar == "{" {
                found = found ?? (offset + 1, scalar == "{")
            }
        }
        return found
    }
}
