import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import MQTTAdapter

/// The program against a broker that sends what MQTT does not allow: libmosquitto 2.0.11 would end the process on most of it.
@Suite(.timeLimit(.minutes(3)))
struct MQTTHostileBrokerTests {
    private struct Attack {
        let name: String
        /// By the type of the packet that is answered so.
        let answers: [UInt8: [UInt8]]
        /// What the error says after the name of the packet.
        let complaint: String
    }

    /// An unknown property in every packet that can contain one, and properties in the wrong packets.
    private static let five: [Attack] = {
        let connack: [UInt8] = [0x20, 3, 0, 0, 0]
        let suback: [UInt8] = [0x90, 4, 0, 0, 0, 1]
        func after(_ packet: [UInt8], _ name: String, _ complaint: String = "property 127 does not belong there") -> Attack {
            Attack(name: name, answers: [1: connack, 8: suback + packet], complaint: "\(name): \(complaint)")
        }
        return [
            Attack(
                name: "CONNACK", answers: [1: [0x20, 5, 0, 0, 2, 0x7f, 0]],
                complaint: "CONNACK: property 127 does not belong there"
            ),
            Attack(
                name: "SUBACK", answers: [1: connack, 8: [0x90, 6, 0, 0, 2, 0x7f, 0, 1]],
                complaint: "SUBACK: property 127 does not belong there"
            ),
            after([0x30, 6, 0, 1, 97, 2, 0x7f, 0], "PUBLISH"), after([0x40, 6, 0, 1, 0, 2, 0x7f, 0], "PUBACK"),
            after([0xb0, 6, 0, 1, 2, 0x7f, 0, 0], "UNSUBACK"), after([0xe0, 4, 0x8b, 2, 0x7f, 0], "DISCONNECT"),
            after([0xf0, 4, 0x18, 2, 0x7f, 0], "AUTH", "no broker may send this to us"),
            after([0x62, 6, 0, 1, 0, 2, 0x7f, 0], "PUBREL", "no broker may send this to us"),
            after([0x30, 0xff, 0xff, 0xff, 0xff, 1], "PUBLISH", "the remaining length has more than four bytes"),
            after([0x90, 0xff, 0xff, 0xff, 0x7f], "SUBACK", "268435455 bytes are more than the 262144 that are allowed"),
        ]
    }()

    private static let three: [Attack] = {
        let connack: [UInt8] = [0x20, 2, 0, 0]
        func after(_ packet: [UInt8], _ name: String, _ complaint: String) -> Attack {
            Attack(name: name, answers: [1: connack, 8: [0x90, 3, 0, 0, 1] + packet], complaint: "\(name): \(complaint)")
        }
        return [
            Attack(name: "CONNACK", answers: [1: [0x20, 3, 0, 0, 0]], complaint: "CONNACK: 1 bytes are left over"),
            Attack(
                name: "SUBACK", answers: [1: connack, 8: [0x90, 3, 0, 0, 9]], complaint: "SUBACK: 9 is not a reason code"
            ),
            after([0x30, 4, 0, 9, 97, 97], "PUBLISH", "the topic reaches beyond the end of the packet"),
            after([0x40, 6, 0, 1, 0, 2, 0x7f, 0], "PUBACK", "4 bytes are left over"),
            after([0xb0, 6, 0, 1, 2, 0x7f, 0, 0], "UNSUBACK", "4 bytes are left over"),
            after([0xe0, 4, 0x8b, 2, 0x7f, 0], "DISCONNECT", "no broker may send this to us"),
            after([0xd0, 1, 0], "PINGRESP", "1 bytes are left over"),
        ]
    }()

    @Test(arguments: ["3.1.1", "5"], [false, true])
    func `no packet of a broker ends the program, and the error says what is wrong with it`(
        version: String, isSecure: Bool
    ) async throws {
        let attacks = version == "5" ? Self.five : Self.three
        let broker = try ScriptedBroker(attacks[0].answers)
        let certificates = isSecure ? try await Certificates.make() : nil
        var front: TLSFront?
        if let certificates { front = try await TLSFront(server: broker.port, certificates) }
        let url = front.map { "mqtts://localhost:\($0.port)" } ?? "mqtt://127.0.0.1:\(broker.port)"
        let tls = certificates.map { "tls: { ca_file: \($0.authority) }," } ?? ""
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: mqtt, url: "\(url)", \(tls) protocol: "\(version)", subscribe: a, required: false, retry: { initial: 10ms, max: 50ms } }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { from: [in], to: [out] }
            """, waitingForReadiness: false
        )
        for attack in attacks {
            broker.answer(attack.answers)
            try await eventually("\(attack.name): \(attack.complaint), not \(bridge.process.standardError.suffix(1000))") {
                // Readiness shows it only until the next connection.
                bridge.log.contains("violated the MQTT protocol: \(attack.complaint)")
            }
            #expect(bridge.process.ended == nil)
        }
        // The same program continues with a broker that behaves.
        let isFive = version == "5"
        broker.answer([
            1: isFive ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0],
            8: (isFive ? [0x90, 4, 0, 0, 0, 1] : [0x90, 3, 0, 0, 1])
                + MQTTBrokerPackets.publish("a", qos: 0, properties: isFive ? [] : nil, payload: Array("sound".utf8)),
        ])
        try await eventually { bridge.lines(of: "out").contains { $0.contains("sound") } }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a message that cannot be taken is reported as a gap and acknowledged in order`() async throws {
        let messages =
            MQTTBrokerPackets.publish("a", identifier: 1, payload: Array("first".utf8))
            + MQTTBrokerPackets.publish("a\u{1}", identifier: 2, payload: Array("odd".utf8))
            + MQTTBrokerPackets.publish("a", identifier: 3, payload: Array("last".utf8))
        let broker = try ScriptedBroker([
            1: [0x20, 3, 0, 0, 0], 8: [0x90, 4, 0, 0, 0, 1] + messages, 10: [0xb0, 4, 0, 0, 0, 0],
        ])
        let recorder = RecordingSink()
        let rig = try MQTTRig(
            source: #"{"url": "mqtt://127.0.0.1:\#(broker.port)", "subscribe": "a/#"}"#, into: recorder)
        try await rig.run {
            try await eventually { recorder.events.count == 2 && recorder.gaps.count == 1 && broker.received(4) == 3 }
        }
        #expect(recorder.bodies.map { String(buffer: $0) } == ["first", "last"])
        #expect(
            recorder.gaps.first?.message
                == "a message of a  was skipped: its topic or a property holds control characters or non-characters"
        )
        #expect(broker.received(1) == 1)
    }
}
