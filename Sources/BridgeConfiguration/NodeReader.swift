import YAML

/// Turns the text of a file into nodes: parses it, applies merge keys, and follows `${…}` references.
///
/// Keys at the top level that begin with `x-` are free for the author of the file, such as anchors for the rest.
final class NodeReader {
    let expansion: ScalarExpansion
    let findings: Findings
    /// Whether references in the scalar at a path are resolved; the others stay unchanged.
    let isWanted: ([String]) -> Bool
    /// Values that may still be read: an alias copies its anchor, so aliases of aliases grow exponentially.
    private var budget = NodeReader.mostValues

    static let mostValues = 1_000_000
    /// The top-level keys to read; `nil` for all.
    private let members: Set<String>?
    /// The top-level keys to leave out.
    private let skipped: Set<String>
    private var text = ""
    private lazy var lines = YAMLLines(self.text)

    private let included: IncludedFiles?

    init(
        expansion: ScalarExpansion, findings: Findings, members: Set<String>? = nil, skipping skipped: Set<String> = [],
        included: IncludedFiles? = nil,
        isWanted: @escaping ([String]) -> Bool
    ) {
        self.included = included
        self.members = members
        self.skipped = skipped
        self.expansion = expansion
        self.findings = findings
        self.isWanted = isWanted
    }

    /// - Returns: `nil` after the findings have got the mistake.
    func root(of text: String) -> Located? {
        guard let mapping = self.mapping(of: text, file: nil) else { return nil }
        var pairs = self.members(of: mapping)
        if let included {
            let inclusion = Inclusion(files: included, findings: self.findings) { text, file in
                self.mapping(of: text, file: file).map(self.members(of:))
            }
            pairs = inclusion.joined(pairs, of: self.findings.file)
        } else if let key = pairs.first(where: { $0.key.string == Inclusion.key })?.key {
            self.findings.error("other files cannot be included here", at: Located(node: key, path: []))
        }
        let wanted = pairs.filter { key, _ in key.string.flatMap { name in self.members.map { $0.contains(name) } } ?? true }
        return Located(node: self.read(.mapping(Node.Mapping(wanted, tag: mapping.tag, mark: mapping.mark)), []), path: [])
    }

    /// - Parameter file: the included file; `nil` for the file itself, which must not be empty.
    private func mapping(of text: String, file: String?) -> Node.Mapping? {
        let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
        if file == nil { self.text = text }
        do {
            guard let node = try Composer.compose(text, source: file), !Located(node: node, path: []).isNull else {
                if file == nil {
                    self.findings.error("the file is empty; it needs sources, sinks and routes", line: 1, column: 1)
                }
                return nil
            }
            guard case .mapping(let mapping) = node else {
                self.findings.error("must be a mapping with sources, sinks and routes", at: Located(node: node, path: []))
                return nil
            }
            return mapping
        } catch {
            let mistake = YAMLMistake(error, in: text)
            self.findings.error(mistake.message, line: mistake.line, column: mistake.column, of: file)
            return nil
        }
    }

    /// The members of a file's outermost mapping but for those of its author, with the references in `include` resolved.
    private func members(of mapping: Node.Mapping) -> [Node.Mapping.Element] {
        self.merged(mapping, []).compactMap { key, value in
            guard let name = key.string else { return (key, value) }
            guard !name.hasPrefix("x-"), !self.skipped.contains(name) else { return nil }
            guard name == Inclusion.key, let included = self.included.map({ _ in self.read(value, [name]) }) else {
                return (key, value)
            }
            return (key, included)
        }
    }

