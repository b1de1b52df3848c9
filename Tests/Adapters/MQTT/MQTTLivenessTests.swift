import BridgeCore
import BridgeTesting
import NIOCore
import PollThread
import Testing

@testable import MQTTAdapter

/// How a broker that says nothing is noticed, and how it is kept from giving us up.
@Suite(.timeLimit(.minutes(2)))
struct MQTTLivenessTests {
    private let clock = ContinuousClock()

    @Test(arguments: ["3.1.1", "5"])
    func `a silent peer is detected within one and a half keep-alives, also while acknowledgements wait`(
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
            let pings = proxy.sent(12)
            proxy.silence()
            try await eventually { !rig.errors.isEmpty }
            // The first ping without an answer is the last: the next one would come three quarters of an interval later.
            #expect(proxy.sent(12) <= pings + 1)
            #expect(rig.errors.first?.hasSuffix("did not answer within the keep-alive time") == true)
            #expect(proxy.sent(4) == 0)
            recorder.hold(false)
        }
    }

    @Test(arguments: ["3.1.1", "5"])
    func `CONNECT carries the keep-alive of the file`(version: String) async throws {
        // With MQTT 3.1.1 mosquitto may refuse a client without a keep-alive, or with a longer one.
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
            try await eventually { !rig.errors.isEmpty }
            #expect(rig.errors.first?.hasSuffix("the client id test-in-source, or not keep_alive: 0s") == true)
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

    @Test func `a sink that only publishes detects a silent peer too`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(proxy.port)", "keep_alive": "5s", "topic": "a", "qos": 0}"#)
        try await rig.run(drain: .seconds(1)) {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            let pings = proxy.sent(12)
            proxy.silence()
            try await eventually {
                script.send([ByteBuffer(string: "lost")])
                return !rig.errors.isEmpty
            }
            #expect(proxy.sent(12) <= pings + 1)
        }
    }

    @Test(arguments: ["0s", "30s"])
    func `a connection whose broker reads nothing is dropped, with and without keep-alive`(keepAlive: String) async throws {
        let permits = Semaphore()
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            if packet[0] >> 4 == 3 { permits.wait() }
            return nil
        }
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script,
            sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "keep_alive": "\#(keepAlive)", "topic": "a", "format": "raw"}"#,
            answerLimit: .milliseconds(300))
        try await rig.run(drain: .milliseconds(100)) {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            // More than both sides of a connection on loopback buffer.
            script.send((0..<8).map { _ in ByteBuffer(repeating: 0x61, count: 1 << 20) })
            try await eventually { rig.errors.contains("mqtt://127.0.0.1:\(broker.port) accepted no data for 0.3 seconds") }
        }
        for _ in 0..<1000 { permits.signal() }
    }

    @Test func `a broker that never stops sending does not keep a sink from publishing or ending`() async throws {
        let pings = [UInt8](repeating: 0, count: 4096).indices.map { $0 % 2 == 0 ? 0xd0 : 0 as UInt8 }
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]], flood: pings)
        let script = ScriptedSource()
        let rig = try MQTTRig(
            script: script, sink: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "topic": "a", "qos": 0}"#)
        let left = try await rig.run {
            try await eventually { rig.sink.status.isConnected && script.outlet != nil }
            script.send([ByteBuffer(string: "one")])
            try await eventually { broker.received(3) == 1 }
        }
        #expect(left == 0)
    }

    @Test func `a source stops promptly while the broker reads no requests`() async throws {
        let permits = Semaphore()
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0]]) { packet in
            if packet[0] >> 4 == 8 { permits.wait() }
            return nil
        }
        let filters = (0..<100).map { "\"\($0)\(String(repeating: "f", count: 60_000))\"" }.joined(separator: ", ")
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "subscribe": [\#(filters)]}"#, into: RecordingSink())
        var end = self.clock.now
        try await rig.run {
            try await eventually { broker.received(8) == 1 }
            end = self.clock.now
        }
        #expect(self.clock.now - end < .seconds(15))
        for _ in 0..<1000 { permits.signal() }
    }

    @Test func `a paused source reads a broker that floods instead of answering SUBSCRIBE only within bounds`()
        async throws
    {
        let size = 100_000
        let flood = MQTTBrokerPackets.publish("a", qos: 0, payload: [UInt8](repeating: 0x78, count: size))
        // With a keep-alive of one second (MQTT 5 §3.2.2.3.14).
        let broker = try ScriptedBroker([1: [0x20, 6, 0, 0, 3, 0x13, 0, 1]], flood: flood)
        let recorder = RecordingSink()
        recorder.hold()
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "subscribe": {"topic": "a", "qos": 0}}"#, into: recorder,
            ack: .received, buffer: DeliverySettings(events: 10))
        try await rig.run(drain: .milliseconds(100)) {
            try await eventually { (rig.receivedCount ?? 0) > 10 }
            // The session continues without reading: a ping follows three quarters of a second after SUBSCRIBE, time enough for a source
            // without a bound to read far more. The bound holds at any time, so a slow machine cannot break it.
            try await eventually { broker.received(12) >= 1 }
            // The allowance, one batch of the same size before the pause and one beyond it.
            #expect((rig.receivedCount ?? 0) * size <= 4 * MQTTSourceStateMachine.pausedAllowance)
            #expect(broker.received(1) == 1)
            recorder.hold(false)
        }
    }
}
