import BridgeTesting
import Glibc
import Testing

/// What the program knows of a broker's session, when one of the two has forgotten it.
@Suite(.timeLimit(.minutes(1)))
struct BrokerSessionTests {
    @Test(arguments: ["3.1.1", "5"])
    func `a message of a new session is not mistaken for one of the old after a kill`(version: String) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let yaml = """
            log: { kind: sqlite }
            sources: { in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", protocol: "\(version)", subscribe: a } }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """
        var bridge = try await BridgeProcess.start(yaml)
        func ids(_ bridge: BridgeProcess, _ message: String) throws -> Set<String> {
            Set(try ReceivedEvent.all(bridge.lines(of: "out")).filter { $0.message.hasSuffix(message) }.map(\.id))
        }
        // The second shows that the broker counts its packet identifiers, so that it is believed when it sends one again.
        for message in ["on", "off"] {
            try await MQTTPeer.connect(port: broker.port).publish(message, on: "a")
            try await eventually("it has arrived") { try ids(bridge, message).count == 1 }
        }
        // It forgets its sessions.
        try await broker.restart()
        try await eventually("that is reported") { try ids(bridge, "kept no session").count == 1 }
        try await bridge.untilReady()
        // Sent under the identifier of the first one, to a program that is dead before it reads it.
        bridge.process.signal(SIGSTOP)
        try await MQTTPeer.connect(port: broker.port).publish("on", on: "a")
        bridge.process.kill()
        _ = try await bridge.process.untilEnded()
        bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
        try await eventually("the second has arrived too") {
            try ids(bridge, "on").subtracting(ids(bridge, "session")).count == 2
        }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a session with unknown filters is reported`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let yaml = """
            sources: { in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", subscribe: a } }
            sinks: { out: { type: file, path: "{directory}/out" } }
            routes: [{ to: out }]
            """
        let warning = "Broker has a session with unknown filters"
        let first = try await BridgeProcess.start(yaml)
        #expect(try await first.stop() == .exited(0))
        let same = try await BridgeProcess.start(yaml, directory: first.directory)
        #expect(try await same.stop() == .exited(0))
        #expect(!first.log.contains(warning) && !same.log.contains(warning))
        let other = try await BridgeProcess.start(yaml)
        #expect(try await other.stop() == .exited(0))
        #expect(other.log.contains(warning))
    }
}
