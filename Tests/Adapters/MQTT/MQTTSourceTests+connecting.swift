import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

/// What is reported of a broker that cannot be reached or that refuses.
extension MQTTSourceTests {
    @Test func `a client with the same id is named as the reason`() async throws {
        // mosquitto 2.0.11 closes without the DISCONNECT that MQTT 5 §3.1.4 requires.
        let broker = try ScriptedBroker([1: [0x20, 3, 0, 0, 0], 8: [0x90, 4, 0, 0, 0, 1, 0xe0, 2, 0x8e, 0]])
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a", "client_id": "twin"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(
                rig.errors.first
                    == "\(self.url(broker.port)) closed the connection because another client has the same client id twin;"
                    + " give each program its own client_id"
            )
        }
    }

    @Test func `a broker that is not there is reported, and found when it comes`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        try await broker.kill()
        let recorder = RecordingSink()
        let rig = try MQTTRig(source: #"{"url": "\#(self.url(broker.port))", "subscribe": "a"}"#, into: recorder)
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(
                rig.errors.first
                    == "\(self.url(broker.port)) cannot be reached: Connection refused; check host and port, and that the server runs"
            )
            try await broker.restart()
            try await eventually { rig.source.status.isConnected }
        }
    }

    @Test func `a host without an address is reported`() async throws {
        let rig = try MQTTRig(source: #"{"url": "mqtt://no-such-host.invalid", "subscribe": "a"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(
                rig.errors.first?.hasPrefix("the name of mqtt://no-such-host.invalid:1883 cannot be resolved: ") == true)
            #expect(rig.errors.first?.hasSuffix("; check the spelling of the host, and the DNS of this machine") == true)
        }
    }

    @Test func `a peer that never answers does not delay the end`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try MQTTProxy(broker: broker.port)
        proxy.swallow()
        let rig = try MQTTRig(source: #"{"url": "\#(self.url(proxy.port))", "subscribe": "a"}"#, into: RecordingSink())
        let clock = ContinuousClock()
        var stopping = clock.now
        try await rig.run {
            try await eventually { proxy.connections >= 1 }
            stopping = clock.now
        }
        #expect(clock.now - stopping < .seconds(5))
    }

    @Test(
        arguments: [
            ("5", [0x20, 3, 0, 0, 0] as [UInt8], [0x90, 4, 0, 0, 0, 0x87] as [UInt8], " (reason code 135: Not authorized)"),
            ("3.1.1", [0x20, 2, 0, 0], [0x90, 3, 0, 0, 0x80], ""),
        ]
    )
    func `a refused subscription is reported with its filter`(version: String, connack: [UInt8], suback: [UInt8], reason: String)
        async throws
    {
        let broker = try ScriptedBroker([1: connack, 8: suback])
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(broker.port))", "protocol": "\#(version)", "subscribe": "secret/#"}"#,
            into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(rig.errors.first == "\(self.url(broker.port)) refuses the subscription to secret/#\(reason)")
        }
    }

    @Test(
        arguments: [
            (
                "5", [0x20, 3, 0, 0x86, 0] as [UInt8],
                "does not accept user and password; correct them, or add the user at the broker"
            ),
            (
                "5", [0x20, 3, 0, 0x87, 0],
                "does not authorise us to connect (reason code 135: Not authorized); check user, password and the broker's rules"
            ),
            ("5", [0x20, 3, 0, 0x85, 0], "does not accept the client id test-in-source"),
            ("5", [0x20, 3, 0, 0x89, 0], "refused the connection (reason code 137: Server busy)"),
            ("5", [0x20, 2, 0, 1], "does not speak MQTT 5; write protocol: 3.1.1"),
            ("3.1.1", [0x20, 2, 0, 4], "does not accept user and password; correct them, or add the user at the broker"),
            ("3.1.1", [0x20, 2, 0, 5], "does not authorise us to connect; check user, password and the broker's rules"),
            ("3.1.1", [0x20, 2, 0, 2], "does not accept the client id test-in-source"),
            ("3.1.1", [0x20, 2, 0, 3], "reports that it is unavailable"),
        ]
    )
    func `a refused connection is reported with its reason`(version: String, connack: [UInt8], message: String) async throws {
        let broker = try ScriptedBroker([1: connack])
        let rig = try MQTTRig(
            source: #"{"url": "\#(self.url(broker.port))", "protocol": "\#(version)", "subscribe": "a"}"#, into: RecordingSink())
        try await rig.run {
            try await eventually { !rig.errors.isEmpty }
            #expect(rig.errors.first == "\(self.url(broker.port)) \(message)")
        }
    }
}
