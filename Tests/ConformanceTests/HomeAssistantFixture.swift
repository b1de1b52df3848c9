import BridgeCore
import BridgeTesting
import NIOCore

/// A mosquitto behind a proxy, with a subscriber that receives the events of one entity.
struct HomeAssistantFixture: SinkFixture {
    static let kind: ComponentKind = "home-assistant"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .keepsHeaders, .connects]
    static let carriesRaw = false
    /// Larger events are cut, because Home Assistant does not record them.
    static let largestPayload = 4096

    private let broker: BrokerProcess
    private let proxy: TCPProxy
    private let subscriber: MQTTPeer

    static func start() async throws -> HomeAssistantFixture {
        let broker = try await BrokerProcess.mosquitto()
        var options = MQTTPeer.Options()
        options.version = 5
        let subscriber = try await MQTTPeer.connect(port: broker.port, options)
        try await subscriber.subscribe("conformance/#")
        return HomeAssistantFixture(broker: broker, proxy: try TCPProxy(server: broker.port), subscriber: subscriber)
    }

    func yaml(subject: String, body: SinkBody) -> String {
        """
        url: mqtt://127.0.0.1:\(self.proxy.port)
        client_id: sink-\(subject)
        device_id: \(subject)
        topic: conformance/\(subject)
        entities: { all: {} }
        """
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        // The event's JSON follows its type.
        let type = #"{"event_type":"other","#
        return self.subscriber.messages.filter { $0.topic == "conformance/\(subject)/all/event" }.map { message in
            let event = "{" + String(buffer: message.payload).dropFirst(type.utf8.count)
            return SinkReceipt(ByteBuffer(string: event), headers: message.userProperties)
        }
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
