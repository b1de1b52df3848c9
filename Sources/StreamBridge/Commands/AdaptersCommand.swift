import ArgumentParser
import BridgeConfiguration
import BridgeCore

/// `streambridge adapters [KIND]`.
struct AdaptersCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapters",
        abstract: "List the kinds of sources and sinks with their keys.",
        discussion:
            "With a KIND, show every key with its meaning, type, default and an example, including the keys of all sources and sinks."
    )

    @Argument(help: "A kind, such as mqtt.")
    var kind: String?

    func run() throws {
        let catalog = AdapterCatalog.shipped
        let kinds = Set(catalog.sources.keys).union(catalog.sinks.keys).map(\.rawValue).sorted()
        if let kind {
            guard kinds.contains(kind) else {
                throw ValidationError("no adapter is called '\(kind)'\(NearestName.hint(for: kind, among: kinds))")
            }
            try StandardOutput.write { try Self.describe(ComponentKind(rawValue: kind), catalog, to: &$0) }
        } else {
            try StandardOutput.write { output in
                for kind in kinds { try Self.list(ComponentKind(rawValue: kind), catalog, to: &output) }
                try output.add(line: "every kind")
                try output.add(line: "  source  \(Self.names(SourceDeclaration.settings.declarations))")
                try output.add(line: "  sink    \(Self.names(SinkDeclaration.settings.declarations))")
            }
        }
    }

    /// The keys of a kind, each of its components on a line.
    private static func list(_ kind: ComponentKind, _ catalog: AdapterCatalog, to output: inout StandardOutput) throws {
        try output.add(line: "\(kind)")
        if let source = catalog.sources[kind] { try output.add(line: "  source  \(Self.names(source.settings))") }
        guard let sink = catalog.sinks[kind] else { return }
        try output.add(line: "  sink    \(Self.names(sink.settings))")
        let perRoute = sink.settings.filter(\.isPerRoute)
        if !perRoute.isEmpty { try output.add(line: "  with    \(Self.names(perRoute))") }
    }

    private static func names(_ settings: [SettingDeclaration]) -> String {
        settings.map(\.name).sorted().joined(separator: ", ")
    }

    /// The keys of a kind with what is known of each.
    private static func describe(_ kind: ComponentKind, _ catalog: AdapterCatalog, to output: inout StandardOutput) throws {
        let list = SettingList(width: StandardOutput.width)
        func add(_ title: String, _ rows: [SettingRow]) throws {
            try output.add(line: title)
            for line in list.lines(of: rows) { try output.add(line: line) }
        }
        if let source = catalog.sources[kind] {
            try add("\(kind) source", SettingRow.rows(of: source.settings))
            try add("every source", SettingRow.rows(of: SourceDeclaration.settings.declarations))
            try add("fields of normalise.cases[].set", SettingRow.rows(of: DeclaredForm.field.members))
        }
        if let sink = catalog.sinks[kind] {
            let common = SinkDeclaration.settings.declarations.first { $0.name == "retry" }?.type.members ?? []
            let retry = sink.retrySettings.filter { own in !common.contains { $0.name == own.name } }
            try add("\(kind) sink", SettingRow.rows(of: sink.settings) + SettingRow.rows(of: retry, within: "retry."))
            try add("every sink", SettingRow.rows(of: SinkDeclaration.settings.declarations))
        }
    }
}
