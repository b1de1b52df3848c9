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

    @Test(arguments: ["3.1.1", "5"], ["memory", "sqlite"])
    func `with first_time a restart brings only what has changed`(version: String, log: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let peer = try await MQTTPeer.connect(port: broker.port)
        let yaml = """
            log: { kind: \(log) }
            sources:
              in:
                type: mqtt
                url: mqtt://127.0.0.1:\(broker.port)
                protocol: "\(version)"
                subscribe: { topic: "a/#", qos: 0, retained: first_time }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """
        func texts(_ bridge: BridgeProcess) throws -> [String] { try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message) }
        for topic in 0..<200 { try await peer.publish("same \(topic)", on: "a/\(topic)", retain: true) }
        var bridge = try await BridgeProcess.start(yaml)
        try await eventually("all have come") { bridge.lines(of: "out").count == 200 }
        try await peer.publish("seen live", on: "a/live", retain: true)
        try await eventually("it has come") { bridge.lines(of: "out").count == 201 }
        var expected = try texts(bridge).sorted()
        for round in 0..<3 {
            if round == 2, log == "sqlite" {
                try await eventually("what is known is on disk") {
                    let path = bridge.directory.file("events.db")
                    return try SQLiteShell.query("SELECT count(*) FROM cursors WHERE source LIKE \"in$%\"", in: path) == "2"
                }
                bridge.process.kill()
                _ = try await bridge.process.untilEnded()
            } else {
                #expect(try await bridge.stop() == .exited(0))
            }
            try await peer.publish("changed \(round)", on: "a/7", retain: true)
            bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
            try await peer.publish("last \(round)", on: "a/last")
            try await eventually("the last has come") { try texts(bridge).contains("last \(round)") }
            expected += ["changed \(round)", "last \(round)"]
            #expect(try texts(bridge).sorted() == expected.sorted())
        }
        #expect(try await bridge.stop() == .exited(0))
    }
}
