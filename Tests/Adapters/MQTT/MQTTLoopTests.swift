import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

/// Loops: refused where the file shows them, and slowed where it does not.
@Suite(.timeLimit(.minutes(2)))
struct MQTTLoopTests {
    private func source(_ rest: String) throws -> MQTTSource.Configuration {
        try settings(MQTTSource.Configuration.self, #"{"url": "mqtt://broker", \#(rest)}"#)
    }

    private func sink(_ rest: String) throws -> MQTTSink.Configuration {
        try settings(MQTTSink.Configuration.self, #"{"url": "mqtt://broker", \#(rest)}"#)
    }

    private static let old = #""protocol": "3.1.1""#

    @Test func `a constant topic that the source receives is a loop where nothing carries the origin of an event`() throws {
        let source = try self.source(##""subscribe": ["b", "a/#"], \##(Self.old)"##)
        let sink = try self.sink(#""topic": "a/out", "format": "raw", \#(Self.old)"#)
        #expect(
            sink.loopWarning(through: source)?.description
                == "topic: events would loop forever: a/out returns through the filter a/#, and with protocol: 3.1.1 and format: raw"
                + " it carries no mark of its origin; publish to a topic that no filter matches, or write protocol: 5 at both"
        )
        #expect(try self.sink(#""topic": "a/out", "body": "x""#).loopWarning(through: source) != nil)
    }

    @Test func `other topics, brokers, formats and versions are not loops`() throws {
        let old = try self.source(##""subscribe": "a/#", \##(Self.old)"##)
        let new = try self.source(##""subscribe": "a/#""##)
        for sink in [
            #""topic": "b/out", "format": "raw", \#(Self.old)"#, #""topic": "a/{{ .title }}", "format": "raw", \#(Self.old)"#,
            #""topic": "a/out", "format": "json", \#(Self.old)"#,
        ] { #expect(try self.sink(sink).loopWarning(through: old) == nil, "\(sink)") }
        #expect(try self.sink(#""topic": "a/out", "format": "raw""#).loopWarning(through: new) == nil)
        let other = try settings(
            MQTTSink.Configuration.self, #"{"url": "mqtt://other", "topic": "a/out", "format": "raw", \#(Self.old)}"#)
        #expect(other.loopWarning(through: old) == nil)
    }

    private func file(_ port: Int, route: String = "", topic: String = "a/out") -> String {
        """
        sources:
          in: { type: mqtt, url: "mqtt://127.0.0.1:\(port)", protocol: "3.1.1", subscribe: a/# }
        sinks:
          out: { type: mqtt, url: "mqtt://127.0.0.1:\(port)", protocol: "3.1.1", topic: "\(topic)", keep_slashes: true, format: raw }
        routes:
          - { from: [in], to: [out]\(route) }
        """
    }

    @Test func `check refuses a loop of constants, but not one that a condition may end`() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(self.file(1883), to: "circle.yaml")
        let refused = try await BridgeProcess.command("check", file)
        #expect(refused.code == 78)
        #expect(
            (refused.output + refused.error).contains("events would loop forever: a/out returns through the filter a/#"))
        let other = try directory.write(self.file(1883, route: ", match: { subject: a/in }"), to: "condition.yaml")
        #expect(try await BridgeProcess.command("check", other).code == 0)
    }

    @Test func `a loop that the file does not show is slowed and reported, and other topics continue`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let watcher = try await MQTTPeer.connect(port: broker.port)
        try await watcher.subscribe("a/#")
        let file = self.file(broker.port, topic: "{{ $segments[0] }}/out").replacing(
            "keep_slashes: true", with: "any_topic: true")
        let bridge = try await BridgeProcess.start(file)
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("round", on: "a/in")
        try await eventually("it is reported") { bridge.process.standardError.contains("Feedback loop detected") }
        let rounds = watcher.count
        #expect(rounds < 5000)
        #expect(try await bridge.get("/readyz").text.contains("feedback loop at the topic a/out"))
        #expect(try await bridge.metric("streambridge_mqtt_feedback_total") == 1)
        try await peer.publish("another", on: "a/in")
        try await eventually { watcher.messages.contains { $0.topic == "a/out" && $0.text == "another" } }
        #expect(watcher.count < rounds + 1000)
        _ = try await bridge.stop()
    }
}
