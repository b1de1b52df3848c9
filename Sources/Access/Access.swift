package import BridgeConfiguration
import BridgeCore
package import Curl
package import HTTPServer
package import Logging
package import NIOCore
import NIOHTTP1

/// Decides by the file's `http.access` who may read streams and write to webhooks.
///
/// Thread-safe. Tokens of the file and users are decided at once; tokens of an issuer are verified; the hook decides
/// about all others.
package final class Access: HTTPAccess {
    private let settings: AccessSettings
    private let group: any EventLoopGroup
    private let verifier: TokenVerifier?
    private let hook: AccessHook?
    private let refusals: HTTPRefusals
    /// What identifies each entry of the settings.
    let authorities: AccessAuthorities

    /// - Throws: ``ComponentError`` for keys that cannot be read; `CurlError` when libcurl is needed and cannot be loaded.
    package init(_ settings: AccessSettings, group: any EventLoopGroup, curl: CurlMulti, refusals: HTTPRefusals, logger: Logger)
        async throws
    {
        let logger = Redaction([settings.secrets]).logger(logger)
        self.refusals = refusals
        self.settings = settings
        self.authorities = try AccessAuthorities(settings)
        self.group = group
        if let jwt = settings.jwt {
            self.verifier = try await TokenVerifier(jwt, curl: curl, logger: logger)
        } else {
            self.verifier = nil
        }
        if settings.hook != nil { try CurlMulti.load() }
        self.hook = settings.hook.map { AccessHook($0, curl: curl, logger: logger) }
    }

    /// Fetches the keys that tokens are verified with, until the task is cancelled.
    package func run() async {
        await self.verifier?.run()
    }

    /// Checks the credentials against the file, then the issuer's keys, then the hook.
    ///
    /// Without credentials, `anonymous` or the hook decides. Refusals are counted and logged. The future completes on
    /// one of the group's event loops.
    ///
    /// - Parameter names: every stream, filter and webhook that the request asks for; only the hook looks at them.
    /// - Returns: the sender's grant. Fails with ``HTTPRefusal``: 401 for credentials that are missing or unknown, 403
    ///   when the hook refuses, 503 when the key server or the hook gives no decision.
    package func grant(_ request: HTTPRequest, names: [String]) -> EventLoopFuture<HTTPGrant> {
        let loop = self.group.any()
        switch Credentials(request, self.settings) {
        case .none:
            guard self.hook == nil else { return self.askHook(request, names, loop) }
            let grants = self.settings.anonymous
            guard !grants.subscribe.isEmpty || !grants.publish.isEmpty else {
                self.refusals.note(.noCredentials, request)
                return loop.makeFailedFuture(self.challenge)
            }
            return loop.makeSucceededFuture(
                HTTPGrant(
                    challenge: self.challenge, subscribe: grants.subscribe, publish: grants.publish,
                    authority: self.authorities.anonymous))
        case .token(let token):
            // Compares every token, so that the time does not reveal which one matched.
            let known = self.settings.tokens.enumerated().filter { $0.element.token.matches(token) }
            if let (index, token) = known.first.map({ ($0.offset, $0.element) }) {
                return loop.makeSucceededFuture(
                    Self.grant(token.name ?? "token \(index + 1)", token.grants, self.authorities.tokens[index]))
            }
            if let verifier { return self.verify(token, of: request, verifier, loop) }
        case .user(let user, let password):
            let known = self.settings.users.enumerated().filter {
                Secret($0.element.user).matches(user) && $0.element.password.matches(password)
            }
            if let (index, user) = known.first.map({ ($0.offset, $0.element) }) {
                return loop.makeSucceededFuture(Self.grant(user.user, user.grants, self.authorities.users[index]))
            }
        case .unknown:
            break
        }
        guard self.hook == nil else { return self.askHook(request, names, loop) }
        self.refusals.note(.unknownCredentials, request)
        return loop.makeFailedFuture(self.challenge)
    }

    /// Checks credentials before the names are known.
    ///
    /// With a hook every request passes, because the hook decides by the names.
    package func admit(_ request: HTTPRequest) -> EventLoopFuture<Void> {
        // The hook decides by the names.
        guard self.hook == nil else { return self.group.any().makeSucceededVoidFuture() }
        return self.grant(request, names: []).map { _ in }
    }

    /// Counts and logs a request whose grant does not cover what it asks for.
    package func refused(_ request: HTTPRequest) {
        if case .none = Credentials(request, self.settings) {
            self.refusals.note(.noCredentials, request)
        } else {
            self.refusals.note(.notGranted, request)
        }
    }

    private func verify(
        _ token: String, of request: HTTPRequest, _ verifier: TokenVerifier, _ loop: any EventLoop
    ) -> EventLoopFuture<HTTPGrant> {
        let refusal = self.invalid
        return loop.makeFutureWithTask { [refusals = self.refusals, authority = self.authorities.jwt] in
            do {
                var grant = try await verifier.grant(token)
                grant.authority = authority
                return grant
            } catch TokenError.undecided {
                refusals.note(.keysUnavailable, request, detail: TokenError.undecided.reason)
                throw HTTPRefusal.undecided(retryAfter: 2)
            } catch {
                refusals.note(.invalidToken, request, detail: "\((error as? TokenError)?.reason ?? "it does not verify")")
                throw refusal
            }
        }
    }

    private func askHook(_ request: HTTPRequest, _ names: [String], _ loop: any EventLoop) -> EventLoopFuture<HTTPGrant> {
        guard let hook else { preconditionFailure("there is a hook") }
        return loop.makeFutureWithTask { [refusals = self.refusals, authority = self.authorities.hook] in
            do {
                var grant = try await hook.grant(request, names: names)
                grant.authority = authority
                return grant
            } catch {
                let status = (error as? HTTPRefusal)?.response.status
                refusals.note(status == .unauthorized || status == .forbidden ? .hookDenied : .hookFailed, request)
                throw error
            }
        }
    }

    /// The answer that requests credentials.
    private var challenge: HTTPRefusal {
        guard !self.settings.users.isEmpty else { return .unauthorized }
        var response = HTTPRefusal.unauthorized.response
        response.headers.append(("WWW-Authenticate", "Basic realm=\"streambridge\", charset=\"UTF-8\""))
        return HTTPRefusal(response)
    }

    /// The answer to a token that does not verify (RFC 6750 §3.1).
    private var invalid: HTTPRefusal {
        HTTPRefusal(
            .error(
                .unauthorized, "The token is not valid",
                headers: [("WWW-Authenticate", "Bearer realm=\"streambridge\", error=\"invalid_token\"")]
            )
        )
    }

    private static func grant(_ name: String?, _ grants: AccessSettings.Grants, _ authority: UInt64) -> HTTPGrant {
        HTTPGrant(name: name, subscribe: grants.subscribe, publish: grants.publish, authority: authority)
    }
}

extension HTTPRefusal {
    /// The answer to a request if the service that decides on it is unavailable.
    static func undecided(retryAfter seconds: Int) -> HTTPRefusal {
        HTTPRefusal(.error(.serviceUnavailable, "Access check failed; try again later", headers: [("Retry-After", "\(seconds)")]))
    }
}
