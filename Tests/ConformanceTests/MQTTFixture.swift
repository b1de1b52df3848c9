import BridgeCore
import BridgeTesting
import NIOCore

/// A mosquitto behind a proxy, so that connections can be closed while the broker keeps its state.
struct MQTTSourceFixture: SourceFixture {
    static let kind: ComponentKind = "mqtt"
    static let guarantees: Guarantees = [
        .ordered, .atLeastOnce, .keepsHeaders, .resumesAfterReconnect, .pushesBack, .binarySafe, .connects,
    ]

    private let broker: BrokerProcess
    private let proxy: TCPProxy
    private let publisher: MQTTPeer

    static func start() async throws -> MQTTSourceFixture {
        let broker = try await BrokerProcess.mosquitto()
        var options = MQTTPeer.Options()
        options.version = 5
        return MQTTSourceFixture(
            broker: broker, proxy: try TCPProxy(server: broker.port),
            publisher: try await MQTTPeer.connect(port: broker.port, options)
        )
    }

    func yaml(subject: String) -> String {
        """
        url: mqtt://127.0.0.1:\(self.proxy.port)
        client_id: source-\(subject)
        subscribe: conformance/\(subject)/#
        """
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        try await self.publisher.publish(payloads, on: "conformance/\(subject)/topic", userProperties: headers)
    }

    func interrupt() async throws {
        self.proxy.set(.refuse)
        self.proxy.cut()
    }

    func restore() async throws {
        self.proxy.set(.forward)
    }

    func tearDown() async throws {
        try await self.broker.stop()
    }
}

/// A mosquitto behind a proxy, with a subscriber that receives everything from the beginning.
struct MQTTSinkFixture: SinkFixture {
    static let kind: ComponentKind = "mqtt"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .keepsHeaders, .binarySafe, .connects]

    private let broker: BrokerProcess
    private let proxy: TCPProxy
    private let subscriber: MQTTPeer
    /// Holds the broker's list of what may be published.
    private let directory: TemporaryDirectory

    static func start() async throws -> MQTTSinkFixture {
        let directory = try TemporaryDirectory()
        let list = try directory.write("topic readwrite #\ntopic deny conformance/+/refuse me\n", to: "acl")
        let broker = try await BrokerProcess.mosquitto("acl_file \(list)")
        var options = MQTTPeer.Options()
        options.version = 5
        let subscriber = try await MQTTPeer.connect(port: broker.port, options)
        try await subscriber.subscribe("conformance/#")
        return MQTTSinkFixture(
            broker: broker, proxy: try TCPProxy(server: broker.port), subscriber: subscriber, directory: directory
        )
    }

    func yaml(subject: String, body: SinkBody) -> String {
        """
        url: mqtt://127.0.0.1:\(self.proxy.port)
        client_id: sink-\(subject)
        topic: conformance/\(subject)
        format: \(body == .raw ? "raw" : "json")
        """
    }

    func yamlRefusing(subject: String) -> String? {
        """
        url: mqtt://127.0.0.1:\(self.proxy.port)
        topic: conformance/\(subject)/{{ .message }}
        """
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        self.subscriber.messages
            .filter { $0.topic == "conformance/\(subject)" || $0.topic.hasPrefix("conformance/\(subject)/") }
            .map { SinkReceipt($0.payload, headers: $0.userProperties) }
    }

    func interrupt() async throws {
        self.proxy.set(.refuse)
        self.proxy.cut()
    }

    func restore() async throws {
        self.proxy.set(.forward)
    }

    func tearDown() async throws {
        try await self.broker.stop()
    }
}
