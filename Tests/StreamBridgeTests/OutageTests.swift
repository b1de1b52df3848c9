import BridgeTesting
import NIOCore
import Testing

/// Brokers that are killed and restarted while events flow.
@Suite(.timeLimit(.minutes(5)))
struct OutageTests {
    private static let count = 4000
    private static let bodies = (0..<count).map { ByteBuffer(string: "number \($0)") }
    private static let messages = Set((0..<count).map { "number \($0)" })

    @Test func `an MQTT broker that stops midway loses nothing at QoS 1`() async throws {
        let broker = try await BrokerProcess.mosquitto("persistence true")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", client_id: bridge-in, subscribe: [{ topic: in, qos: 1 }] }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { from: [in], to: [out] }
            """
        )
        let publishing = Self.publishing { try await MQTTPeer.connect(port: broker.port).publish($0, on: "in") }
        for part in 1...2 {
            try await eventually(within: .seconds(60), "part \(part) has arrived") {
                bridge.lines(of: "out").count > part * Self.count / 4
            }
            // SIGTERM: mosquitto forgets what it has acknowledged when it is killed outright.
            try await broker.restart()
        }
        try await publishing.value
        try await Self.expectAll(in: bridge)
        #expect(try await bridge.metric("streambridge_retries_total") > 0)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a killed MQTT broker gets everything after its restart`() async throws {
        let broker = try await BrokerProcess.mosquitto("persistence true", "autosave_interval 1")
        let server = try await SSEServerPeer.start()
        // The program reaches the broker again only once there is a subscriber: the broker drops messages without one.
        let proxy = try TCPProxy(server: broker.port)
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: sse, url: "\(server.url())" }
            sinks:
              out: { type: mqtt, url: "mqtt://127.0.0.1:\(proxy.port)", topic: out, qos: 1 }
            routes:
              - { from: [in], to: [out] }
            """
        )
        var receiver = try await MQTTPeer.connect(port: broker.port)
        try await receiver.subscribe("out")
        var received: [String] = []
        server.publish(Self.events(0..<1000))
        try await eventually("the first thousand has arrived") { receiver.count >= 1000 }
        received += receiver.messages.map(\.text)
        proxy.set(.refuse)
        try await broker.kill()
        proxy.cut()
        server.publish(Self.events(1000..<Self.count))
        try await eventually("the loss is noticed") { try await bridge.get("/readyz").status == 503 }
        try await broker.restart()
        receiver = try await Self.subscribed(broker)
        proxy.set(.forward)
        try await eventually(within: .seconds(60), "the rest has arrived, not \(receiver.count)") {
            receiver.count >= Self.count - 1000
        }
        received += receiver.messages.map(\.text)
        let numbers = Set(try ReceivedEvent.all(received).map(\.message))
        #expect(numbers == Self.messages)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a killed Redis server costs nothing on a stream`() async throws {
        let server = try await BrokerProcess.redis("--appendonly", "yes", "--appendfsync", "always")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: redis-stream, url: "redis://127.0.0.1:\(server.port)", stream: in, group: bridge }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { from: [in], to: [out] }
            """
        )
        let publishing = Self.publishing { try await RedisPeer.connect(port: server.port).add($0, to: "in") }
        for part in 1...2 {
            try await eventually(within: .seconds(60), "part \(part) has arrived") {
                bridge.lines(of: "out").count > part * Self.count / 4
            }
            try await server.kill()
            try await server.restart()
        }
        try await publishing.value
        try await Self.expectAll(in: bridge)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a killed Redis server is reported as a gap, and counted`() async throws {
        let server = try await BrokerProcess.redis()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: redis, url: "redis://127.0.0.1:\(server.port)", channels: [in] }
            sinks:
              out: { type: sse, stream: out, slow_client: { bytes: 64MiB } }
            routes:
              - { from: [in], match: { priority: { gte: 5 } }, to: [out] }
            """
        )
        let client = try await bridge.stream("out")
        let before = ByteBuffer(string: #"{"message":"before","priority":5}"#)
        try await RedisPeer.connect(port: server.port).publish([before], on: "in")
        try await eventually("the first has arrived") { client.messages.count == 1 }
        try await server.kill()
        try await eventually("the loss is noticed") { try await bridge.get("/readyz").status == 503 }
        try await server.restart()
        try await eventually("it is connected again") { try await bridge.get("/readyz").status == 200 }
        let after = ByteBuffer(string: #"{"message":"after","priority":5}"#)
        try await RedisPeer.connect(port: server.port).publish([after], on: "in")
        try await eventually("the second has arrived") { client.messages.count == 2 }
        // It bypasses the route's filter, has its own type, and is between the two.
        let types = client.events.map(\.type).filter { $0 != "cursor" }
        #expect(types == ["message", "gap", "message"])
        #expect(try await bridge.metric("streambridge_gaps_total", "component=\"in\"") == 1)
        #expect(try await bridge.stop() == .exited(0))
    }

    /// Publishes all bodies in small portions, each again until the peer has taken it.
    private static func publishing(
        _ publish: @escaping @Sendable ([ByteBuffer]) async throws -> Void
    ) -> Task<Void, any Error> {
        // Awaited by the test once the peer is back.
        Task {
            for start in stride(from: 0, to: self.count, by: 100) {
                try await eventually(within: .seconds(60), "the peer takes number \(start)") {
                    do {
                        try await publish(Array(self.bodies[start..<(start + 100)]))
                        return true
                    } catch is PeerError {
                        return false
                    }
                }
            }
        }
    }

    private static func expectAll(in bridge: BridgeProcess) async throws {
        var missing = self.messages
        try await eventually(within: .seconds(60), "all have arrived; \(missing.count) are missing") {
            missing = self.messages.subtracting(try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message))
            return missing.isEmpty
        }
    }

    private static func events(_ range: Range<Int>) -> [SSEServerPeer.Event] {
        range.map { SSEServerPeer.Event(id: "\($0)", data: self.bodies[$0]) }
    }

    private static func subscribed(_ broker: BrokerProcess) async throws -> MQTTPeer {
        let peer = try await MQTTPeer.connect(port: broker.port)
        try await peer.subscribe("out")
        return peer
    }
}
