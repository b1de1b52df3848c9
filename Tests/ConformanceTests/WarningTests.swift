import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import StreamBridge
import Testing

/// Warnings that need what the kinds of sources and sinks know of their addresses.
struct WarningTests {
    private static func warnings(_ text: String) throws -> [String] {
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: [:],
            readFile: { _ in "" })
        return try loader.load(text: text, file: "b.yaml").warnings.map(\.description)
    }

    private static let dropped = "each is dropped when it comes back, so read or write another place, or give the route a match"

    @Test func `a sink that writes what a source of its route reads brings a warning`() throws {
        let found = try Self.warnings(
            """
            sources: { h: { type: mqtt, url: "mqtt://h", subscribe: "z/#" } }
            sinks: { s: { type: mqtt, url: "mqtt://h", topic: z/out } }
            routes: [{ to: s }]
            """)
        #expect(
            found == [
                "b.yaml:2:51: warning: sinks.s.topic: events return to their source: h reads what this sink writes to z/out; \(Self.dropped)"
            ])
    }

    @Test func `a loop through MQTT and Redis brings one warning`() throws {
        let found = try Self.warnings(
            """
            sources: { h: { type: mqtt, url: "mqtt://h", subscribe: "z/#" }, r: { type: redis, url: "redis://h", channels: b } }
            sinks: { s: { type: redis, url: "redis://h", channel: b }, t: { type: mqtt, url: "mqtt://h", topic: z/out } }
            routes: [{ from: h, to: s }, { from: r, to: t }]
            """)
        #expect(
            found == [
                "b.yaml:2:55: warning: sinks.s.channel: events return to their source: r reads what this sink writes to b, and it goes on through h; \(Self.dropped)"
            ])
    }

    @Test func `a long loop is reported in short, and of many loops the first twenty are`() throws {
        func file(_ count: Int, next: (Int) -> Int) -> String {
            let sources = (0..<count).map { "  s\($0): { type: redis, url: \"redis://h\", channels: c\($0) }\n" }.joined()
            let sinks = (0..<count).map { "  k\($0): { type: redis, url: \"redis://h\", channel: c\($0) }\n" }.joined()
            let routes = (0..<count).map { "  - { from: s\($0), to: k\(next($0)) }\n" }.joined()
            return "sources:\n\(sources)sinks:\n\(sinks)routes:\n\(routes)"
        }
        let long = try Self.warnings(file(50) { ($0 + 1) % 50 })
        #expect(long.count == 1)
        #expect(
            long[0].hasSuffix("it goes on through s1, then s2, then s3, then s4, then s5, and 44 more; \(Self.dropped)"),
            "\(long)")
        #expect(try Self.warnings(file(50) { $0 }).count == 20)
    }

    @Test(arguments: [
        #"routes: [{ match: { tags: x }, to: s }]"#, #"routes: [{ when: .payload.a, to: s }]"#,
    ])
    func `a route with a condition brings no warning of loops`(routes: String) throws {
        let found = try Self.warnings(
            """
            sources: { h: { type: mqtt, url: "mqtt://h", subscribe: "z/#" } }
            sinks: { s: { type: mqtt, url: "mqtt://h", topic: z/out } }
            \(routes)
            """)
        #expect(found == [])
    }

    @Test(arguments: [
        (
            "subject: 'home/#'",
            ["routes[0].match.subject: 'home/#' never matches, because the sources of the route read only z/#, news"]
        ),
        (
            "subject: [z/a, home/b]",
            ["routes[0].match.subject[1]: 'home/b' never matches, because the sources of the route read only z/#, news"]
        ),
        ("subject: '+/a'", []), ("subject: news", []), ("subject: 'n*'", []), ("source: h, subject: z", []),
        (
            "source: r, subject: 'z/#'",
            ["routes[0].match.subject: 'z/#' never matches, because the sources of the route read only news"]
        ),
    ])
    func `a subject that no source of a route has brings a warning`(match: String, expected: [String]) throws {
        let found = try Self.warnings(
            """
            sources: { h: { type: mqtt, url: "mqtt://h", subscribe: "z/#" }, r: { type: redis, url: "redis://h", channels: news } }
            sinks: { s: { type: sse, stream: a } }
            routes:
              - { match: { \(match) }, to: s }
            """)
        #expect(found.map { String($0.split(separator: ": warning: ")[1]) } == expected.map { $0 + "; correct one of them" })
    }

    @Test func `subjects of sources that may change them bring no warning`() throws {
        let found = try Self.warnings(
            """
            sources:
              h:
                type: mqtt
                url: "mqtt://h"
                subscribe: "z/#"
                normalise: { cases: [{ set: { subject: "{{ .payload.room }}" } }] }
            sinks: { s: { type: sse, stream: a } }
            routes: [{ match: { subject: kitchen }, to: s }]
            """)
        #expect(found == [])
    }
}
