import BridgeCore
import HTTPServer
import NIOCore

/// Verifies the signatures of requests: see ``WebhookVerificationSettings``.
///
/// Immutable.
struct WebhookVerifier: Sendable {
    private let settings: WebhookVerificationSettings
    /// One for each secret.
    private let signatures: [WebhookSignature]

    /// - Parameter settings: valid ones.
    init(_ settings: WebhookVerificationSettings) {
        self.settings = settings
        self.signatures = settings.secrets.map { secret in
            switch settings.scheme {
            case .hmac:
                WebhookSignature(
                    secret: secret, algorithm: settings.algorithm, encoding: settings.encoding, prefix: settings.prefix)
            case .slack: WebhookSignature(secret: secret, prefix: "v0=")
            case .stripe: WebhookSignature(secret: secret, prefix: "")
            case .standardWebhooks, .svix:
                WebhookSignature(
                    key: WebhookVerificationSettings.key(in: secret) ?? [], algorithm: .sha256, encoding: .base64, prefix: "v1,")
            }
        }
    }

    /// Verifies a request with its whole body, as the sender sent it.
    ///
    /// The time is checked first: it costs nothing, and a request outside the tolerance is not hashed.
    ///
    /// - Throws: ``WebhookProblem`` unless one of the secrets made one of the signatures.
    func verify(_ request: HTTPRequest, now: Timestamp) throws(WebhookProblem) {
        let claim = try WebhookClaim.read(request, self.settings.scheme, header: self.settings.header)
        if let time = claim.time { try self.check(time, now) }
        guard let form = self.signatures.first else { throw WebhookProblem(.invalidSignature, "Invalid signature") }
        let codes = claim.signatures.compactMap { form.code(in: $0) }
        guard !codes.isEmpty else { throw .malformed(claim.field, expected: form.form) }
        var isValid = false
        for signature in self.signatures {
            let expected = signature.code(of: request.body, after: claim.head)
            // No early end: the time does not show which secret it was.
            for code in codes where WebhookSignature.isEqual(code, expected) { isValid = true }
        }
        guard isValid else { throw WebhookProblem(.invalidSignature, "Invalid signature") }
    }

    /// Refuses a request that was signed too long ago, and so may be a replay, or in the future.
    private func check(_ time: Int64, _ now: Timestamp) throws(WebhookProblem) {
        let age = now.milliseconds - time * 1000
        let tolerance = self.settings.tolerance.milliseconds
        guard abs(age) > tolerance else { return }
        let seconds = (abs(age) + 999) / 1000
        throw WebhookProblem(
            .invalidSignature,
            age > 0
                ? "Signed \(seconds) s ago; at most \(tolerance / 1000) s are accepted"
                : "Signed \(seconds) s in the future; at most \(tolerance / 1000) s are accepted, check the clocks")
    }
}
