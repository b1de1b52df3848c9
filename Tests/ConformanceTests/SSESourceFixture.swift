import BridgeCore
import BridgeTesting
import Curl
import NIOCore
import Synchronization

/// A server of one event stream; the subjects are event types.
struct SSESourceFixture: SourceFixture {
    static let kind: ComponentKind = "sse"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .resumesAfterReconnect, .pushesBack, .connects]
    /// Every valid text but CR, which ends a line as LF does: fields, comments and blank lines are data here.
    static let hardestPayload = ByteBuffer(
        string: "\u{0}\u{1}\t \u{7f}: x\n\n\ndata: y\nid: 7\n\u{feff}\u{e9}\u{20ac}\u{1f600}\n ")

    let services: SharedServices
    private let peer: SSEServerPeer
    private let ids = Counter()

    static func start() async throws -> SSESourceFixture {
        let services = SharedServices()
        services.add(CurlMulti())
        let peer = try await SSEServerPeer.start()
        // Where the source resumes when it has never connected.
        peer.publish([SSEServerPeer.Event(id: "0", type: "beginning", "")])
        return SSESourceFixture(services: services, peer: peer)
    }

    private init(services: SharedServices, peer: SSEServerPeer) {
        self.services = services
        self.peer = peer
    }

    func yaml(subject: String) -> String {
        "url: \(self.peer.url())\nevents: [\(subject)]\nlast_event_id: '0'"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        self.peer.publish(payloads.map { SSEServerPeer.Event(id: self.ids.next(), type: subject, data: $0) })
    }

    func interrupt() async throws {
        try await self.peer.stop()
    }

    func restore() async throws {
        try await self.peer.listen()
    }

    func tearDown() async throws {
        try await self.peer.stop()
    }

    private final class Counter: Sendable {
        private let last = Atomic(0)

        func next() -> String { String(self.last.wrappingAdd(1, ordering: .relaxed).newValue) }
    }
}
