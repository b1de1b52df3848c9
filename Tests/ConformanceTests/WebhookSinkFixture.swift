import BridgeCore
import BridgeTesting
import Curl
import NIOCore

/// An HTTP server that accepts everything, with a path for each subject.
struct WebhookSinkFixture: SinkFixture {
    static let kind: ComponentKind = "webhook"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .keepsHeaders, .binarySafe, .connects]

    let services: SharedServices
    private let peer: HTTPPeer

    static func start() async throws -> WebhookSinkFixture {
        let services = SharedServices()
        services.add(CurlMulti())
        let peer = try await HTTPPeer.start()
        peer.answer { request in
            request.uri.hasSuffix("/strict") && request.text.contains("refuse me") ? HTTPPeer.Answer(422) : HTTPPeer.Answer()
        }
        return WebhookSinkFixture(services: services, peer: peer)
    }

    func yaml(subject: String, body: SinkBody) -> String {
        "url: \(self.peer.url("/\(subject)"))\nformat: \(body == .raw ? "raw" : "json")"
    }

    func yamlRefusing(subject: String) -> String? {
        "url: \(self.peer.url("/\(subject)/strict"))"
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        self.peer.requests.filter { $0.uri == "/\(subject)" || $0.uri == "/\(subject)/strict" && !$0.text.contains("refuse me") }
            .map { SinkReceipt($0.body, headers: $0.headers.all.map { ($0.name.lowercased(), $0.value) }) }
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
}
