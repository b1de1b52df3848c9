import NIOCore
import NIOHTTP1

/// Makes refusals for lack of rights visible: whoever refuses a request says so here.
///
/// Thread-safe; found by its type among the services of the program.
package struct HTTPRefusals: Sendable {
    /// Why a request is refused.
    package enum Reason: String, Sendable, CaseIterable {
        /// It brings no credentials, and anonymous clients are granted nothing.
        case noCredentials = "no_credentials"
        /// It brings a token, a user or a scheme that nobody knows.
        case unknownCredentials = "unknown_credentials"
        /// Its signed token is not valid: the signature, the time, the issuer or the audience.
        case invalidToken = "invalid_token"
        /// Its signed token cannot be verified now, because the keys of its issuer are not available.
        case keysUnavailable = "keys_unavailable"
        /// The signature of its body is not right.
        case invalidSignature = "invalid_signature"
        /// The access hook refuses it.
        case hookDenied = "hook_denied"
        /// The access hook cannot be asked, or its answer cannot be used.
        case hookFailed = "hook_failed"
        /// It is known who sends it, and that is not granted what it asks for.
        case notGranted = "not_granted"
    }

    private let body: @Sendable (Reason, HTTPRequest, String?) -> Void

    /// - Parameter body: called with each refusal, and what else is known of its reason; must not block.
    package init(_ body: @escaping @Sendable (Reason, HTTPRequest, String?) -> Void) {
        self.body = body
    }

    /// Notes a refusal.
    package func note(_ reason: Reason, _ request: HTTPRequest, detail: String? = nil) {
        self.body(reason, request, detail)
    }
}
