import BridgeTesting
import Testing

/// What a broker had kept, seen by routes.
@Suite(.timeLimit(.minutes(1)))
struct RetainedTests {
    @Test(arguments: ["3.1.1", "5"])
    func `a route can distinguish retained messages from live ones`(version: String) async throws {
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
                keep_alive: 5s
                subscribe: { topic: "a/#", qos: 0, retained: first_time }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """
        // A kill may have a line written twice, with the same event.
        func events(_ bridge: BridgeProcess, gaps: Bool = false) throws -> [ReceivedEvent] {
            var seen: Set<String> = []
            return try ReceivedEvent.all(bridge.lines(of: "out"))
                .filter { seen.insert($0.id).inserted && ($0.tags == ["gap"]) == gaps }
        }
        func texts(_ bridge: BridgeProcess) throws -> [String] { try events(bridge).map(\.message) }
        func known(_ bridge: BridgeProcess) throws -> [String] {
            try (0...1).map {
                let query = "SELECT cursor FROM cursors WHERE source = \"in$retained\($0)\""
                return try SQLiteShell.query(query, in: bridge.directory.file("events.db"))
            }
        }
        for topic in 0..<200 { try await peer.publish("same \(topic)", on: "a/\(topic)", retain: true) }
        var bridge = try await BridgeProcess.start(yaml)
        try await eventually("all have come") { bridge.lines(of: "out").count == 200 }
        try await peer.publish("seen live", on: "a/live", retain: true)
        try await eventually("it has come") { bridge.lines(of: "out").count == 201 }
        var expected = try texts(bridge).sorted()
        var before = ["", ""]
        for round in 0..<3 {
            if round == 2, log == "sqlite" {
                // One page knows of what has changed, the other of the last message.
                try await eventually("all that is known is on disk") { try zip(known(bridge), before).allSatisfy { $0 != $1 } }
                bridge.process.kill()
                _ = try await bridge.process.untilEnded()
            } else {
                #expect(try await bridge.stop() == .exited(0))
            }
            if log == "sqlite" { before = try known(bridge) }
            try await peer.publish("changed \(round)", on: "a/7", retain: true)
            bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
            try await peer.publish("last \(round)", on: "a/last")
            try await eventually("the last has come") { try texts(bridge).contains("last \(round)") }
            expected += ["changed \(round)", "last \(round)"]
            #expect(try texts(bridge).sorted() == expected.sorted())
            // At qos 0 the broker keeps nothing for a program that is off.
            #expect(try events(bridge, gaps: true).count == round + 1)
        }
        #expect(try await bridge.stop() == .exited(0))
    }
}
