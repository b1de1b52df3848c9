package import BridgeCore
import Curl

extension WebhookSink.Configuration: ProbingConfiguration {
    /// Scheme, host and port.
    package var probedAddress: String { CurlRequest.origin(of: self.url.constant ?? self.url.staticPrefix) }

    /// Sends `OPTIONS`, which changes nothing at the peer (RFC 9110 §9.3.7), with the credentials of the file.
    ///
    /// A receiver need not support it, so only refused credentials count as a failure.
    package func probe(_ context: ProbeContext) async throws -> String {
        let curl = try context.shared.find(CurlMulti.self)
        let peer = self.probedAddress
        let request = CurlRequest(
            self.url.constant ?? peer + "/", method: "OPTIONS", headers: WebhookRequest.fixedHeaders(self), user: self.user,
            password: self.password?.value, tls: self.tls.curl, connectTimeout: context.timeout, timeout: context.timeout,
            unixSocket: self.unixSocket, proxy: self.proxy?.value)
        let head: CurlHead
        do {
            head = try await curl.response(to: request, bodyLimit: 64 << 10).head
        } catch {
            throw WebhookSink.error(error, peer)
        }
        // The signature and headers of an event may be the credentials, which this request does not have.
        let hasAllCredentials = self.signature == nil && self.headers.allSatisfy { $0.value.constant != nil }
        if head.status == 407 || head.status == 401 && hasAllCredentials {
            let remedy = head.status == 407 ? "check user and password in proxy" : "check token, user, password and headers"
            throw ComponentError(.unauthorized, "\(peer) answered \(head.line); \(remedy)")
        }
        return "answers \(head.line) to OPTIONS; no event was sent"
    }
}
