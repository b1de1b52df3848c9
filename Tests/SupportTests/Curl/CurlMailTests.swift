import BridgeTesting
import Curl
import NIOCore
import Testing

/// Mails that are given up.
@Suite(.timeLimit(.minutes(1))) struct CurlMailTests {
    private static func mail(_ server: SilentPeer) -> CurlRequest {
        var request = CurlRequest(
            "smtp://127.0.0.1:\(server.port)", body: ByteBuffer(string: "Subject: a\r\n\r\nb\r\n"), timeout: .seconds(300))
        request.mail = CurlMail(sender: "a@example.org", recipients: ["b@example.org"], startTLS: .off)
        return request
    }

    @Test func `a cancelled mail to a silent server ends at once, and other transfers do not wait`() async throws {
        let curl = CurlMulti()
        let (silent, web) = (try await SilentPeer(), try await ScriptedHTTPServer { _, reply in reply.answer(200, [], "yes") })
        var mail = RecordedTransfer(curl, Self.mail(silent))
        try await eventually("the server is asked") { silent.connections == 1 }
        mail.transfer.cancel()
        #expect(try await curl.response(to: CurlRequest(web.url()), bodyLimit: 10).head.status == 200)
        #expect(await mail.rest().error?.code == .cancelled)
        try await web.stop()
    }

    @Test func `a mail that is in flight when its client ends is given up`() async throws {
        let silent = try await SilentPeer()
        func begin() async throws -> RecordedTransfer {
            let curl = CurlMulti()
            let mail = RecordedTransfer(curl, Self.mail(silent))
            try await eventually("the server is asked") { silent.connections == 1 }
            withExtendedLifetime(curl) {}
            return mail
        }
        var mail = try await begin()
        #expect(await mail.rest().error?.code == .cancelled)
    }
}
