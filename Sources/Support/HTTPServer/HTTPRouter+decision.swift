import NIOCore
import NIOHTTP1

/// What becomes of a request once its head is known.
enum HTTPDecision {
    /// Its body is read, then its handler is called.
    case take(HTTPIntake)
    /// It is answered without its body.
    case refuse(HTTPResponse)
    /// It is answered without its body, and what follows it cannot be trusted to be a request.
    case distrust(HTTPResponse)
}

extension HTTPRouter {
    /// Decides about a request, whatever version of HTTP carried it.
    ///
    /// - Parameter hasBody: whether a body is known to follow the head.
    func decide(_ head: HTTPRequestHead, hasBody: Bool, from remoteAddress: SocketAddress?) -> HTTPDecision {
        let decision = self.decideUnobserved(head, hasBody: hasBody, from: remoteAddress)
        guard let observer = self.observer else { return decision }
        switch decision {
        case .take(let intake):
            return .take(intake.observed(by: observer))
        case .refuse(let response), .distrust(let response):
            let (path, query) = head.target
            observer(
                HTTPRequest(
                    method: head.method, version: head.version, path: path, rawQuery: query, headers: head.headers,
                    remoteAddress: remoteAddress), response)
            return decision
        }
    }

    private func decideUnobserved(
        _ head: HTTPRequestHead, hasBody: Bool, from remoteAddress: SocketAddress?
    ) -> HTTPDecision {
        if let refusal = head.refusal {
            return .distrust(refusal)
        }
        let (path, query) = head.target
        if head.method == .OPTIONS, path == "*" {
            return .refuse(HTTPResponse(.noContent))
        }
        switch self.match(head.method, path) {
        case .malformed:
            return .refuse(.error(.badRequest, "Malformed path"))
        case .notFound:
            return .refuse(.error(.notFound, "Not found"))
        case .other(let allow) where head.method == .OPTIONS:
            return .refuse(HTTPResponse(.noContent, headers: [("Allow", allow)]))
        case .other(let allow):
            return .refuse(.error(.methodNotAllowed, "Method not allowed", headers: [("Allow", allow)]))
        case .route(let route, let parameters):
            var request = HTTPRequest(
                method: head.method, version: head.version, path: path, rawQuery: query, headers: head.headers,
                remoteAddress: remoteAddress
            )
            request.parameters = parameters
            return Self.admit(request, to: route, length: head.contentLength, hasBody: hasBody)
        }
    }

    private static func admit(_ request: HTTPRequest, to route: Route, length: Int?, hasBody: Bool) -> HTTPDecision {
        let intake: HTTPIntake
        switch route {
        case .stream(let limit, let handler):
            guard limit > 0 || !hasBody else {
                return .refuse(.error(.badRequest, "This request takes no body"))
            }
            intake = HTTPIntake(request: request, handler: .stream(handler), limit: limit)
        case .buffered(let limit, let admit, let handler):
            if let refusal = admit?(request) {
                return .refuse(refusal)
            }
            intake = HTTPIntake(request: request, handler: .buffered(handler), limit: limit)
        }
        if let length, length > intake.limit {
            return .refuse(.tooLarge(limit: intake.limit))
        }
        return .take(intake)
    }
}
