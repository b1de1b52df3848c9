import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

/// How a broker that says nothing is noticed, and how it is kept from giving us up.
@Suite(.timeLimit(.minutes(2)))
struct MQTTLivenessTests {
    private let clock = ContinuousClock()

    @Test(arguments: ["3.1.1", "5"])
    func `a peer that goes silent is noticed within one and a half keep-alives, also while acknowledgements wait`(
        version: String
    ) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let recorder = RecordingSink()
        recorder.hold()
        let rig = try MQTTRig(
            source: """
                {"url": "mqtt://127.0.0.1:\(proxy.port)", "protocol": "\(version)", "keep_alive": "5s", "subscribe": "a"}
                """, into: recorder)
        try await rig.run {
            try await eventually { rig.source.status.isConnected }
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.publish("held", on: "a")
            try await eventually { rig.receivedCount == 1 }
            let silent = self.clock.now
            proxy.silence()
            try await eventually { rig.source.status.lastError != nil }
            #expect(self.clock.now - silent < .seconds(7.5))
            #expect(rig.source.status.lastError?.hasSuffix("did not answer within the keep-alive time") == true)
            #expect(proxy.sent(4) == 0)
            recorder.hold(false)
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `CONNECT carries the keep-alive of the file`(version: String) async throws {
        // With MQTT 3.1.1 mosquitto may refuse a client that asks for none, or for more than this.
        let broker = try await BrokerProcess.mosquitto("max_keepalive 60")
        let rig = try MQTTRig(
            source: """
                {"url": "mqtt://127.0.0.1:\(broker.port)", "protocol": "\(version)", "keep_alive": "30s", "subscribe": "a"}
                """, into: RecordingSink())
        try await rig.run { try await eventually { rig.source.status.isConnected } }
        #expect(broker.log.contains(", k30)"))
    }

    @Test func `a refused keep-alive of none is named beside the client id`() async throws {
        // As mosquitto answers when its max_keepalive does not allow it.
        let broker = try ScriptedBroker([1: [0x20, 2, 0, 2]])
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "protocol": "3.1.1", "keep_alive": "0s", "subscribe": "a"}"#,
            into: RecordingSink())
        try await rig.run {
            try await eventually { rig.source.status.lastError != nil }
            #expect(rig.source.status.lastError?.hasSuffix("the client id test-in-source, or not keep_alive: 0s") == true)
        }
    }

    @Test func `the broker's own keep-alive is kept while an acknowledgement waits`() async throws {
        let publish: [UInt8] = [0x32, 7, 0, 1, UInt8(ascii: "a"), 0, 1, 0, UInt8(ascii: "x")]
        let broker = try ScriptedBroker([
            1: [0x20, 6, 0, 0, 3, 0x13, 0, 2], 8: [0x90, 4, 0, 0, 0, 1] + publish, 12: [0xd0, 0],
        ])
        let recorder = RecordingSink()
        recorder.hold()
        let rig = try MQTTRig(source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually("pings, at intervals of less than two seconds") { broker.received(12) >= 3 }
            #expect(broker.received(4) == 0)
            #expect(broker.received(1) == 1)
            recorder.hold(false)
            try await eventually { broker.received(4) == 1 }
        }
    }

    @Test func `a sink that only publishes notices a silent peer too`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(proxy.port)", "keep_alive": "5s", "topic": "a", "qos": 0}"#)
        try await rig.run(drain: .seconds(1)) {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            let silent = self.clock.now
            proxy.silence()
            try await eventually {
                script.send([ByteBuffer(string: "lost")])
                return rig.sink.status.lastError != nil
            }
            #expect(self.clock.now - silent < .seconds(7.5))
        }
    }
}
