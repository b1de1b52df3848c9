import BridgeTesting
import Testing

/// One side of the program in a round: its peer, with the proxy between the two.
struct FaultySide: Sendable {
    let proxy: TCPProxy
    /// Freezes the peer, or resumes it; `nil` where the peer is a client.
    let freeze: (@Sendable (Bool) -> Void)?
    /// Ends the peer and starts it again; `nil` where the peer is a client.
    let restart: (@Sendable () async throws -> Void)?
    /// The settings of the source or sink, of which the closing brace is left off.
    let yaml: String
}

extension FaultySide {
    // MARK: Sources

    /// A broker that publishers reach directly and the program through the proxy.
    static func mqttSource() async throws -> (FaultySide, any CountingPublisher) {
        let broker = try await BrokerProcess.mosquitto("persistence true")
        let proxy = try TCPProxy(server: broker.port)
        return (
            FaultySide(
                proxy: proxy, freeze: { $0 ? broker.freeze() : broker.thaw() },
                // SIGTERM: mosquitto saves between two turns of its loop and acknowledges within one, so when it is killed outright
                // it forgets what it has acknowledged to the publisher, and the loss would be its own.
                restart: { try await broker.restart() },
                yaml: "{ type: mqtt, url: \"mqtt://127.0.0.1:\(proxy.port)\", client_id: in, subscribe: [{ topic: in/#, qos: 1 }]"
            ),
            MQTTCountingPublisher(port: broker.port)
        )
    }

    static func redisSource() async throws -> (FaultySide, any CountingPublisher) {
        let (side, server) = try await self.redis("stream: in, group: bridge, start: \"0\"")
        return (side, RedisCountingPublisher(port: server.port))
    }

    static func sseSource() async throws -> (FaultySide, any CountingPublisher) {
        let server = try await SSEServerPeer.start()
        let proxy = try TCPProxy(server: server.port)
        return (
            FaultySide(
                proxy: proxy, freeze: { $0 ? server.freeze() : server.thaw() },
                restart: {
                    try await server.stop()
                    try await server.listen()
                },
                yaml: "{ type: sse, url: \"http://127.0.0.1:\(proxy.port)/\", last_event_id: \(SSECountingPublisher.start)"
            ),
            SSECountingPublisher(server: server)
        )
    }

    static func webhookSource(bridge port: Int) throws -> (FaultySide, any CountingPublisher) {
        let proxy = try TCPProxy(server: port)
        let side = FaultySide(proxy: proxy, freeze: nil, restart: nil, yaml: "{ type: webhook, id: in")
        return (side, WebhookCountingPublisher(port: proxy.port))
    }

    // MARK: Sinks

    static func mqttSink() async throws -> (FaultySide, any CountingReader) {
        let broker = try await BrokerProcess.mosquitto("persistence true", "max_inflight_messages 0")
        let proxy = try TCPProxy(server: broker.port)
        let reader = MQTTCountingReader(port: broker.port)
        return (
            FaultySide(
                proxy: proxy, freeze: { $0 ? broker.freeze() : broker.thaw() },
                // SIGKILL is fair here: with no bound on messages in flight mosquitto writes a message to the reader's
                // socket before it acknowledges it. While the reader is not subscribed again the program must not
                // restart.
                restart: {
                    proxy.set(.refuse)
                    try await broker.kill()
                    try await eventually("the reader has noticed") { !reader.isListening }
                    try await broker.restart()
                    try await eventually("the reader is subscribed again") { reader.isListening }
                    proxy.set(.forward)
                },
                yaml: "{ type: mqtt, url: \"mqtt://127.0.0.1:\(proxy.port)\", client_id: out, topic: out/all, qos: 1"
            ), reader
        )
    }

    static func redisSink() async throws -> (FaultySide, any CountingReader) {
        let (side, server) = try await self.redis("stream: out")
        return (side, RedisCountingReader(port: server.port))
    }

    static func sseSink(bridge port: Int) throws -> (FaultySide, any CountingReader) {
        let proxy = try TCPProxy(server: port)
        let side = FaultySide(
            proxy: proxy, freeze: nil, restart: nil, yaml: "{ type: sse, stream: out, slow_client: { bytes: 64MiB, stall: 30s }")
        return (side, SSECountingReader(port: proxy.port))
    }

    private static func redis(_ settings: String) async throws -> (FaultySide, BrokerProcess) {
        let server = try await BrokerProcess.redis("--appendonly", "yes", "--appendfsync", "always")
        let proxy = try TCPProxy(server: server.port)
        let side = FaultySide(
            proxy: proxy, freeze: { $0 ? server.freeze() : server.thaw() },
            restart: {
                try await server.kill()
                try await server.restart()
            },
            yaml: "{ type: redis-stream, url: \"redis://127.0.0.1:\(proxy.port)\", \(settings)"
        )
        return (side, server)
    }
}
