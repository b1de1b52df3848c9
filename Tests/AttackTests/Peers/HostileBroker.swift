import BridgeTesting
import Synchronization

/// An MQTT broker that greets each client, acknowledges its requests, and sends packets that no broker may send (MQTT 5
/// §2, §3).
///
/// Thread-safe. Each connection gets another case.
final class HostileBroker: Sendable {
    private let peer: HostilePeer

    init(seed: UInt64) throws {
        self.peer = try HostilePeer { socket, number in
            var generator = SeededGenerator(seed: seed &+ UInt64(number))
            Self.serve(socket, number, &generator)
        }
    }

    var port: Int { self.peer.port }
    /// How many cases were tried.
    var cases: Int { self.peer.connections }

    private static func serve(_ socket: AttackSocket, _ number: Int, _ generator: inout SeededGenerator) {
        let connect = socket.receive(upTo: 1)
        // The level is after the name `MQTT`; the fixed header has two bytes or three.
        guard connect.first == 0x10, let name = connect.firstIndex(of: UInt8(ascii: "Q")), connect.count > name + 3 else {
            return
        }
        let version = connect[name + 3]
        let greeting: [UInt8] = version == 5 ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0]
        let packets = self.packets(version)
        if number < packets.count * 2 || Int.random(in: 0..<4, using: &generator) > 0 {
            if number % 8 == 7 {
                socket.send(self.mutated(greeting, &generator))
            } else {
                socket.send(greeting)
            }
        }
        // SUBSCRIBE or a first PUBLISH of the client names a packet identifier that answers can repeat.
        let request = socket.receive(upTo: 1)
        var identifier: [UInt8] = [0, 1]
        if let first = request.first, first >> 4 == 8, request.count > 3 { identifier = [request[2], request[3]] }
        for index in 0..<Int.random(in: 1...6, using: &generator) {
            var packet = index == 0 && number < packets.count ? packets[number] : packets.randomElement(using: &generator)!
            if packet.count > 3, packet[0] >> 4 != 3, Bool.random(using: &generator) {
                packet.replaceSubrange(2...3, with: identifier)
            }
            if !(index == 0 && number < packets.count) { packet = self.mutated(packet, &generator) }
            guard socket.send(packet) else { return }
        }
        _ = socket.receive(upTo: 1)
    }

    /// Packets that are right or wrong in one known way, by protocol level.
    private static func packets(_ version: UInt8) -> [[UInt8]] {
        let text = { (text: String) in [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count & 255)] + Array(text.utf8) }
        let publish = { (flags: UInt8, rest: [UInt8]) in [0x30 | flags, UInt8(rest.count)] + rest }
        var packets: [[UInt8]] = [
            [0x20, 0], [0x20, 1, 0], [0x20, 2, 0, 0xFF], [0x20, 0xFF, 0xFF, 0xFF, 0x7F], [0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            [0x90, 0], [0x90, 1, 0], [0x90, 2, 0, 1],
            [0x90, 3, 0, 1, 0x7F], [0xB0, 0], [0xB0, 2, 0, 1], [0xB0, 2, 0xFF, 0xFF], [0x40, 0], [0x40, 1, 0], [0x40, 2, 0, 0],
            [0x50, 2, 0, 1], [0x60, 2, 0, 1], [0x62, 2, 0, 1],
            [0x70, 2, 0, 1], [0xD0, 0], [0xD0, 1, 0], [0xC0, 0], [0x10, 2, 0, 0], [0x82, 2, 0, 1], [0xA2, 2, 0, 1], [0xE0, 0],
            [0xF0, 0], [0x00, 0], [0x0F, 0], [0x30, 0], [0x30, 1, 0],
            [0x30, 2, 0, 0], [0x30, 2, 0xFF, 0xFF], [0x36, 5, 0, 1, 97, 0, 1], [0x32, 3, 0, 1, 97], [0x32, 5, 0, 1, 97, 0, 0],
            [0x30, 0x80, 0x80, 0x80, 0x80, 1], [0x30, 0xFF, 0xFF, 0xFF, 0x7F],
            publish(0, text("")), publish(0, text("#")), publish(0, text("a/+")), publish(0, text("a\u{0}b")),
            publish(0, [0, 2, 0xC0, 0x80]), publish(0, [0, 3, 0xED, 0xA0, 0x80]),
            publish(4, text("a") + [0, 1]), publish(2, text("a") + [0, 1]), publish(0xF, text("a") + [0, 1]),
        ]
        guard version == 5 else { return packets }
        for head in [
            [0x20, 0, 0], [0x90, 0, 1], [0xB0, 0, 1], [0x40, 0, 1, 0], [0x50, 0, 1, 0x92], [0xE0, 0x8B], [0xF0, 0x18],
        ] as [[UInt8]] {
            for properties in self.properties {
                let body = Array(head.dropFirst()) + properties + (head[0] == 0x90 || head[0] == 0xB0 ? [0] : [])
                packets.append([head[0], UInt8(body.count)] + body)
            }
        }
        for properties in self.properties { packets.append(publish(0, text("a") + properties + [120])) }
        return packets
    }

    /// Properties with their length: unknown, cut, twice, of the wrong packet, or longer than the packet.
    private static let properties: [[UInt8]] = [
        [2, 0x7F, 0], [2, 0x00, 0], [3, 0xFF, 0xFF, 0x01], [1, 0x26], [5, 0x26, 0, 1, 97, 0],
        [7, 0x26, 0, 1, 97, 0xFF, 0xFF, 97], [3, 0x21, 0, 0], [6, 0x21, 0, 1, 0x21, 0, 2], [5, 0x27, 0, 0, 0, 0],
        [2, 0x24, 9], [2, 0x25, 9], [5, 0x11, 1, 2, 3, 4], [3, 0x12, 0, 0], [4, 0x12, 0, 1, 0], [3, 0x1F, 0xFF, 0xFF],
        [5, 0x1F, 0, 2, 0xC0, 0x80], [3, 0x13, 0, 0], [3, 0x22, 0xFF, 0xFF], [2, 0x0B, 0],
        [6, 0x0B, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [3, 0x23, 0, 0], [3, 0x23, 0xFF, 0xFF], [3, 0x03, 0, 0], [3, 0x08, 0, 0],
        [4, 0x08, 0, 1, 0x23], [5, 0x02, 0xFF, 0xFF, 0xFF, 0xFF], [2, 0x01, 7], [3, 0x09, 0xFF, 0xFF],
        [0x7F, 0x01], [0xFF, 0xFF, 0xFF, 0x7F], [0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x80],
    ]

    /// A packet with a few bytes changed, taken away or put in.
    private static func mutated(_ packet: [UInt8], _ generator: inout SeededGenerator) -> [UInt8] {
        var packet = packet
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !packet.isEmpty {
            let index = Int.random(in: 0..<packet.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: packet[index] = .random(in: 0...255, using: &generator)
            case 1: packet[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 2: packet.remove(at: index)
            case 3: packet.insert([0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &generator)!, at: index)
            default: packet += packet.prefix(40)
            }
        }
        return packet
    }
}
