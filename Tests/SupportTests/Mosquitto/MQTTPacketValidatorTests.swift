import BridgeTesting
import Testing

@testable import Mosquitto

struct MQTTPacketValidatorTests {
    private typealias Packets = MQTTBrokerPackets

    /// The result for some bytes.
    private struct Outcome: Equatable {
        var passed: [UInt8] = []
        var omissions: [MQTTOmission] = []
        var violation: String?
    }

    /// Passes chunks to a validator as a connection does, and calls it only when as many bytes are there as it needs.
    private func run(
        _ pieces: [ArraySlice<UInt8>], version: MQTTVersion = .five, takesMessages: Bool = true,
        largest: Int = MQTTPacketValidator.largestMessage
    ) -> Outcome {
        var validator = MQTTPacketValidator(version: version, takesMessages: takesMessages, largest: largest)
        var outcome = Outcome()
        var pending: [UInt8] = []
        var awaited = 1
        for piece in pieces {
            pending += piece
            while pending.count >= awaited {
                do {
                    switch try pending.withUnsafeBytes({ try validator.next($0) }) {
                    case .wait(until: let count):
                        #expect(count > pending.count)
                        awaited = count
                    case .pass(let count):
                        outcome.passed += pending[..<count]
                        pending.removeFirst(count)
                        awaited = 1
                    case .replace(let count, with: let bytes):
                        outcome.passed += bytes
                        pending.removeFirst(count)
                        awaited = 1
                    case .message(let head):
                        pending.withUnsafeBytes { head.append($0, to: &outcome.passed) }
                        pending.removeFirst(head.end)
                        awaited = 1
                    case .drop(let count, let omission):
                        if let omission { outcome.omissions.append(omission) }
                        pending.removeFirst(count)
                        awaited = 1
                    }
                } catch {
                    outcome.violation = "\(error)"
                    return outcome
                }
            }
        }
        return outcome
    }

    private func whole(_ bytes: [UInt8], _ version: MQTTVersion = .five) -> Outcome {
        self.run([bytes[...]], version: version)
    }

