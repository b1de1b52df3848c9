import ArgumentParser
import BridgeConfiguration
import BridgeCore

/// `streambridge schema`.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of the file, for editors and validators.",
        discussion: """
            Editors complete and check a file whose first line is `# yaml-language-server: $schema=streambridge.schema.json`, with the \
            output of this command in that file.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Print a page of the documentation instead: \(ReferencePage.names.joined(separator: ", ")).", visibility: .hidden))
    var reference: String?

    func run() throws {
        let catalog = AdapterCatalog.shipped
        guard let reference else { return try StandardOutput.write(line: FileSchema(catalog: catalog).root.text) }
        guard let page = ReferencePage(catalog: catalog).text(of: reference) else {
            throw ValidationError(
                "no page is called '\(reference)'\(NearestName.hint(for: reference, among: ReferencePage.names))")
        }
        try StandardOutput.write(line: String(page.dropLast()))
    }
}
