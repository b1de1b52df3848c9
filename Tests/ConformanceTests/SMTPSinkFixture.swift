import BridgeCore
import BridgeTesting
import Curl
import NIOCore

/// A mail server behind a proxy, with a receiver for each subject.
struct SMTPSinkFixture: SinkFixture {
    static let kind: ComponentKind = "smtp"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .connects]
    /// A mail is text.
    static let hardestPayload = ByteBuffer(string: "ü€𝄞 =_.\r\n.\r\n\u{0}\u{7F}\t \r\n")
    static let carriesRaw = false

    let services: SharedServices
    private let server: SMTPPeer
    private let proxy: TCPProxy

    static func start() async throws -> SMTPSinkFixture {
        let services = SharedServices()
        services.add(CurlMulti())
        let server = try await SMTPPeer.start()
        return SMTPSinkFixture(services: services, server: server, proxy: try TCPProxy(server: server.port))
    }

    func yaml(subject: String, body: SinkBody) -> String {
        """
        url: smtp://127.0.0.1:\(self.proxy.port)
        from: bridge@example.org
        to: \(subject)@example.org
        text: "{{ . }}"
        """
    }

    func yamlRefusing(subject: String) -> String? { self.yaml(subject: subject, body: .event) }

    func received(on subject: String) async throws -> [SinkReceipt] {
        try self.server.mails.filter { $0.recipients == ["\(subject)@example.org"] }.map { mail in
            // The text ends with a line end.
            SinkReceipt(
                ByteBuffer(string: String(mail.text.dropLast())), headers: mail.headers.map { ($0[0].lowercased(), $0[1]) })
        }
    }

    func interrupt() async throws {
        self.proxy.set(.refuse)
        self.proxy.cut()
    }

    func restore() async throws {
        self.proxy.set(.forward)
    }
}