    /// After a CONNACK.
    private func violation(_ packet: [UInt8], _ version: MQTTVersion = .five) -> String? {
        self.whole((version == .five ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]) + packet, version).violation
    }

    private func packets(_ version: MQTTVersion) -> [[UInt8]] {
        version == .five ? Packets.five : Packets.three
    }

    @Test(arguments: MQTTVersion.allCases)
    func `packets that the standard allows pass, whole and byte by byte`(version: MQTTVersion) {
        let bytes = self.packets(version).flatMap { $0 }
        let expected = Outcome(passed: self.packets(version).flatMap(Packets.forwarded))
        #expect(self.whole(bytes, version) == expected)
        #expect(self.run(bytes.indices.map { bytes[$0...$0] }, version: version) == expected)
    }

    @Test(arguments: MQTTVersion.allCases)
    func `packets pass in every two-way split`(version: MQTTVersion) {
        let bytes = self.packets(version).flatMap { $0 }
        let expected = Outcome(passed: self.packets(version).flatMap(Packets.forwarded))
        for cut in bytes.indices {
            #expect(self.run([bytes[..<cut], bytes[cut...]], version: version) == expected, "cut at \(cut)")
        }
    }

    @Test(arguments: MQTTVersion.allCases)
    func `mutated packets never crash, and have the same result for any split`(
        version: MQTTVersion
    ) {
        var random = SeededGenerator(seed: version == .five ? 5 : 3)
        let packets = self.packets(version)
        var refused = 0
        for _ in 0..<50_000 {
            var bytes = packets[0] + packets.randomElement(using: &random)! + packets.randomElement(using: &random)!
            for _ in 0...Int.random(in: 0...3, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.insert(UInt8.random(in: 0...255, using: &random), at: index)
                default: if bytes.count > 1 { bytes.remove(at: index) }
                }
            }
            let outcome = self.whole(bytes, version)
            let cut = Int.random(in: bytes.indices, using: &random)
            #expect(self.run([bytes[..<cut], bytes[cut...]], version: version) == outcome, "\(bytes)")
            if outcome.violation != nil { refused += 1 }
        }
        // Most mutations break a packet; many do no more than change a payload.
        #expect((10_000..<49_000).contains(refused))
    }

    @Test(
        arguments: [
            ([0x20, 5, 0, 0, 2, 0x7f, 0], "CONNACK: property 127 does not belong there"),
            ([0x20, 4, 0, 0, 0, 0], "CONNACK: 1 bytes are left over"),
            ([0x20, 2, 0, 0], "CONNACK: the property length reaches beyond the end of the packet"),
            ([0x20, 3, 2, 0, 0], "CONNACK: the flags are 2"),
            ([0x20, 3, 1, 0x87, 0], "CONNACK: a refusal resumes no session"),
            ([0x20, 6, 0, 0, 3, 0x21, 0, 0], "CONNACK: property 33 (Receive Maximum) is 0"),
            ([0x20, 9, 0, 0, 6, 0x13, 0, 1, 0x13, 0, 1], "CONNACK: property 19 (Server Keep Alive) is there twice"),
            ([0x21, 3, 0, 0, 0], "CONNACK: the flags are 1, and 0 is reserved"),
            ([0xd0, 0], "PINGRESP: CONNACK must come first"),
            ([0x15, 3, 3, 0, 2, 2], "it speaks TLS; write mqtts:// or another port"),
            (Array("HTTP/1.1 400 Bad Request".utf8), "it speaks HTTP; write the broker's port for MQTT"),
            ([0x20, 0xff, 0xff, 0xff, 0xff, 1], "CONNACK: the remaining length has more than four bytes"),
            ([0x20, 0xff, 0xff, 0xff, 0x7f], "CONNACK: 268435455 bytes are more than the 262144 that are allowed"),
        ] as [([UInt8], String)]
    )
    func `an invalid CONNACK ends the connection with the reason`(bytes: [UInt8], reason: String) {
        #expect(self.whole(bytes).violation == reason)
    }

    @Test(
        arguments: [
            ([0x30, 5, 0, 1, 97, 2, 0x7f], "PUBLISH: the property list reaches beyond the end of the packet"),
            ([0x30, 6, 0, 1, 97, 2, 0x7f, 0], "PUBLISH: property 127 does not belong there"),
            ([0x30, 7, 0, 1, 97, 3, 0x23, 0, 1], "PUBLISH: property 35 (Topic Alias) does not belong there"),
            ([0x30, 6, 0, 1, 97, 2, 1, 2], "PUBLISH: property 1 (Payload Format Indicator) is neither 0 nor 1"),
            ([0x30, 6, 0, 1, 97, 2, 11, 0], "PUBLISH: property 11 (Subscription Identifier) is 0"),
            ([0x30, 3, 0, 0, 0], "PUBLISH: the topic is empty, and we allow no aliases"),
            ([0x30, 4, 0, 1, 43, 0], "PUBLISH: the topic holds a wildcard"),
            ([0x30, 4, 0, 1, 0xff, 0], "PUBLISH: the topic is not UTF-8 without NUL"),
            ([0x30, 4, 0, 1, 0, 0], "PUBLISH: the topic is not UTF-8 without NUL"),
            ([0x30, 6, 0, 3, 0xed, 0xa0, 0x80, 0], "PUBLISH: the topic is not UTF-8 without NUL"),
            ([0x30, 3, 0, 9, 97], "PUBLISH: the topic reaches beyond the end of the packet"),
            ([0x30, 1, 0], "PUBLISH: the topic reaches beyond the end of the packet"),
            ([0x32, 6, 0, 1, 97, 0, 0, 0], "PUBLISH: the packet identifier is 0"),
            ([0x36, 6, 0, 1, 97, 0, 1, 0], "PUBLISH: there is no quality of service 3"),
            ([0x30, 6, 0, 1, 97, 0x80, 0x00, 0], "PUBLISH: the property length is longer than it need be"),
            ([0x40, 2, 0, 0], "PUBACK: the packet identifier is 0"),
            ([0x40, 1, 0], "PUBACK: the packet identifier reaches beyond the end of the packet"),
            ([0x40, 6, 0, 1, 0, 2, 0x7f, 0], "PUBACK: property 127 does not belong there"),
            ([0x40, 7, 0, 1, 0, 3, 0x1c, 0, 0], "PUBACK: property 28 (Server Reference) does not belong there"),
            ([0x90, 3, 0, 1, 0], "SUBACK: there is no reason code"),
            ([0x90, 6, 0, 1, 2, 0x7f, 0, 1], "SUBACK: property 127 does not belong there"),
            ([0x90, 4, 0, 1, 0, 3], "SUBACK: 3 is not a reason code"),
            ([0xb0, 6, 0, 1, 2, 0x7f, 0, 0], "UNSUBACK: property 127 does not belong there"),
            ([0xb0, 2, 0, 1], "UNSUBACK: the property length reaches beyond the end of the packet"),
            ([0xd0, 1, 0], "PINGRESP: 1 bytes are left over"),
            ([0xe0, 4, 0x8b, 2, 0x7f, 0], "DISCONNECT: property 127 does not belong there"),
            ([0xe0, 7, 0x8b, 5, 0x11, 0, 0, 0, 1], "DISCONNECT: property 17 (Session Expiry Interval) does not belong there"),
            ([0xe0, 6, 0x8b, 4, 0x1f, 0, 1, 0xff], "DISCONNECT: property 31 (Reason String) is not UTF-8 without NUL"),
            ([0xe0, 6, 0x8b, 4, 0x1f, 0, 1, 7], "DISCONNECT: a text holds control characters or non-characters"),
            ([0xf0, 2, 0x18, 0], "AUTH: no broker may send this to us"),
            ([0x10, 0], "CONNECT: no broker may send this to us"),
            ([0x50, 2, 0, 1], "PUBREC: no broker may send this to us"),
            ([0x62, 2, 0, 1], "PUBREL: no broker may send this to us"),
            ([0x00, 0], "a packet of type 0: no broker may send this to us"),
            ([0x20, 3, 0, 0, 0], "CONNACK: there was one already"),
        ] as [([UInt8], String)]
    )
    func `an invalid later packet ends the connection with the reason`(bytes: [UInt8], reason: String) {
        #expect(self.violation(bytes) == reason)
    }

    @Test(
        arguments: [
            ([0xe0, 0], "DISCONNECT: no broker may send this to us"), ([0x40, 3, 0, 1, 0], "PUBACK: 1 bytes are left over"),
            ([0xb0, 3, 0, 1, 0], "UNSUBACK: 1 bytes are left over"), ([0x90, 3, 0, 1, 0x87], "SUBACK: 135 is not a reason code"),
        ] as [([UInt8], String)]
    )
    func `features of MQTT 5 are refused with MQTT 3·1·1`(bytes: [UInt8], reason: String) {
        #expect(self.violation(bytes, .three) == reason)
    }

    @Test(arguments: ["abc", "", String(repeating: "é", count: 100), String(repeating: "x", count: 65_535)])
    func `an assigned client id is recorded and not forwarded`(name: String) throws {
        let (before, after): ([UInt8], [UInt8]) = ([0x21, 0, 20], [0x26] + Packets.text("a") + Packets.text("b"))
        let assigned = [0x12] + Packets.text(name)
        let given = Packets.packet(0x20, [1, 0] + Packets.list(before + assigned + after))
        let expected = Packets.packet(0x20, [1, 0] + Packets.list(before + after))
        #expect(self.whole(given) == Outcome(passed: expected))
        #expect(self.run([given[..<9], given[9...]]) == Outcome(passed: expected))
        #expect(self.whole(Packets.packet(0x20, [0, 0] + Packets.list(assigned))) == Outcome(passed: [0x20, 3, 0, 0, 0]))
        var validator = MQTTPacketValidator(version: .five)
        _ = try given.withUnsafeBytes { try validator.next($0) }
        #expect(validator.assignedClientID == name)
        #expect(self.violation([0xe0, 6, 0x8b, 4, 0x12, 0, 1, 97]) != nil)
    }

    @Test(arguments: [[0x20, 5, 0, 0, 2, 0x7f, 0], [0x20, 7, 0, 0, 4, 0x1f, 0, 1, 7]] as [[UInt8]])
    func `a property violation comes with a remedy`(connack: [UInt8]) {
        var validator = MQTTPacketValidator(version: .five)
        let violation = #expect(throws: MQTTViolation.self) { try connack.withUnsafeBytes { try validator.next($0) } }
        #expect(violation?.remedy == "update the broker, or write protocol: 3.1.1, which has no properties")
    }

    @Test(arguments: 0..<64)
    func `each property belongs to the packets that the standard says`(identifier: Int) {
        // MQTT 5 §2.2.2.2, table 2-4: what a server may send in CONNACK, PUBLISH, PUBACK, SUBACK, UNSUBACK and DISCONNECT.
        let acknowledgement: Set<Int> = [0x1f, 0x26]
        let allowed: [(packet: UInt8, body: [UInt8], end: [UInt8], properties: Set<Int>)] = [
            (
                0x20, [0, 0], [],
                [0x11, 0x12, 0x13, 0x15, 0x16, 0x1a, 0x1c, 0x1f, 0x21, 0x22, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a]
            ),
            // Less the topic alias, 0x23, of which we allow none.
            (0x30, [0, 1, 97], [], [0x01, 0x02, 0x03, 0x08, 0x09, 0x0b, 0x26]),
            (0x40, [0, 1, 0], [], acknowledgement), (0x90, [0, 1], [1], acknowledgement), (0xb0, [0, 1], [0], acknowledgement),
            (0xe0, [0x8b], [], [0x1c, 0x1f, 0x26]),
        ]
        // Its type in table 2-4 decides how a value is read.
        let value: [UInt8] =
            switch identifier {
            case 0x01, 0x0b, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2a: [1]
            case 0x13, 0x21, 0x22, 0x23: [0, 1]
            case 0x02, 0x11, 0x18, 0x27: [0, 0, 0, 1]
            case 0x26: Packets.text("a") + Packets.text("b")
            default: Packets.text("x")
            }
        for (packet, body, end, properties) in allowed {
            let bytes = Packets.packet(packet, body + Packets.list([UInt8(identifier)] + value) + end)
            let violation = packet == 0x20 ? self.whole(bytes).violation : self.violation(bytes)
            #expect((violation == nil) == properties.contains(identifier), "\(packet): \(violation ?? "taken")")
        }
    }

    @Test func `an old broker's answer to a CONNECT of MQTT 5 is forwarded`() {
        #expect(self.whole([0x20, 2, 0, 1]) == Outcome(passed: [0x20, 2, 0, 1]))
    }

    @Test func `quality of service 2 names the client id as the reason`() {
        let reason = self.violation([0x34, 7, 0, 1, 97, 0, 1, 0, 98])
        #expect(reason?.contains("write another client_id") == true)
    }

    @Test func `a client without subscriptions accepts no message`() {
        let outcome = self.run([([0x20, 3, 0, 0, 0] + Packets.publish())[...]], takesMessages: false)
        #expect(outcome.violation?.hasPrefix("PUBLISH: nothing was subscribed to") == true)
    }

    @Test func `of several subscription identifiers only the first is forwarded`() {
        let before = [1, 1, 11, 5] + [38] + Packets.text("n") + Packets.text("v") as [UInt8]
        let payload = [UInt8](repeating: 98, count: 100)
        let several = Packets.publish(properties: before + [11, 0xff, 0x01, 2, 0, 0, 0, 9, 11, 6], payload: payload)
        let one = Packets.publish(properties: before + [2, 0, 0, 0, 9], payload: payload)
        let bytes = Packets.five[0] + several + Packets.five[2]
        let expected = Outcome(passed: [Packets.five[0], one, Packets.five[2]].flatMap(Packets.forwarded))
        #expect(self.whole(bytes) == expected)
        for cut in bytes.indices { #expect(self.run([bytes[..<cut], bytes[cut...]]) == expected) }
    }

    @Test func `a message that is too large is left out, and the next one is delivered`() {
        let large = Packets.publish("big", qos: 1, identifier: 513, payload: [UInt8](repeating: 97, count: 1000))
        let bytes = Packets.five[0] + large + Packets.five[2]
        let expected = Outcome(
            passed: Packets.five[0] + Packets.forwarded(Packets.five[2]),
            omissions: [MQTTOmission(reason: .size(1000), topic: "big", identifier: 513, size: large.count)]
        )
        #expect(self.run([bytes[...]], largest: 1000) == expected)
        #expect(self.run(bytes.indices.map { bytes[$0...$0] }, largest: 1000) == expected)
    }

    @Test func `a message with too many properties is left out`() {
        let property = [UInt8(38)] + Packets.text("n") + Packets.text(String(repeating: "v", count: 60_000))
        let large = Packets.publish(qos: 0, properties: Array([property, property, property, property, property].joined()))
        let bytes = Packets.five[0] + large + Packets.five[2]
        let outcome = self.whole(bytes)
        #expect(outcome.passed == Packets.five[0] + Packets.forwarded(Packets.five[2]))
        #expect(outcome.omissions.map(\.reason) == [.properties])
    }

    /// What a literal cannot hold.
    @Test(arguments: [0x01, 0x7f, 0x85, 0xffff, 0xfdd0, 0x1fffe] as [UInt32])
    func `a message with characters that libmosquitto refuses is left out`(character: UInt32) throws {
        let text = try "x" + String(Character(#require(Unicode.Scalar(character))))
        for message in [
            Packets.publish(text, qos: 1), Packets.publish(properties: [3] + Packets.text(text)),
            Packets.publish(properties: [38] + Packets.text("n") + Packets.text(text)),
        ] {
            let outcome = self.whole(Packets.five[0] + message + Packets.five[2])
            #expect(outcome.passed == Packets.five[0] + Packets.forwarded(Packets.five[2]))
            #expect(outcome.omissions.map(\.reason) == [.text])
        }
    }

    @Test func `texts follow the standard's table of well-formed sequences`() {
        func quality(_ bytes: [UInt8]) -> MQTTFieldReader.TextQuality { bytes.withUnsafeBytes { MQTTFieldReader.quality($0) } }
        for text in ["", "plain", "é", "€", "😀", "\u{fffd}", "\u{100000}"] {
            #expect(quality(Array(text.utf8)) == .plain, "\(text)")
        }
        let malformed: [[UInt8]] = [
            [0xc0, 0x80], [0xc1, 0xbf], [0xe0, 0x80, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x80, 0x80, 0x80],
            [0xf4, 0x90, 0x80, 0x80],
            [0xf5, 0x80, 0x80, 0x80], [0xc3], [0xe2, 0x82], [0xf0, 0x9f, 0x98], [0x80], [0xff], [0xc3, 0x28], [0xe2, 0x28, 0xa1],
        ]
        for bytes in malformed { #expect(quality(bytes) == .malformed, "\(bytes)") }
        // All scalars there are, against Swift's own encoder.
        for value in stride(from: UInt32(0), through: 0x10ffff, by: 7) {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let expected: MQTTFieldReader.TextQuality = value == 0 ? .malformed : MQTTText.isHarmless(scalar) ? .plain : .unusual
            #expect(quality(Array(String(Character(scalar)).utf8)) == expected, "U+\(String(value, radix: 16))")
        }
    }
}
