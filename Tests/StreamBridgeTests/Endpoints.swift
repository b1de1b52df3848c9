import BridgeTesting
import NIOCore

/// A protocol that the program reads from or writes to, with the peer that speaks it.
enum Endpoint: String, CaseIterable, Sendable {
    case sse
    case mqtt
    case redis

    /// A peer to publish with, and the settings of the source that reads it.
    func entry() async throws -> Entry {
        switch self {
        case .sse:
            let server = try await SSEServerPeer.start()
            return Entry(
                yaml: "{ type: sse, url: \"\(server.url())\" }",
                publish: { bodies, first in
                    let events = bodies.enumerated().map { SSEServerPeer.Event(id: "\(first + $0.offset)", data: $0.element) }
                    for start in stride(from: 0, to: events.count, by: 100) {
                        server.publish(Array(events[start..<min(start + 100, events.count)]))
                    }
                }
            )
        case .mqtt:
            let broker = try await BrokerProcess.mosquitto()
            let peer = try await MQTTPeer.connect(port: broker.port)
            return Entry(
                yaml: "{ type: mqtt, url: \"mqtt://127.0.0.1:\(broker.port)\", subscribe: [{ topic: in/#, qos: 1 }] }",
                publish: { bodies, _ in
                    _ = broker
                    try await peer.publish(bodies, on: "in/a")
                }
            )
        case .redis:
            let server = try await BrokerProcess.redis()
            let peer = try await RedisPeer.connect(port: server.port)
            return Entry(
                yaml: "{ type: redis, url: \"redis://127.0.0.1:\(server.port)\", channels: [in] }",
                publish: { bodies, _ in
                    _ = server
                    try await peer.publish(bodies, on: "in")
                }
            )
        }
    }

    /// The settings of the sink that writes it, and a peer that receives.
    func exit() async throws -> Exit {
        switch self {
        case .sse:
            return Exit(yaml: "{ type: sse, stream: out, slow_client: { bytes: 64MiB } }") { bridge in
                let client = try await bridge.stream("out")
                return Received(count: { client.count }, bodies: { client.messages.map(\.data) })
            }
        case .mqtt:
            let broker = try await BrokerProcess.mosquitto()
            let peer = try await MQTTPeer.connect(port: broker.port)
            try await peer.subscribe("out/#")
            return Exit(yaml: "{ type: mqtt, url: \"mqtt://127.0.0.1:\(broker.port)\", topic: out/a, qos: 1 }") { _ in
                Received(
                    count: {
                        _ = broker
                        return peer.count
                    }, bodies: { peer.messages.map(\.text) })
            }
        case .redis:
            let server = try await BrokerProcess.redis()
            let peer = try await RedisPeer.connect(port: server.port)
            try await peer.subscribe(channels: ["out"])
            return Exit(yaml: "{ type: redis, url: \"redis://127.0.0.1:\(server.port)\", channel: out }") { _ in
                Received(
                    count: {
                        _ = server
                        return peer.count
                    }, bodies: { peer.messages.map(\.text) })
            }
        }
    }

    /// Where events come in.
    struct Entry: Sendable {
        let yaml: String
        /// Publishes bodies in order; the number of the first lets a protocol with ids number them.
        let publish: @Sendable ([ByteBuffer], Int) async throws -> Void
    }

    /// Where events go out.
    struct Exit: Sendable {
        let yaml: String
        /// Connects a receiver once the program runs.
        let receive: @Sendable (BridgeProcess) async throws -> Received
    }

    /// What a receiver has so far.
    struct Received: Sendable {
        /// The number of bodies, or a few more, found without looking at each.
        let count: @Sendable () -> Int
        let bodies: @Sendable () -> [String]
    }
}
