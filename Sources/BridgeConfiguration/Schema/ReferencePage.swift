package import BridgeCore

/// The pages that list every key, operator, template binding and preset, written from the declarations.
package struct ReferencePage: Sendable {
    /// The pages by the value of `--reference`, each with its file below `Documentation.docc`.
    package static let names = ["file", "sources", "sinks"]

    private let catalog: AdapterCatalog
    private let presets: [Preset]
    private var lines: [String] = []

    /// - Parameters:
    ///   - catalog: the kinds of sources and sinks.
    ///   - presets: the presets to list.
    package init(catalog: AdapterCatalog, presets: [Preset] = Preset.shipped) {
        self.catalog = catalog
        self.presets = presets
    }

    /// The file of a page, below the folder of the documentation.
    package static func file(of name: String) -> String {
        name == "file" ? "Reference.md" : "Reference-\(name).md"
    }

    /// The text of a page; `nil` for an unknown name.
    package func text(of name: String) -> String? {
        var page = self
        switch name {
        case "file": page.addFile()
        case "sources": page.addSources()
        case "sinks": page.addSinks()
        default: return nil
        }
        return page.lines.joined(separator: "\n") + "\n"
    }

    private mutating func addFile() {
        self.add(
            "# Reference",
            "Every key of the file, every condition, every name in templates and every preset.",
            Self.origin("file"),
            "<doc:Reference-sources> and <doc:Reference-sinks> list the keys of each kind. `streambridge adapters KIND` prints those of one"
                + " kind, and `streambridge schema` prints all as a JSON Schema, see <doc:Schema>.")
        self.add("## Notation", Self.notation)
        self.add("## The file")
        let outer = BridgeLoader.declarations
        self.addTable(outer.map { SettingRow(key: $0.name, declaration: $0) })
        for name in ["service", "http", "log", "defaults"] {
            guard let declaration = outer.first(where: { $0.name == name }) else { continue }
            self.add("### \(name)", "\(declaration.summary).")
            self.addTable(SettingRow.rows(of: declaration.type.members))
        }
        self.add("### routes", "Each item of the list is a mapping.")
        self.addTable(SettingRow.rows(of: BridgeLoader.route))
        self.add(
            "## Conditions",
            "The keys of `match`, `bypass` and `except`. All keys of one mapping must match; an absent value never matches.")
        self.addTable(DeclaredForm.filter.members.map { SettingRow(key: $0.name, declaration: $0) })
        self.add(
            "### Operators",
            "Of `payload.<path>` and `attributes.<name>`; `title` and `message` take those of texts, `priority` those of numbers."
        )
        self.addTable(FilterDeclarations.valueOperators.map { SettingRow(key: $0.name, declaration: $0) })
        self.add("Those of `tags`:")
        self.addTable(FilterDeclarations.tagOperators.map { SettingRow(key: $0.name, declaration: $0) })
        self.add(
            "## Names in templates and expressions",
            "What `{{ … }}`, `when` and `set` can use, see <doc:Templates> and <doc:Expressions>.")
        self.add(
            "| name | meaning |\n|---|---|\n"
                + TemplateBinding.all.map { "| `\($0.name)` | \(Self.cell($0.summary)) |" }.joined(separator: "\n"))
        self.add(
            "## Values",
            "A mapping in `json`, in `headers` and in `body` of a webhook sink that stands for a value, see <doc:Templates>.")
        self.addTable(SettingRow.rows(of: DeclaredForm.value.members))
        self.add("One of two values:")
        self.addTable(SettingRow.rows(of: DeclaredForm.condition))
        self.add("## Fields of cases", "A mapping for a field in `set` of `normalise.cases`, see <doc:Reading-messages>.")
        self.addTable(SettingRow.rows(of: DeclaredForm.field.members))
        self.add("## Presets", "<doc:Presets> describes them; `streambridge presets show NAME` prints one.")
        self.add(
            "| preset | for | type | meaning |\n|---|---|---|---|\n"
                + self.presets.map {
                    "| `\($0.name)` | \($0.direction.rawValue) | `\($0.kind?.rawValue ?? "")` | \(Self.cell($0.summary)) |"
                }.joined(separator: "\n"))
    }

    private mutating func addSources() {
        self.add(
            "# Reference of sources", "The keys of `sources.NAME`, by `type`.", Self.origin("sources"),
            "<doc:Reference> explains the notation.")
        self.add("## Every source")
        self.addTable(SettingRow.rows(of: SourceDeclaration.settings.declarations))
        for source in self.catalog.sources.values.sorted(by: { $0.kind.rawValue < $1.kind.rawValue }) {
            self.add("## \(source.kind)")
            self.addTable(SettingRow.rows(of: source.settings))
        }
    }

    private mutating func addSinks() {
        self.add(
            "# Reference of sinks",
            "The keys of `sinks.NAME`, by `type`. A route can override those with the sign ↻ in `with`.", Self.origin("sinks"),
            "<doc:Reference> explains the notation.")
        self.add("## Every sink")
        self.addTable(SettingRow.rows(of: SinkDeclaration.settings.declarations))
        for sink in self.catalog.sinks.values.sorted(by: { $0.kind.rawValue < $1.kind.rawValue }) {
            self.add("## \(sink.kind)")
            self.addTable(SettingRow.rows(of: sink.settings) + SettingRow.rows(of: sink.retrySettings, within: "retry."))
        }
    }

    private mutating func add(_ paragraphs: String...) {
        for paragraph in paragraphs {
            if !self.lines.isEmpty { self.lines.append("") }
            self.lines.append(paragraph)
        }
    }

    private mutating func addTable(_ rows: [SettingRow]) {
        var text = "| key | meaning | type | default | example |\n|---|---|---|---|---|"
        for row in rows {
            let sign = row.declaration.isPerRoute ? " ↻" : ""
            let standard =
                row.standard.isEmpty || !row.declaration.hasLiteralDefault ? Self.cell(row.standard) : Self.code(row.standard)
            let hasMembers = if case .group = row.declaration.type { true } else { false }
            let example = hasMembers ? "" : Self.code(row.declaration.example)
            text +=
                "\n| `\(row.key)`\(sign) | \(Self.cell(row.summary)) | \(Self.cell(row.declaration.type.brief)) | \(standard) | \(example) |"
        }
        self.add(text)
    }

    private static func cell(_ text: String) -> String {
        text.replacing("|", with: "\\|").replacing("<", with: "&lt;").replacing("\n", with: " ")
    }

    private static func code(_ text: String) -> String { "`\(text.replacing("|", with: "\\|").replacing("\n", with: " "))`" }

    private static func origin(_ name: String) -> String {
        "The program writes this page from its declarations: `streambridge schema --reference \(name)`. A test fails when the two differ."
    }

    private static let notation = """
        - A duration is a number with a unit: `500ms`, `30s`, `5m`, `24h`, `7d`.
        - A size is a number of bytes, or one with a unit: `512`, `64KiB`, `16MiB`, `1GiB`; `kB`, `MB` and `GB` are powers of 1000.
        - A template is text with `{{ … }}`. A secret is text that no message and no log line shows.
        - In every value, `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}` insert text, also where a number or a boolean is expected;
          `$$` is a `$`.
        - A key without a value counts as left out, unless the key protects something: then it is refused.
        - Keys at the top level that begin with `x-` are free for the author of the file, such as anchors for merge keys (`<<`).
        - `subscribe[].topic` is a key of each item of a list; `NAME` stands for a name of your own.
        """
}
