import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import FoundationEssentials
import StreamBridge
import Testing

/// Every YAML block of the documentation, and the configuration that ships, as the program reads them.
struct DocumentationTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    /// The blocks that show parts of a configuration file, each with its page.
    private static func blocks() throws -> [(page: String, text: String)] {
        let adapters = ["File", "MQTT", "Redis", "SMTP", "SSE", "Webhook"].map { "Sources/Adapters/\($0)/Documentation.docc" }
        var pages = ["README.md"]
        pages += ["Access", "Delivery-guarantees", "HTTP-server", "Log", "Operations", "Shaping-the-flow", "Templates"].map {
            "Sources/BridgeCore/Documentation.docc/\($0).md"
        }
        for folder in adapters {
            let names = try FileManager.default.contentsOfDirectory(atPath: "\(self.root)/\(folder)")
            pages += names.filter { $0.hasSuffix(".md") }.map { "\(folder)/\($0)" }
        }
        return try pages.flatMap { page in
            try self.text(page).split(separator: "```yaml\n", omittingEmptySubsequences: false).dropFirst().map { rest in
                (page, String(rest.prefix(upTo: rest.firstRange(of: "```")?.lowerBound ?? rest.endIndex)))
            }
        }
    }

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: "\(self.root)/\(path)"), encoding: .utf8)
    }

    private static func mistakes(_ text: String, file: String) -> [Diagnostic] {
        var environment: [String: String] = [:]
        for part in text.split(separator: "${env:").dropFirst() {
            let name = part.prefix { $0 != "}" && $0 != ":" }
            if part[name.endIndex...].first == "}" { environment[String(name)] = "https://example.test/\(name)" }
        }
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: environment,
            readFile: { _ in "secret\n" })
        do {
            _ = try loader.load(text: text, file: file)
            return []
        } catch {
            return error.diagnostics
        }
    }

    @Test func `every YAML block is correct`() throws {
        let blocks = try Self.blocks()
        #expect(blocks.count >= 8)
        // A page shows a part: what the rest of the file would hold may be missing.
        let parts: Set<String> = ["'sources' is missing", "'sinks' is missing", "'routes' is missing"]
        for block in blocks {
            #expect(Self.mistakes(block.text, file: block.page).filter { !parts.contains($0.message) } == [])
        }
    }

    @Test(arguments: ["bridges.yaml", "deploy/second.yaml"])
    func `the configuration that ships is correct without any environment`(file: String) throws {
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: [:],
            readFile: { _ in "" })
        let plan = try loader.load(text: try Self.text(file), file: file)
        #expect(plan.warnings == [])
    }
}
