package import BridgeCore
import Curl

extension SMTPSink.Configuration: ProbingConfiguration {
    /// The server.
    package var probedAddress: String { self.url.text }

    /// Greets the server, changes to TLS, logs in and sends `NOOP` (RFC 5321 §4.1.1.9); no mail.
    package func probe(_ context: ProbeContext) async throws -> String {
        let curl = try context.shared.find(CurlMulti.self)
        var request = SMTPSink.request(self, body: nil, timeout: context.timeout)
        request.mail = CurlMail(sender: "", recipients: [], startTLS: self.security)
        let (replies, error) = await SMTPSink.replies(to: request, curl)
        try Task.checkCancellation()
        let words = SMTPWords(configuration: self)
        guard let error else {
            return self.user != nil ? "accepts user and password; no mail was sent" : "answers; no mail was sent"
        }
        let last = replies.last.flatMap { $0.isAccepted ? nil : $0 }
        if error.code == .denied || last?.code == 530 { throw ComponentError(.unauthorized, words.denied(last)) }
        throw words.error(error, last, hasAnswered: !replies.isEmpty)
    }
}
