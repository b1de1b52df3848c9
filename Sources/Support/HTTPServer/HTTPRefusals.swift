import NIOCore
import NIOHTTP1

/// Counts and logs refused requests; every part that checks access reports its refusals here.
///
/// Thread-safe; looked up by its type among the services of the program.
package struct HTTPRefusals: Sendable {
    /// Why a request is refused.
    package enum Reason: String, Sendable, CaseIterable {
        /// It has no credentials, and anonymous clients have no access.
        case noCredentials = "no_credentials"
        /// It has an unknown token, user or scheme.
        case unknownCredentials = "unknown_credentials"
        /// Its signed token is invalid: the signature, the time, the issuer or the audience.
        case invalidToken = "invalid_token"
        /// Its signed token cannot be verified now, because the keys of its issuer are not available.
        case keysUnavailable = "keys_unavailable"
        /// The signature of its body is wrong.
        case invalidSignature = "invalid_signature"
        /// The access hook refuses it.
        case hookDenied = "hook_denied"
        /// The access hook is unreachable, or its answer is invalid.
        case hookFailed = "hook_failed"
        /// The client is known and lacks the permission.
        case notGranted = "not_granted"
    }

    private let body: @Sendable (Reason, HTTPRequest, String?) -> Void

    /// - Parameter body: called with each refusal and further details; must not block.
    package init(_ body: @escaping @Sendable (Reason, HTTPRequest, String?) -> Void) {
        self.body = body
    }

    /// Records a refusal.
    package func note(_ reason: Reason, _ request: HTTPRequest, detail: String? = nil) {
        self.body(reason, request, detail)
    }
}
