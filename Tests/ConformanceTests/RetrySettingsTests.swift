import BridgeConfiguration
import BridgeCore
import Expressions
import StreamBridge
import Testing

/// `retry:` in the file, as each kind of component takes it.
struct RetrySettingsTests {
    private static func load(_ yaml: String) throws(ConfigurationErrors) -> BridgePlan {
        let loader = BridgeLoader(catalog: .shipped, expressions: JQCompiler(), environment: [:], readFile: { _ in "" })
        return try loader.load(text: yaml, file: "bridges.yaml")
    }

    private static func yaml(sink: String, source: String = "", defaults: String = "{}") -> String {
        """
        defaults: \(defaults)
        sources: { in: { type: webhook, id: hello\(source) } }
        sinks:
          out: { type: webhook, url: "https://a.example/"\(sink) }
          lines: { type: file, path: out.ndjson }
        routes: [{ to: [out, lines] }]
        """
    }

    private static func mistakes(_ yaml: String) -> [String] {
        do {
            _ = try self.load(yaml)
            return []
        } catch {
            return error.diagnostics.map { "\($0.line): \($0.message)" }
        }
    }

    @Test func `a webhook sink configures which statuses are retried and for how long`() throws {
        let plan = try Self.load(Self.yaml(sink: ", retry: { on: [404, 5xx, 409-410], for: 10m }"))
        #expect(plan.sinks[0].delivery.retry.limit == .seconds(600))
        #expect(plan.sinks[0].delivery.retry.attempts == 0, "a limit in time alone is the only limit")
        #expect(plan.sinks[1].delivery.retry == RetrySettings())
        #expect(plan.warnings == [])
    }

    @Test func `limits in attempts and in time combine, and defaults apply to every sink`() throws {
        let both = try Self.load(Self.yaml(sink: ", retry: { attempts: 5, for: 1h }")).sinks[0].delivery.retry
        #expect(both.attempts == 5 && both.limit == .seconds(3600))
        let defaults = try Self.load(Self.yaml(sink: ", retry: { max: 5s }", defaults: "{ sink: { retry: { for: 1h } } }"))
        #expect(defaults.sinks.map(\.delivery.retry.limit) == [.seconds(3600), .seconds(3600)])
        #expect(defaults.sinks[0].delivery.retry.maximum == .seconds(5))
        let never = try Self.load(Self.yaml(sink: ", retry: { attempts: 0 }")).sinks[0].delivery.retry
        #expect(never.attempts == 0 && never.limit == nil)
    }

    @Test(arguments: [
        ", retry: { for: 0s }", ", retry: { for: soon }", ", retry: { on: [200] }", ", retry: { on: [6xx] }",
        ", retry: { on: 404 }",
        ", retry: { one: [404] }", ", retry: { attempts: -1 }",
    ])
    func `an invalid retry of a webhook sink is refused at its line`(sink: String) {
        let mistakes = Self.mistakes(Self.yaml(sink: sink))
        #expect(mistakes.count == 1 && mistakes[0].hasPrefix("4: "), "\(mistakes)")
    }

    @Test func `statuses are refused where nothing answers with one, and limits where nothing is given up`() {
        let file = """
            sources: { in: { type: webhook, id: hello, retry: { for: 1h, attempts: 3 } } }
            sinks: { lines: { type: file, path: out.ndjson, retry: { on: [404] } } }
            routes: [{ to: [lines] }]
            """
        #expect(
            Self.mistakes(file) == [
                "1: unknown key 'for'; there are factor, initial, max",
                "1: unknown key 'attempts'; there are factor, initial, max",
                "2: unknown key 'on'; there are attempts, factor, for, initial, max",
            ])
        #expect(Self.mistakes(Self.yaml(sink: "", defaults: "{ sink: { retry: { on: [404] } } }")).count == 1)
    }

    @Test func `a template within a JSON string of a body draws a warning at its location`() throws {
        let plan = try Self.load(Self.yaml(sink: #", body: '{"text": "{{ .message }}"}'"#))
        #expect(plan.warnings.map(\.line) == [4])
        #expect(plan.warnings.first?.message.hasPrefix("{{ .message }} is within a JSON string") == true)
    }

    @Test func `a body of structure keeps the types that the file writes`() throws {
        let plan = try Self.load(
            Self.yaml(sink: #", json: { text: "{{ .message }}", n: 1, s: "1", yes: true, t: "true", none: null, list: [1.5] }"#))
        #expect(plan.warnings == [])
    }
}
