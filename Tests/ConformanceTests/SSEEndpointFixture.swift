import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization

/// Subscribers of the SSE endpoint.
struct SSEEndpointFixture: SinkFixture {
    static let kind: ComponentKind = "sse"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce]
    /// An event is always the model's JSON.
    static let carriesRaw = false

    private let server: LocalHTTPServer
    private let subscribers = Subscribers()

    static func start() async throws -> SSEEndpointFixture {
        SSEEndpointFixture(server: try await LocalHTTPServer.start())
    }

    var services: SharedServices { self.server.services }

    func tearDown() async throws {
        await self.server.stop()
    }

    func yaml(subject: String, body: SinkBody) -> String {
        "stream: \(subject)"
    }

    func prepare(subject: String) async throws {
        // Some checks prepare before there is a sink; then the first look subscribes.
        _ = try? await self.subscriber(subject)
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        try await self.subscriber(subject).messages.map { SinkReceipt(ByteBuffer(string: $0.data)) }
    }

    /// The stream remembers, so a subscriber that comes late misses nothing.
    private func subscriber(_ subject: String) async throws -> SSEClientPeer {
        if let known = self.subscribers.peers.withLock({ $0[subject] }) { return known }
        let peer = try await SSEClientPeer.connect(port: self.server.port, path: "/api/stream/\(subject)?since=earliest")
        guard peer.status == 200 else { throw PeerError("the stream \(subject) was answered \(peer.status ?? 0)") }
        self.subscribers.peers.withLock { $0[subject] = peer }
        return peer
    }

    private final class Subscribers: Sendable {
        let peers = Mutex<[String: SSEClientPeer]>([:])
    }
}
