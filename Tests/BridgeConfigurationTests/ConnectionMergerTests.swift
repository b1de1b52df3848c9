import BridgeConfiguration
import BridgeCore
import Testing

struct ConnectionMergerTests {
    private func file(_ connections: String, _ source: String, _ sink: String = "type: fake") -> String {
        """
        connections: { \(connections) }
        sources: { in: { \(source) } }
        sinks: { out: { \(sink) } }
        routes: [{ to: out }]
        """
    }

    @Test func `a component has the keys of its connection, and its own win`() throws {
        let plan = try load(
            self.file(
                "broker: { type: fake, url: here, port: 5, topics: [a], timeout: 2s }", "connection: broker, port: 6, topics: [b]"
            ))
        let settings = try #require(plan.sources[0].settings as? FakeSource.Configuration)
        #expect(settings.url == "here")
        #expect(settings.port == 6)
        #expect(settings.topics == ["b"])
        #expect(settings.timeout == .seconds(2))
        #expect(plan.warnings.isEmpty)
    }

    @Test func `mappings are merged, and a preset gives way to the connection`() throws {
        let preset = Preset("p", .source, "type: fake\nurl: preset\nport: 9\nretry: { initial: 7s, max: 8s }\n")
        let plan = try load(
            self.file("c: { url: shared, retry: { initial: 3s } }", "preset: p, connection: c"), presets: [preset])
        let settings = try #require(plan.sources[0].settings as? FakeSource.Configuration)
        #expect(settings.url == "shared")
        #expect(settings.port == 9)
        #expect(plan.sources[0].retry.initial == .seconds(3))
        #expect(plan.sources[0].retry.maximum == .seconds(8))
    }

    @Test func `sources and sinks share a connection, with anchors beside it`() throws {
        let plan = try load(
            """
            x-common: &common { port: 3 }
            connections: { c: { type: fake } }
            sources: { a: { connection: c, url: x, <<: *common }, b: { connection: c, url: y, port: 4 } }
            sinks: { out: { connection: c, host: z } }
            routes: [{ to: out }]
            """)
        #expect(plan.sources.compactMap { ($0.settings as? FakeSource.Configuration)?.port } == [3, 4])
    }

    @Test func `mistakes of connections are reported where they are written`() {
        func found(_ connections: String, _ source: String) -> [String] { mistakes(self.file(connections, source)) }
        #expect(
            found("broker: { url: x }", "type: fake, connection: brocker") == [
                "bridges.yaml:2:42: error: sources.in.connection: no connection is called 'brocker'; did you mean 'broker'?"
            ])
        #expect(
            found("broker: { url: x, prot: 5 }", "type: fake, connection: broker") == [
                "bridges.yaml:1:34: error: sources.in: unknown key 'prot'; did you mean 'port'?"
            ])
        #expect(
            found("broker: { type: other, url: x }", "type: fake, connection: broker") == [
                "bridges.yaml:2:24: error: sources.in.type: the connection 'broker' is for other; leave one 'type' out"
            ])
        #expect(
            found("a: { url: x, connection: b, preset: p }, b: 5", "type: fake, connection: a") == [
                "bridges.yaml:1:41: error: connections.a.connection: a connection cannot have a 'connection'; write it at the source or sink",
                "bridges.yaml:1:52: error: connections.a.preset: a connection cannot have a 'preset'; write it at the source or sink",
                "bridges.yaml:1:60: error: connections.b: must be a mapping of the keys that sources and sinks share, such as 'url'",
            ])
        #expect(
            found("a: { url: x }", "type: fake, connection: [a]") == [
                "bridges.yaml:2:42: error: sources.in.connection: must be the name of a connection"
            ])
    }

    @Test func `a connection that nobody uses is a warning`() throws {
        let plan = try load(self.file("c: { url: x }", "type: fake, url: y"))
        #expect(
            plan.warnings.map(\.description) == [
                "bridges.yaml:1:19: warning: connections.c: no source or sink uses this connection"
            ])
    }
}
