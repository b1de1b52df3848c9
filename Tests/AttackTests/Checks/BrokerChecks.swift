import BridgeTesting
import NIOCore
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
    ]
}
