import BridgeTesting
import NIOCore
import Synchronization
import Testing

extension SecurityCheck {
    /// MQTT brokers that break the protocol.
    static let brokers = [
        SecurityCheck("no bytes of an MQTT broker end the program") { stage in
            let broker = try HostileBroker(seed: AttackSettings.seed)
            let url = "url: 'mqtt://127.0.0.1:\(broker.port)'"
            var sources = ["in: { type: webhook, id: in }"]
            var sinks: [String] = []
            for index in 0..<24 {
                sources.append(
                    "s\(index): { type: mqtt, \(url), client_id: s\(index), protocol: '\(index % 3 == 0 ? "3.1.1" : "5")', subscribe: [a, b/#] }"
                )
            }
            for index in 0..<8 {
                sinks.append(
                    "k\(index): { type: mqtt, \(url), client_id: k\(index), protocol: '\(index % 3 == 0 ? "3.1.1" : "5")', topic: a, buffer: { events: 10, on_full: drop_oldest } }"
                )
            }
            let targets = (0..<8).map { "k\($0)" }.joined(separator: ", ")
            let bridge = try await stage.start(
                sources: sources, sinks: sinks,
                routes: [
                    "{ from: [in], to: [\(targets)] }",
                    "{ from: [\((0..<24).map { "s\($0)" }.joined(separator: ", "))], to: [honest] }",
                ])
            let goal = 300 * stage.scale
            try await eventually(within: .seconds(20 * stage.scale), "\(goal) cases were tried, not \(broker.cases)") {
                if bridge.process.ended != nil { return true }
                _ = try? await bridge.post("/n/in", .init(string: "x"), type: "text/plain")
                return broker.cases >= goal
            }
            stage.note("\(broker.cases) connections, seed \(AttackSettings.seed)")
        },

        SecurityCheck("an MQTT broker that floods or is silent costs bounded memory") { stage in
            let message = [0x30, 0x84, 0x80, 0x04, 0, 1, 97, 0] + [UInt8](repeating: 120, count: 65_536 - 0)
            let flood = try HostilePeer { socket, number in
                _ = socket.receive(upTo: 1)
                socket.send([0x20, 3, 0, 0, 0])
                if number % 2 == 0 {
                    // A message that is announced with 256 MiB and comes slowly.
                    socket.send([0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 97, 0])
                    for _ in 0..<200 { guard socket.send([UInt8](repeating: 120, count: 1 << 20)) else { return } }
                } else {
                    for _ in 0..<2000 { guard socket.send(message) else { return } }
                }
            }
            try await stage.start(
                sources: (0..<2).map {
                    "s\($0): { type: mqtt, url: 'mqtt://127.0.0.1:\(flood.port)', client_id: s\($0), subscribe: [{ topic: a, qos: 0 }] }"
                },
                sinks: ["out: { type: sse, stream: out }"], routes: ["{ from: [s0, s1], to: [out] }"]
            )
            try await eventually("the broker has been visited") { flood.connections >= 2 }
            for _ in 0..<10 * stage.scale { await stage.settle() }
        },

        SecurityCheck("an MQTT broker that floods with all kinds of packets delays no other") { stage in
            let brokers = try Self.floods.map { block in
                try HostilePeer { socket, _ in
                    guard Self.subscribed(socket) else { return }
                    while socket.send(block) {}
                }
            }
            let sources = brokers.enumerated().flatMap { index, broker in
                ["5", "3.1.1"].map { version in
                    "s\(index)v\(version == "5" ? 5 : 3): { type: mqtt, url: 'mqtt://127.0.0.1:\(broker.port)', protocol: '\(version)', subscribe: 'x/#' }"
                }
            }
            let names = sources.map { String($0.prefix { $0 != ":" }) }.joined(separator: ", ")
            try await stage.start(
                sources: sources, sinks: ["out: { type: sse, stream: out }"], routes: ["{ from: [\(names)], to: [out] }"])
            try await eventually("every broker has been visited") { brokers.allSatisfy { $0.connections >= 2 } }
            for _ in 0..<10 * stage.scale { await stage.settle() }
        },

        SecurityCheck("an MQTT broker whose messages cannot be taken fills neither the log nor the stream") { stage in
            let block = Self.repeated([0x30, 5, 0, 1, 1, 0, 122], 1000)
            let sent = Atomic<Int>(0)
            let broker = try HostilePeer { socket, _ in
                guard Self.subscribed(socket) else { return }
                while socket.send(block) { sent.wrappingAdd(1000, ordering: .relaxed) }
            }
            let start = ContinuousClock.now
            let bridge = try await stage.start(
                sources: ["s: { type: mqtt, url: 'mqtt://127.0.0.1:\(broker.port)', protocol: '5', subscribe: '#' }"],
                sinks: ["out: { type: sse, stream: out }"], routes: ["{ from: [s], to: [out] }"])
            try await eventually("many messages are refused") { sent.load(ordering: .relaxed) > 10_000 * stage.scale }
            for _ in 0..<5 * stage.scale { await stage.settle() }
            let lines = bridge.log.split(separator: "\n").count(where: { $0.contains("Events may have been lost") })
            let seconds = Int(start.duration(to: .now) / .seconds(1))
            stage.expect(
                (1...seconds + 2).contains(lines), "\(lines) lines in \(seconds) s for \(sent.load(ordering: .relaxed)) messages")
        },
    ]

    /// Blocks of packets: messages of QoS 0, of QoS 1 with one packet identifier, PINGRESP, and unrequested PUBACKs.
    private static let floods: [[UInt8]] = [
        repeated([0x30, 7, 0, 3, 120, 47, 121, 0, 122], 5000),
        repeated([0x32, 9, 0, 3, 120, 47, 121, 0, 1, 0, 122], 5000),
        repeated([0xD0, 0], 50_000),
        (1..<30_000).flatMap { (identifier: Int) -> [UInt8] in [0x40, 2, UInt8(identifier >> 8), UInt8(identifier & 255)] },
    ]

    private static func repeated(_ packet: [UInt8], _ count: Int) -> [UInt8] {
        Array(repeatElement(packet, count: count).joined())
    }

    /// Accepts a client and its first subscription.
    private static func subscribed(_ socket: AttackSocket) -> Bool {
        let connect = socket.receive(upTo: 1)
        guard let name = connect.firstIndex(of: UInt8(ascii: "Q")), connect.count > name + 3 else { return false }
        let isFive = connect[name + 3] == 5
        socket.send(isFive ? [0x20, 3, 0, 0, 0] : [0x20, 2, 0, 0])
        let request = socket.receive(upTo: 1)
        guard request.count > 3, request[0] >> 4 == 8 else { return false }
        return socket.send(isFive ? [0x90, 4, request[2], request[3], 0, 0] : [0x90, 3, request[2], request[3], 0])
    }
}