    private func read(_ node: Node, _ path: [String]) -> Node {
        self.budget -= 1
        guard self.budget > 0 else {
            if self.budget == 0 {
                self.findings.error(
                    "the file has more than \(Self.mostValues) values once its aliases are followed",
                    at: Located(node: node, path: []))
            }
            return .scalar(Node.Scalar("", style: .doubleQuoted))
        }
        switch node {
        case .scalar(let scalar):
            self.refuseTag(scalar.tag, of: node, path)
            return .scalar(self.isWanted(path) ? self.expanded(scalar, path) : scalar)
        case .mapping(let mapping):
            self.refuseTag(mapping.tag, of: node, path)
            if let template = self.templateWithoutQuotes(mapping) {
                self.findings.error(
                    "a value that begins with '{{' needs quotes, because YAML takes braces for a mapping",
                    at: Located(node: node, path: path))
                return template
            }
            self.refuseItemsWithoutSpace(mapping, path)
            self.refuseKeysThatAreNoText(mapping, path)
            let pairs = self.merged(mapping, path).map { key, value in
                let path = path + [key.string ?? "?"]
                self.warnOfNothing(value, path)
                return (key: key, value: self.read(value, path))
            }
            return .mapping(Node.Mapping(pairs, tag: mapping.tag, mark: mapping.mark))
        case .sequence(let sequence):
            self.refuseTag(sequence.tag, of: node, path)
            let items = sequence.items.enumerated().map { self.read($0.element, path + ["[\($0.offset)]"]) }
            return .sequence(Node.Sequence(items, tag: sequence.tag, mark: sequence.mark))
        }
    }

    private func expanded(_ scalar: Node.Scalar, _ path: [String]) -> Node.Scalar {
        var scalar = scalar
        let place = Located(node: .scalar(scalar), path: path)
        if let name = ScalarExpansion.variableWithoutBraces(scalar.string) {
            self.findings.warning(
                "'$\(name)' is used as written; write ${env:\(name)} for the environment variable", at: place, rule: .reference)
        } else if !Self.expressions.contains(path.last ?? ""), let name = ScalarExpansion.variableWithinText(scalar.string) {
            self.findings.warning(
                "'$\(name)' is used as written; write ${env:\(name)} for the environment variable, or $$\(name) for this text",
                at: place, rule: .reference)
        }
        self.warnOfComment(after: scalar, at: place)
        if scalar.string.hasPrefix("~/"), let key = path.last, Self.paths.contains(key) || key.hasSuffix("_file") {
            self.findings.warning("'~' does not become the home directory; write the whole path", at: place, rule: .path)
        }
        do {
            let text = try self.expansion.expand(scalar.string, found: self.findings.refer(to:), reads: self.findings.read(from:))
            if text != scalar.string {
                self.findings.conceal(text, writtenAs: scalar.string)
                scalar.string = text
                // Quotes were needed for the reference in `{ port: "${env:PORT}" }`; the value may still be a number.
                // It is never null: an empty variable must not disable a setting as if it were missing.
                scalar.style = Node.Scalar.nulls.contains(text) ? .doubleQuoted : .plain
            }
        } catch {
            self.findings.error(error.message, at: place, rule: .reference)
        }
        return scalar
    }

    /// In `password: abc #1` the `#` begins a comment, and the password is shorter than its author thinks.
    private func warnOfComment(after scalar: Node.Scalar, at place: Located) {
        guard scalar.style == .plain, let mark = scalar.mark, mark.source == nil, !scalar.string.isEmpty,
            Self.secrets.contains(place.path.last ?? "")
        else { return }
        var column = mark.column + scalar.string.unicodeScalars.count
        while self.lines.character(mark.line, column) == " ", column < mark.column + 4096 { column += 1 }
        guard self.lines.character(mark.line, column) == "#", self.lines.character(mark.line, column + 1) != " " else { return }
        self.findings.warning(
            "'#' begins a comment here, so the value ends before it; put the value in quotes if the rest belongs to it", at: place
        )
    }

    /// The members of a mapping with those of its merge key `<<`; the mapping's own win, then the first of several.
    private func merged(_ mapping: Node.Mapping, _ path: [String]) -> [(key: Node, value: Node)] {
        guard let merge = mapping["<<"] else { return Array(mapping) }
        var members = mapping.filter { $0.key.string != "<<" }
        for base in merge.sequence ?? [merge] {
            guard let base = base.mapping else {
                self.findings.error(
                    "'<<' takes an alias of a mapping, such as *base, or a list of them",
                    at: Located(node: merge, path: path + ["<<"]))
                continue
            }
            for (key, value) in self.merged(base, path) where !members.contains(where: { $0.key.string == key.string }) {
                members.append((key, value))
            }
        }
        return members
    }

