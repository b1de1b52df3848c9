import BridgeTesting
import NIOCore
import Testing

/// Peers that quote what the program has sent them.
@Suite(.timeLimit(.minutes(1)))
struct QuotedSecretsTests {
    @Test func `a password that Redis quotes reaches neither the log nor readiness`() async throws {
        // Redis quotes the arguments of a command that it does not know.
        let server = try await BrokerProcess.redis("--rename-command", "AUTH", "")
        let address = "127.0.0.1:\(server.port)"
        let bridge = try await BridgeProcess.start(
            """
            sources:
              channel: { type: redis, url: "redis://ann:REDSECRET@\(address)", channels: [a] }
              stream: { type: redis-stream, url: "redis://\(address)", password: REDSECRET, stream: s }
            sinks:
              out: { type: redis, url: "redis://\(address)", user: ann, password: REDSECRET, channel: b }
              archive: { type: redis-stream, url: "redis://:REDSECRET@\(address)", stream: t }
            routes:
              - { from: [channel, stream], to: [out, archive] }
            """, waitingForReadiness: false
        )
        var text = ""
        try await eventually("every component reports the answer") {
            text = try await bridge.get("/readyz").text
            return text.split(separator: "unknown command").count == 5
        }
        #expect(text.contains("'***'"), "\(text)")
        #expect(!text.contains("REDSECRET"), "\(text)")
        #expect(bridge.log.contains("'***'"), "\(bridge.log)")
        #expect(!bridge.log.contains("REDSECRET"), "\(bridge.log)")
    }

    @Test func `a token from a file that a webhook quotes is reported nowhere`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer { HTTPPeer.Answer(403, body: "no: \($0.text)") }
        let directory = try TemporaryDirectory()
        try directory.write("FILESECRET\n", to: "token")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello, timeout: 1s }
            sinks:
              out: { type: webhook, url: "\(peer.url())", json: { token: "${file:{directory}/token}", text: "{{ .message }}" } }
              dead: { type: file, path: "{directory}/dead.jsonl" }
            defaults: { dead_letter: dead }
            routes:
              - { from: [in], to: [out] }
            """, directory: directory
        )
        for number in 1...3 { try await bridge.post("/n/hello", .init(string: "event \(number)")) }
        var text = ""
        try await eventually("the sink reports the refusal") {
            text = try await bridge.get("/readyz").text
            return text.contains("answers every event with 403")
        }
        let letters = bridge.lines(of: "dead.jsonl").joined(separator: "\n")
        #expect(peer.requests.first?.text.contains("FILESECRET") == true)
        for report in [text, letters, bridge.log] {
            #expect(report.contains("403 Forbidden: no: "), "\(report)")
            #expect(!report.contains("FILESECRET"), "\(report)")
        }
    }
}
