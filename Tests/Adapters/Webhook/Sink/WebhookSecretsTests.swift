import BridgeCore
import BridgeTesting
import Testing

@testable import WebhookAdapter

/// Peers that quote the request in their answers, as debug pages and some gateways do.
@Suite(.timeLimit(.minutes(1)))
struct WebhookSecretsTests {
    private static let settings = #"""
        "token": "TOKSECRET", "headers": { "X-Key": "HEADSECRET" }, "signature": { "secret": "SIGSECRET" },
        "json": { "key": "ENVSECRET", "text": "{{ .message }}" }
        """#
    private static let secrets = ["TOKSECRET", "HEADSECRET", "SIGSECRET", "ENVSECRET", "URLSECRET", "PATHSECRET"]

    /// Answers with everything that it was sent, and with the key of signatures.
    private static func echo(_ status: Int, _ request: HTTPPeer.Request) -> HTTPPeer.Answer {
        let fields = ["authorization", "x-key"].map { "\($0): \(request.headers[$0] ?? "")" }.joined(separator: "\n")
        return HTTPPeer.Answer(status, body: "\(request.uri)\n\(fields)\n\(request.text)\nSIGSECRET")
    }

    @Test(arguments: [400, 403, 503])
    func `neither log, status nor dead letters hold secrets that the peer quotes`(_ status: Int) async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { Self.echo(status, $0) }
        let fixture = try HookFixture(
            peer.url("/PATHSECRET?key=URLSECRET"), Self.settings, attempts: 1, references: ["ENVSECRET"])
        try await fixture.send(["a"])
        let letter = try await fixture.deadLetter()
        #expect(letter.contains("***?key=***"), "\(letter)")
        #expect(letter.contains("Bearer ***"), "\(letter)")
        let reported = fixture.bridge.sinks[0].status.lastError ?? ""
        let log = fixture.log.lines.map { "\($0.message) \($0.metadata)" }.joined(separator: "\n")
        for secret in Self.secrets {
            #expect(!letter.contains(secret), "\(letter)")
            #expect(!reported.contains(secret), "\(reported)")
            #expect(!log.contains(secret), "\(log)")
        }
        #expect(peer.requests.first.map { Self.echo(400, $0).body.contains("TOKSECRET") } == true)
        _ = await fixture.stop()
    }
}
