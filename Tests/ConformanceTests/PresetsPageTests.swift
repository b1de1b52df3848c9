import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import FoundationEssentials
import StreamBridge
import Testing

/// Every preset that ships can be loaded, and is on the page.
struct PresetsPageTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    @Test func `the table has every preset, with its direction and type, and no other`() throws {
        let page = try String(
            contentsOf: URL(filePath: "\(Self.root)/Sources/BridgeCore/Documentation.docc/Presets.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `") }.map { row in
            row.split(separator: "|").prefix(3).map { cell in String(cell.filter { $0 != " " && $0 != "`" }) }
        }
        let presets = Preset.shipped.map { [$0.name, $0.direction.rawValue, $0.kind?.rawValue ?? ""] }
        for preset in presets { #expect(rows.contains(preset), "\(preset) is not in the table") }
        #expect(rows.count == presets.count)
    }

    /// The variables that hold the whole address of a receiver.
    private static let addresses = [
        "SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/k", "MATTERMOST_WEBHOOK": "https://chat.test/hooks/k",
        "DISCORD_WEBHOOK": "https://discord.com/api/webhooks/1/t", "TEAMS_WORKFLOW": "https://teams.test/workflows/a?sig=s",
    ]

    @Test(arguments: Preset.shipped)
    func `the example of a preset is a complete file, and is on the page`(of preset: Preset) throws {
        var environment: [String: String] = [:]
        for part in preset.example.split(separator: "${env:").dropFirst() {
            let name = String(part.prefix { $0 != "}" })
            environment[name] = Self.addresses[name] ?? "secret-value"
        }
        let loader = BridgeLoader(
            catalog: .shipped, expressions: Self.compiler, environment: environment, readFile: { _ in "" })
        let plan = try loader.load(text: preset.example, file: "\(preset.name).yaml")
        #expect(plan.sources.count == 1 && plan.sinks.count == 1)
        let page = try String(
            contentsOf: URL(filePath: "\(Self.root)/Sources/BridgeCore/Documentation.docc/Preset-examples.md"), encoding: .utf8)
        #expect(page.contains("```yaml\n\(preset.example)\n```"), "streambridge presets show \(preset.name) --example")
    }

    /// A source with the preset and what each source of its type needs.
    private static func load(_ name: String, _ more: String = "") throws -> BridgePlan {
        let preset = try #require(Preset.shipped.first { $0.name == name && $0.direction == .source })
        let address =
            switch preset.kind?.rawValue {
            case "mqtt": "url: mqtt://h"
            case "sse": "url: http://h"
            case "redis": "url: redis://h" + (name == "sidekiq" ? ", lists: l" : "")
            case "redis-stream": "url: redis://h, stream: s"
            default: "required: true"
            }
        let text = """
            sources: { x: { preset: \(name), \(address)\(more) } }
            sinks: { y: { type: file, path: '-' } }
            routes: [{ to: y }]
            """
        let loader = BridgeLoader(catalog: .shipped, expressions: Self.compiler, environment: [:], readFile: { _ in "" })
        return try loader.load(text: text, file: "bridges.yaml")
    }

    @Test(arguments: Preset.shipped.filter { $0.direction == .source }.map(\.name))
    func `a source needs no more than the preset and an address`(of name: String) throws {
        let warnings = try Self.load(name).warnings
        #expect(warnings.isEmpty)
    }

    @Test(arguments: [
        ("github", "unknown key 'secret'; write signature: { secret: … }"),
        ("stripe", "unknown key 'secret'; write signature: { secret: … }"),
        ("gitlab", "unknown key 'secret'; did you mean 'token'?"),
        ("alertmanager", "unknown key 'secret'; did you mean 'token'?"),
        ("plex", "unknown key 'secret'; write token: …, or signature: { secret: … } for requests that are signed"),
    ])
    func `a secret at the wrong key is explained once`(name: String, message: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.load(name, ", secret: s") }
        #expect(error?.diagnostics.map(\.message) == [message], "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("github", "signature: { secret: s }"), ("gitea", "signature: { secret: s }"), ("grafana", "signature: { secret: s }"),
        ("sentry", "signature: { secret: s }"), ("slack", "signature: { secret: s }"), ("stripe", "signature: { secret: s }"),
        ("gitlab", "token: t"), ("alertmanager", "token: t"), ("uptime-kuma", "token: t"), ("sonarr", "user: u, password: p"),
    ])
    func `a webhook takes the credentials that its sender has`(name: String, keys: String) throws {
        let warnings = try Self.load(name, ", \(keys)").warnings
        #expect(warnings.isEmpty)
    }
}
