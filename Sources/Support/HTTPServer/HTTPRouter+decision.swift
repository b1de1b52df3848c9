import NIOCore
import NIOHTTP1

/// What becomes of a request once its head is known.
enum HTTPDecision {
    /// Its body is read, then its handler is called.
    case take(HTTPIntake)
    /// The same, once it is permitted.
    case ask(HTTPRouter.Authorization, HTTPIntake)
    /// It is answered without its body.
    case refuse(HTTPResponse)
    /// It is answered without its body, and what follows it cannot be trusted to be a request.
    case distrust(HTTPResponse)
}

extension HTTPRouter {
    /// Decides about a request, whatever version of HTTP carried it.
    ///
    /// - Parameters:
    ///   - hasBody: whether a body is known to follow the head.
    ///   - policy: hosts, pages and proxies.
    ///   - overload: set where there are too many connections: then only vital routes are answered in another way.
    func decide(
        _ head: HTTPRequestHead, hasBody: Bool, from remoteAddress: SocketAddress?, policy: HTTPPolicy, overload: HTTPResponse?
    ) -> HTTPDecision {
        let client = policy.client(head.headers, peer: remoteAddress)
        let decision = self.decideUnobserved(head, hasBody: hasBody, from: client, policy: policy, overload: overload)
        guard let observer = self.observer else { return decision }
        switch decision {
        case .take(let intake):
            return .take(intake.observed(by: observer))
        case .ask(let authorize, let intake):
            let observed: Authorization = { request in
                authorize(request).flatMapErrorThrowing { HTTPRefusal.response(to: $0) }.map { refusal in
                    if let refusal { observer(request, refusal) }
                    return refusal
                }
            }
            return .ask(observed, intake.observed(by: observer))
        case .refuse(let response), .distrust(let response):
            self.observe(response, to: head, from: client)
            return decision
        }
    }

    /// Shows the observer a request that is refused by its head.
    func observe(_ response: HTTPResponse, to head: HTTPRequestHead, from client: SocketAddress?) {
        guard let observer = self.observer else { return }
        let (path, query) = head.target
        observer(
            HTTPRequest(
                method: head.method, version: head.version, path: path, rawQuery: query, headers: head.headers,
                remoteAddress: client), response)
    }

    private func decideUnobserved(
        _ head: HTTPRequestHead, hasBody: Bool, from client: SocketAddress?, policy: HTTPPolicy, overload: HTTPResponse?
    ) -> HTTPDecision {
        if let refusal = head.refusal {
            return .distrust(refusal)
        }
        let (path, query) = head.target
        if head.method == .OPTIONS, path == "*" {
            return .refuse(HTTPResponse(.noContent))
        }
        let match = self.match(head.method, path)
        if let overload, !match.isVital { return .distrust(overload) }
        switch match {
        case .malformed:
            return .refuse(.error(.badRequest, "Malformed path"))
        case .notFound:
            return .refuse(.error(.notFound, "Not found"))
        case .other(let allow) where head.method == .OPTIONS:
            return .refuse(HTTPResponse(.noContent, headers: [("Allow", allow)] + Self.preflight(head, allow, policy)))
        case .other(let allow):
            return .refuse(.error(.methodNotAllowed, "Method not allowed", headers: [("Allow", allow)]))
        case .route(let route, let parameters):
            var request = HTTPRequest(
                method: head.method, version: head.version, path: path, rawQuery: query, headers: head.headers,
                remoteAddress: client
            )
            request.parameters = parameters
            return Self.admit(request, to: route, length: head.contentLength, hasBody: hasBody, policy)
        }
    }

    /// What a page of another origin that may write is told beforehand (Fetch §4.8).
    private static func preflight(
        _ head: HTTPRequestHead, _ allow: String, _ policy: HTTPPolicy
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
        _ request: HTTPRequest, to route: Route, length: Int?, hasBody: Bool, _ policy: HTTPPolicy
    ) -> HTTPDecision {
        var intake: HTTPIntake
        var authorize: Authorization?
        switch route {
        case .stream(let limit, let handler):
            guard limit > 0 || !hasBody else {
                return .refuse(.error(.badRequest, "This request takes no body"))
            }
            intake = HTTPIntake(request: request, handler: .stream(handler), limit: limit)
        case .buffered(let limit, let admit, let authorization, let traits, let handler):
            if traits.writes, let refusal = policy.refusal(ofWrite: request.headers) {
                return .refuse(refusal)
            }
            if let refusal = admit?(request) {
                return .refuse(refusal)
            }
            authorize = authorization
            intake = HTTPIntake(request: request, handler: .buffered(handler), limit: limit)
            if traits.writes, let origin = policy.publishingOrigin(request.headers) {
                intake.answerFields = Self.allowing(origin)
            }
        }
        if let length, length > intake.limit {
            return .refuse(.tooLarge(limit: intake.limit))
        }
        return authorize.map { .ask($0, intake) } ?? .take(intake)
    }
}
