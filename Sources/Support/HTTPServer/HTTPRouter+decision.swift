import NIOCore
import NIOHTTP1

/// The decision about a request once its head is known.
enum HTTPDecision {
    /// Its body is read, then its handler is called.
    case accept(HTTPIntake)
    /// The same after an access check.
    case authorize(HTTPRouter.Authorization, HTTPIntake)
    /// It is answered without its body.
    case refuse(HTTPResponse)
    /// It is answered without its body, and further input cannot be trusted.
    case refuseAndClose(HTTPResponse)

    /// Whether the request is answered immediately.
    var isRefusal: Bool {
        switch self {
        case .refuse, .refuseAndClose: true
        case .accept, .authorize: false
        }
    }
}

extension HTTPRouter {
    /// Decides about a request of any HTTP version.
    ///
    /// - Parameters:
    ///   - hasBody: whether a body is known to follow the head.
    ///   - policy: hosts, pages and proxies.
    ///   - hostRefusal: set if the host is not accepted.
    ///   - overload: set if there are too many connections: the answer to everything except vital routes.
    func decide(
        _ head: HTTPHead, hasBody: Bool, from remoteAddress: SocketAddress?, policy: HTTPPolicy,
        hostRefusal: HTTPResponse? = nil, overload: HTTPResponse?
    ) -> HTTPDecision {
        let client = policy.client(head.headers, peer: remoteAddress)
        let (path, query) = head.target
        let match = self.match(head.method, path)
        let request = HTTPRequest(
            method: head.method, version: head.version, path: path, rawQuery: query, headers: head.headers, remoteAddress: client,
            parameters: match.parameters)
        let hostRefusal = head.refusal == nil ? hostRefusal : nil
        switch hostRefusal.map(HTTPDecision.refuse) ?? Self.decide(head, request, match, hasBody: hasBody, policy, overload) {
        case .accept(var intake):
            intake.observer = self.observer
            return .accept(intake)
        case .authorize(let authorize, var intake):
            guard let observer = self.observer else { return .authorize(authorize, intake) }
            intake.observer = observer
            let observed: Authorization = { request in
                authorize(request).flatMapErrorThrowing { HTTPRefusal.response(to: $0) }.map { refusal in
                    if let refusal { observer(request, refusal) }
                    return refusal
                }
            }
            return .authorize(observed, intake)
        case .refuse(let response):
            return .refuse(self.completed(response, request, match, policy))
        case .refuseAndClose(let response):
            return .refuseAndClose(self.completed(response, request, match, policy))
        }
    }

    /// Completes a refusal and reports it to the observer.
    private func completed(
        _ response: HTTPResponse, _ request: HTTPRequest, _ match: Match, _ policy: HTTPPolicy
    ) -> HTTPResponse {
        var response = response
        switch match {
        case .route(let route, _), .other(_, let route, _):
            if let refusing = route.refusing {
                response = refusing(request, response)
            } else if route.writes, request.method != .OPTIONS, let origin = policy.publishingOrigin(request.headers) {
                response.headers += Self.allowing(origin)
            }
        case .malformed, .notFound: break
        }
        self.observer?(request, response)
        return response
    }

    private static func decide(
        _ head: HTTPHead, _ request: HTTPRequest, _ match: Match, hasBody: Bool, _ policy: HTTPPolicy,
        _ overload: HTTPResponse?
    ) -> HTTPDecision {
        if let refusal = head.refusal {
            return .refuseAndClose(refusal)
        }
        if head.method == .OPTIONS, request.path == "*" {
            return .refuse(HTTPResponse(.noContent))
        }
        if let overload, !match.isVital { return .refuseAndClose(overload) }
        if !match.isRoute, !head.method.isKnown {
            guard head.method.isToken else { return .refuseAndClose(.error(.badRequest, "Malformed method")) }
            return .refuse(.unknownMethod(head.method))
        }
        switch match {
        case .malformed:
            return .refuse(.error(.badRequest, "Malformed path"))
        case .notFound:
            return .refuse(.error(.notFound, "Not found"))
        case .other(let allow, let route, _) where head.method == .OPTIONS:
            let granted = route.grant?(request) ?? []
            return .refuse(
                HTTPResponse(
                    granted.isEmpty ? .noContent : .ok,
                    headers: [("Allow", allow)] + granted + Self.preflight(head, allow, policy)))
        case .other(let allow, _, _):
            return .refuse(.error(.methodNotAllowed, "Method not allowed", headers: [("Allow", allow)]))
        case .route(let route, _):
            return Self.admit(request, head, to: route, hasBody: hasBody, policy)
        }
    }

    /// The CORS fields for a page of another origin that may write (Fetch §4.8).
    private static func preflight(
        _ head: HTTPHead, _ allow: String, _ policy: HTTPPolicy
    ) -> [(name: String, value: String)] {
        guard let origin = policy.publishingOrigin(head.headers) else { return [] }
        let asked = head.headers.first(name: "Access-Control-Request-Headers")
        return Self.allowing(origin) + [("Access-Control-Allow-Methods", allow), ("Access-Control-Max-Age", "86400")]
            + (asked.map { [("Access-Control-Allow-Headers", $0)] } ?? [])
    }

    private static func allowing(_ origin: String) -> [(name: String, value: String)] {
        [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    }

    private static func admit(
        _ request: HTTPRequest, _ head: HTTPHead, to route: Route, hasBody: Bool, _ policy: HTTPPolicy
    ) -> HTTPDecision {
        if case .stream = route.handler, route.limit == 0, hasBody {
            return .refuse(.error(.badRequest, "This request must not have a body"))
        }
        let isFromPage = route.writes && head.namesPage
        if isFromPage, let refusal = policy.refusal(ofWrite: request.headers) {
            return .refuse(refusal)
        }
        if let refusal = route.admit?(request) {
            return .refuse(refusal)
        }
        var intake = HTTPIntake(request: request, route: route)
        if isFromPage, let origin = policy.publishingOrigin(request.headers) {
            intake.answerFields = Self.allowing(origin)
        }
        if let length = head.contentLength, length > intake.limit {
            return .refuse(.tooLarge(limit: intake.limit))
        }
        guard let authorize = route.authorize, route.isGuarded?() ?? true else { return .accept(intake) }
        return .authorize(authorize, intake)
    }
}