    /// `group:` without a value counts as missing; the author probably meant something else.
    ///
    /// What is to be sent may well hold nothing.
    private func warnOfNothing(_ node: Node, _ path: [String]) {
        guard case .scalar(let scalar) = node, scalar.style == .plain, scalar.string.isEmpty, path.count > 1,
            !path.contains("json"), path.first != BridgeLoader.tests
        else { return }
        // Below a case of `normalise` no value means one thing: the field is removed.
        let isRemoval = path.count > 3 && path[path.count - 2] == "set" && path.contains("cases")
        self.findings.warning(
            isRemoval
                ? "has no value, which removes the field; write null to say so"
                : "has no value and counts as left out; write one, or remove the key", at: Located(node: node, path: path))
    }

    /// `{{ .title }}` without quotes is a mapping whose key is a mapping.
    ///
    /// - Returns: an empty text in its place, so that it is reported once.
    private func templateWithoutQuotes(_ mapping: Node.Mapping) -> Node? {
        guard mapping.count == 1, mapping.first?.key.mapping != nil else { return nil }
        return .scalar(Node.Scalar("x", style: .doubleQuoted, mark: mapping.mark))
    }

    /// `-from: home` is a key that begins with a hyphen, where the item of a list was meant.
    private func refuseItemsWithoutSpace(_ mapping: Node.Mapping, _ path: [String]) {
        for (key, _) in mapping where key.string?.utf8.first == UInt8(ascii: "-") {
            self.findings.error(
                "the space after '-' is missing; write '- \(key.string?.dropFirst() ?? "")'", at: Located(node: key, path: path))
        }
    }

    /// `[token]: x` has a list as its key, which no setting would read.
    private func refuseKeysThatAreNoText(_ mapping: Node.Mapping, _ path: [String]) {
        for (key, _) in mapping where key.string == nil {
            let word = key.sequence.flatMap { $0.count == 1 ? $0[0].string : nil }
            self.findings.error(
                "a key must be a word"
                    + (word.map { "; remove the brackets: \($0)" } ?? ", and not a list or a mapping; write the word alone"),
                at: Located(node: key, path: path))
        }
    }

    /// Tags request types that this program does not have; ignoring one would misread the value.
    private func refuseTag(_ tag: String?, of node: Node, _ path: [String]) {
        let standard = "tag:yaml.org,2002:"
        guard let name = tag, name != "!",
            name.hasPrefix("!") || (name.hasPrefix(standard) && !Self.tags.contains(name.dropFirst(standard.count)))
        else { return }
        let written = name.hasPrefix("!") ? name : "!!\(name.dropFirst(standard.count))"
        self.findings.error(
            "the tag '\(written)' is not supported; \(Self.remedies[written] ?? "write ${env:NAME} or ${file:PATH} for a secret")",
            at: Located(node: node, path: path))
    }

    /// What replaces the tags of other programs.
    private static let remedies = [
        "!include": "write the key include: [FILE] at the top level, or ${file:PATH} for one value",
        "!include_dir_merge_named": "write the key include: [FOLDER] at the top level",
        "!env_var": "write ${env:NAME}", "!ENV": "write ${env:NAME}", "!secret": "write ${env:NAME} or ${file:PATH} for a secret",
    ]

    /// Keys whose values are jq, where `$` begins a variable.
    private static let expressions: Set<String> = ["when", "from", "payload"]

    /// Keys whose values are paths, besides those that end in `_file`.
    private static let paths: Set<String> = ["path", "state_dir", "unix_socket"]
    /// Keys whose values often hold a `#`.
    private static let secrets: Set<String> = ["password", "token", "secret"]

    private static let tags: Set<Substring> = ["str", "int", "float", "bool", "null", "map", "seq", "timestamp", "merge"]
}
