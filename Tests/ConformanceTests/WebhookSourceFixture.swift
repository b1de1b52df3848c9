import BridgeCore
import BridgeTesting
import NIOCore

/// A sender that posts to the webhook source.
///
/// It posts one body after the other, each once: doing it again when there was no answer is the sender's part of a guarantee.
struct WebhookSourceFixture: SourceFixture {
    static let kind: ComponentKind = "webhook"
    static let guarantees: Guarantees = [.ordered, .keepsHeaders, .binarySafe]
    static let answersAfterDelivery = true

    private let server: LocalHTTPServer

    static func start() async throws -> WebhookSourceFixture {
        WebhookSourceFixture(server: try await LocalHTTPServer.start())
    }

    var services: SharedServices { self.server.services }

    func tearDown() async throws {
        await self.server.stop()
    }

    func yaml(subject: String) -> String {
        "id: \(subject)\ntimeout: 5s"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        let connection = try RawConnection(port: self.server.port)
        let fields = headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        for payload in payloads {
            let length = "Content-Length: \(payload.readableBytes)\r\n"
            let head = "POST /api/webhooks/\(subject) HTTP/1.1\r\nHost: x\r\n\(length)\(fields)\r\n"
            try await connection.send(Array(head.utf8) + payload.readableBytesView)
            let answer = try await connection.receive(through: "\r\n\r\n")
            guard answer.hasPrefix("HTTP/1.1 200 ") else { throw PeerError(answer) }
            _ = try await connection.receive(through: "\"queued\"}")
        }
    }
}
