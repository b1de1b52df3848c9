import BridgeCore
import BridgeTesting
import NIOCore

/// A fixture with a redis-server behind a proxy, so that connections can be closed while the server stays alive.
protocol ProxiedRedis: AdapterFixture {
    var server: BrokerProcess { get }
    var proxy: TCPProxy { get }
}

extension ProxiedRedis {
    func interrupt() async throws {
        self.proxy.set(.refuse)
        self.proxy.cut()
    }

    func restore() async throws {
        self.proxy.set(.forward)
    }

    func tearDown() async throws {
        try await self.server.kill()
    }
}

/// Patterns of a redis-server behind a proxy.
struct RedisSourceFixture: SourceFixture, ProxiedRedis {
    static let kind: ComponentKind = "redis"
    static let guarantees: Guarantees = [.ordered, .binarySafe, .connects, .reportsGaps]

    let server: BrokerProcess
    let proxy: TCPProxy
    private let publisher: RedisPeer

    static func start() async throws -> RedisSourceFixture {
        let server = try await BrokerProcess.redis()
        return RedisSourceFixture(
            server: server, proxy: try TCPProxy(server: server.port), publisher: try await RedisPeer.connect(port: server.port)
        )
    }

    func yaml(subject: String) -> String {
        "url: redis://127.0.0.1:\(self.proxy.port)\npatterns: [\"\(subject):*\"]"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        try await self.publisher.publish(payloads, on: "\(subject):a")
    }
}

/// A redis-server behind a proxy, with a subscriber that receives everything from the beginning.
struct RedisSinkFixture: SinkFixture, ProxiedRedis {
    static let kind: ComponentKind = "redis"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .binarySafe, .connects]

    let server: BrokerProcess
    let proxy: TCPProxy
    private let subscriber: RedisPeer

    static func start() async throws -> RedisSinkFixture {
        let server = try await BrokerProcess.redis()
        let subscriber = try await RedisPeer.connect(port: server.port)
        try await subscriber.subscribe(patterns: ["*"])
        return RedisSinkFixture(server: server, proxy: try TCPProxy(server: server.port), subscriber: subscriber)
    }

    func yaml(subject: String, body: SinkBody) -> String {
        "url: redis://127.0.0.1:\(self.proxy.port)\nchannel: \(subject)\nformat: \(body == .raw ? "raw" : "json")"
    }

    func yamlRefusing(subject: String) -> String? {
        """
        url: redis://127.0.0.1:\(self.proxy.port)
        channel: \(subject)
        body: '{{ if .message == "refuse me" then error("no") else .message end }}'
        """
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        self.subscriber.messages.filter { $0.channel == subject }.map { SinkReceipt($0.payload) }
    }
}

/// A list of a redis-server behind a proxy.
struct RedisListFixture: SourceFixture, ProxiedRedis {
    static let kind: ComponentKind = "redis"
    static let guarantees: Guarantees = [
        .ordered, .atLeastOnce, .resumesAfterReconnect, .pushesBack, .binarySafe, .connects,
    ]

    let server: BrokerProcess
    let proxy: TCPProxy
    private let publisher: RedisPeer

    static func start() async throws -> RedisListFixture {
        let server = try await BrokerProcess.redis()
        return RedisListFixture(
            server: server, proxy: try TCPProxy(server: server.port), publisher: try await RedisPeer.connect(port: server.port)
        )
    }

    func yaml(subject: String) -> String {
        "url: redis://127.0.0.1:\(self.proxy.port)\nlists: [\(subject)]"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        _ = try await self.publisher.pipeline(payloads.map { [ByteBuffer(string: "LPUSH"), ByteBuffer(string: subject), $0] })
    }
}

/// A stream of a redis-server behind a proxy.
struct RedisStreamSourceFixture: SourceFixture, ProxiedRedis {
    static let kind: ComponentKind = "redis-stream"
    static let guarantees: Guarantees = [
        .ordered, .atLeastOnce, .resumesAfterReconnect, .pushesBack, .binarySafe, .connects,
    ]

    let server: BrokerProcess
    let proxy: TCPProxy
    private let publisher: RedisPeer

    static func start() async throws -> RedisStreamSourceFixture {
        let server = try await BrokerProcess.redis()
        return RedisStreamSourceFixture(
            server: server, proxy: try TCPProxy(server: server.port), publisher: try await RedisPeer.connect(port: server.port)
        )
    }

    func yaml(subject: String) -> String {
        "url: redis://127.0.0.1:\(self.proxy.port)\nstream: \(subject)\ngroup: conformance\nstart: 0"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        try await self.publisher.add(payloads, to: subject)
    }
}

/// Streams of a redis-server behind a proxy.
struct RedisStreamSinkFixture: SinkFixture, ProxiedRedis {
    static let kind: ComponentKind = "redis-stream"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .keepsHeaders, .binarySafe, .connects]

    let server: BrokerProcess
    let proxy: TCPProxy
    private let reader: RedisPeer

    static func start() async throws -> RedisStreamSinkFixture {
        let server = try await BrokerProcess.redis()
        return RedisStreamSinkFixture(
            server: server, proxy: try TCPProxy(server: server.port), reader: try await RedisPeer.connect(port: server.port)
        )
    }

    func yaml(subject: String, body: SinkBody) -> String {
        "url: redis://127.0.0.1:\(self.proxy.port)\nstream: \(subject)\nformat: \(body == .raw ? "raw" : "json")"
    }

    func yamlRefusing(subject: String) -> String? {
        // The stream that the refused event would go to is a string.
        """
        url: redis://127.0.0.1:\(self.proxy.port)
        stream: '{{ if .message == "refuse me" then "string" else "\(subject)" end }}'
        """
    }

    func prepare(subject: String) async throws {
        try await self.reader.command("SET", "string", "x")
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        try await self.reader.entries(of: subject).map { entry in
            let pairs = stride(from: 0, to: entry.fields.count, by: 2).map {
                (name: String(buffer: entry.fields[$0]), value: entry.fields[$0 + 1])
            }
            let body = pairs.first { $0.name == "event" || $0.name == "data" }?.value ?? ByteBuffer()
            return SinkReceipt(body, headers: pairs.dropFirst().map { ($0.name, String(buffer: $0.value)) })
        }
    }
}
