import BridgeCore
import HTTPServer
import NIOHTTP1

/// What a sender must know, and where it sends that: `token`, `token_header`, `token_query`, `user` and `password`.
///
/// Immutable.
struct WebhookCredentials: Sendable {
    /// Where the secret is in a request.
    enum Place: Sendable, Equatable {
        /// `Authorization: Bearer` (RFC 6750 §2.1).
        case bearer
        /// The whole value of a header field, such as `X-Gitlab-Token`.
        case header(String)
        /// A field of the query.
        case query(String)
        /// `Authorization: Basic` (RFC 7617).
        case basic
    }

    private let place: Place
    /// Any of them; with Basic `user:password`.
    private let secrets: [Secret]

    /// - Returns: `nil` where the settings ask for none.
    init?(_ configuration: WebhookSourceConfiguration) {
        if let user = configuration.user, let password = configuration.password {
            self.place = .basic
            self.secrets = [Secret("\(user):\(password.value)")]
        } else if !configuration.tokens.isEmpty {
            self.place = configuration.tokenHeader.map { .header($0) } ?? configuration.tokenQuery.map { .query($0) } ?? .bearer
            self.secrets = configuration.tokens
        } else {
            return nil
        }
    }

    /// Why a request lacks the secret, and the answer.
    func refusal(of request: HTTPRequest) -> (problem: WebhookProblem, answer: HTTPResponse)? {
        guard let text = self.text(in: request), !text.isEmpty else {
            return Self.refusal(.noCredentials, self.missing, self.challenge(isInvalid: false))
        }
        // No early end: the time does not show which secret it was.
        var isValid = false
        for secret in self.secrets where secret.matches(text) { isValid = true }
        return isValid ? nil : Self.refusal(.unknownCredentials, self.invalid, self.challenge(isInvalid: true))
    }

    private static func refusal(
        _ reason: HTTPRefusals.Reason, _ message: String, _ challenge: String?
    ) -> (problem: WebhookProblem, answer: HTTPResponse) {
        let headers = challenge.map { [(name: "WWW-Authenticate", value: $0)] } ?? []
        return (WebhookProblem(reason, message), .error(.unauthorized, message, headers: headers))
    }

    private func text(in request: HTTPRequest) -> String? {
        switch self.place {
        case .bearer: return request.bearerToken
        case .header(let name): return request.header(name)
        case .query(let name): return request.query(name)
        case .basic:
            guard let (scheme, credentials) = request.authorization, scheme == "basic" else { return nil }
            return Base64.bytes(credentials.utf8).flatMap { String(validating: $0, as: UTF8.self) }
        }
    }

    private var missing: String {
        switch self.place {
        case .bearer, .basic: "Missing or invalid Authorization header"
        case .header(let name): "Missing \(name) header"
        case .query(let name): "Missing query field '\(name)'"
        }
    }

    private var invalid: String {
        switch self.place {
        case .bearer: "Invalid API key"
        case .header(let name): "Invalid \(name)"
        case .query(let name): "Invalid query field '\(name)'"
        case .basic: "Invalid user or password"
        }
    }

    private func challenge(isInvalid: Bool) -> String? {
        switch self.place {
        case .bearer: "Bearer realm=\"streambridge\"" + (isInvalid ? ", error=\"invalid_token\"" : "")
        case .basic: "Basic realm=\"streambridge\", charset=\"UTF-8\""
        // Neither has a scheme that a challenge could name.
        case .header, .query: nil
        }
    }
}
