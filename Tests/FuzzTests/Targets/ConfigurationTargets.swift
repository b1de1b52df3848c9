import BridgeConfiguration
import BridgeCore
import FileAdapter
import MQTTAdapter
import NIOCore
import RedisAdapter
import SSEAdapter
import WebhookAdapter

extension FuzzTarget {
    /// The file: a plan, or mistakes with places within it.
    static let configuration = FuzzTarget(
        "configuration",
        seeds: [
            "sources: { in: { type: webhook, id: in } }\nsinks: { out: { type: sse, stream: out } }\nroutes: [{ to: out }]\n",
            "version: 1\nservice: { drain: 30s, log: { level: info } }\nhttp: { listen: \"[::1]:8080\", access: { tokens: [ { token: a, subscribe: [\"#\"] } ] } }\n",
            "sources:\n  a: { type: mqtt, url: \"mqtt://u:p@h:1\", subscribe: [{ topic: \"a/#\", qos: 1 }], ack: logged }\nsinks:\n  b: { type: redis, url: \"redis://h\", channel: \"{{ .title }}\" }\nroutes:\n  - { match: { subject: \"a/+\", priority: { gte: 4 } }, set: { title: \"x\" }, to: [b] }\n",
            "a: &x [1, *x]\n", "<<: { a: b }\n", "? [a]\n: b\n", "!!binary x\n", "sources: ${env:X}\n",
            "log: { kind: sqlite, path: x, retain: { age: 7d } }\n",
            "defaults: { dead_letter: x, sink: { retry: { initial: 1ms } } }\n",
            "--- a\n...\n--- b\n", "\u{FEFF}a: b\n", "a: |\n  b\n c\n", "{a: [b, {c: d}]}",
        ],
        words: [
            "sources:", "sinks:", "routes:", "type: ", "mqtt", "redis", "redis-stream", "sse", "webhook", "file",
            "home_assistant:", "url: ",
            "match: {", "set: {", "to: [", "when: ", "&a", "*a", "<<: ", "!!", "${env:", "{{ ", " }}", "|\n", "- ", ": ", "\n  ",
        ]
    ) { bytes in
        guard bytes.count <= 20_000, let text = String(validating: bytes, as: UTF8.self) else { return }
        let loader = BridgeLoader(
            catalog: Self.catalog, expressions: NoExpressions(), environment: ["X": "x"], readFile: { _ in "x" })
        do throws(ConfigurationErrors) {
            _ = try loader.load(text: text, file: "f")
        } catch {
            try FuzzFailure.unless(!error.diagnostics.isEmpty, "refused without a reason")
            for mistake in error.diagnostics {
                try FuzzFailure.unless(
                    mistake.line >= 1 && mistake.column >= 1 && !mistake.message.isEmpty, "a mistake without a place: \(mistake)")
            }
        }
    }

    private static let catalog: AdapterCatalog = {
        var catalog = AdapterCatalog()
        catalog.add(FileSource.self)
        catalog.add(FileSink.self)
        catalog.add(MQTTSource.self)
        catalog.add(MQTTSink.self)
        catalog.add(RedisSource.self)
        catalog.add(RedisSink.self)
        catalog.add(RedisStreamSource.self)
        catalog.add(RedisStreamSink.self)
        catalog.add(SSESource.self)
        catalog.add(SSESink.self)
        catalog.add(WebhookSource.self)
        catalog.add(WebhookSink.self)
        return catalog
    }()

    private struct NoExpressions: ExpressionCompiler {
        func compile(_ text: String) throws -> any Expression { throw ExpressionError("there is no jq here") }
    }
}
