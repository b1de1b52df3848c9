import BridgeTesting
import Testing

/// What a broker had kept, seen by routes.
@Suite(.timeLimit(.minutes(1)))
struct RetainedTests {
    @Test(arguments: ["3.1.1", "5"])
    func `a route can tell retained messages from live ones`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.publish("kept", on: "a", retain: true)
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", protocol: "\(version)", subscribe: a }
            sinks:
              live: { type: file, path: "{directory}/live" }
              kept: { type: file, path: "{directory}/kept" }
            routes:
              - { to: live, when: '$attributes.retained == "false"' }
              - { to: kept, when: '$attributes.retained == "true"' }
            """
        )
        try await peer.publish("live", on: "a")
        try await eventually { !bridge.lines(of: "live").isEmpty && !bridge.lines(of: "kept").isEmpty }
        #expect(try await bridge.stop() == .exited(0))
        #expect(try ReceivedEvent.all(bridge.lines(of: "live")).map(\.message) == ["live"])
        #expect(try ReceivedEvent.all(bridge.lines(of: "kept")).map(\.message) == ["kept"])
    }
}
