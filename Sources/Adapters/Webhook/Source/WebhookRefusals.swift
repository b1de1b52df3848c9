import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// Decides which requests a webhook source refuses, and with which answer: statuses and texts that Alphorn's senders
/// know.
///
/// Immutable.
struct WebhookRefusals: Sendable {
    /// An event that has been here, or has crossed too many bridges.
    static var loop: HTTPResponse { .error(.loopDetected, "Loop detected") }
    /// The source does not run.
    static var closed: HTTPResponse {
        .error(.serviceUnavailable, "Not accepting requests now", headers: [("Retry-After", "5")])
    }
    /// The event was accepted, but is not yet known to be safe.
    static var late: HTTPResponse {
        .error(.serviceUnavailable, "Not confirmed in time", headers: [("Retry-After", "5")])
    }

    /// The log, or what waits for it, must not grow now.
    static var full: HTTPResponse {
        .error(.tooManyRequests, "Too many requests", headers: [("Retry-After", "1")])
    }

    private let credentials: WebhookCredentials?
    private let verifier: WebhookVerifier?
    private let handshake: WebhookHandshake?
    private let methods: [HTTPMethod]
    private let tokenQuery: String?
    private let refusals: HTTPRefusals?
    private let now: @Sendable () -> Timestamp

    /// - Parameters:
    ///   - refusals: counts requests without the right credentials or signature.
    ///   - now: the clock that signed times are compared with.
    init(
        _ configuration: WebhookSourceConfiguration, refusals: HTTPRefusals? = nil,
        now: @escaping @Sendable () -> Timestamp = { .now() }
    ) {
        self.refusals = refusals
        self.now = now
        self.handshake = configuration.handshake.map { WebhookHandshake($0) }
        self.methods = configuration.methods.map(\.http)
        self.tokenQuery = configuration.tokenQuery
        self.credentials = WebhookCredentials(configuration)
        self.verifier = configuration.signature.map { WebhookVerifier($0) }
    }

    /// Checks the head, before the body is read; also answers a verification, which has no body.
    func refusal(of request: HTTPRequest, _ gate: WebhookGate) -> HTTPResponse? {
        if let refusal = self.refusal(ofHead: request) { return refusal }
        switch gate.phase {
        case .notYet, .stopping:
            return Self.closed
        case .open:
            guard gate.isPaused else { return nil }
            return Self.full
        }
    }

    /// The part of the check that depends on the request alone.
    func refusal(ofHead request: HTTPRequest) -> HTTPResponse? {
        if let (problem, answer) = self.handshake?.answer(toQueryOf: request) {
            if let problem { self.refusals?.note(problem.reason, request, detail: problem.message) }
            return answer
        }
        guard self.methods.contains(request.method) else {
            // The server takes HEAD for GET.
            let allowed = self.methods.map(\.rawValue).sorted().joined(separator: ", ")
            return .error(.methodNotAllowed, "Method not allowed", headers: [("Allow", allowed)])
        }
        if let (problem, answer) = self.credentials?.refusal(of: request) {
            self.refusals?.note(problem.reason, request, detail: problem.message)
            return answer
        }
        return request.method == .GET
            ? WebhookQuery.refusal(request.rawQuery, without: self.tokenQuery) : Self.refusal(ofType: request)
    }

    /// Checks the signature of a request with its body.
    func refusal(ofSignature request: HTTPRequest) -> HTTPResponse? {
        guard let verifier else { return nil }
        do {
            try verifier.verify(request, now: self.now())
            return nil
        } catch {
            self.refusals?.note(error.reason, request, detail: error.message)
            return .error(.unauthorized, error.message)
        }
    }

    /// Asks, before a body is read, whether the grant of its request lets it write to a webhook.
    static func authorization(_ access: any HTTPAccess, id: String) -> HTTPRouter.Authorization {
        let name = try? SubjectPattern(name: id)
        return { request in
            access.grant(request, names: [id]).map { grant in
                let isGranted = grant.publish.contains { text in
                    name.map { (try? SubjectPattern(name: text))?.covers($0) ?? false } ?? false
                }
                if isGranted { return nil }
                access.refused(request)
                return grant.challenge?.response ?? .error(.forbidden, "Not allowed to write to '\(id)'")
            }
        }
    }

    /// Bodies that could not be read.
    private static func refusal(ofType request: HTTPRequest) -> HTTPResponse? {
        if let refusal = WebhookCoding.refusal(of: request) { return refusal }
        if let type = request.header("Content-Type"), type.lowercased().hasPrefix("multipart/"),
            MediaType.name(type) != "multipart/form-data"
        {
            return .error(.unsupportedMediaType, "Content-Type '\(type)' is not supported; send JSON, a form or text")
        }
        return nil
    }
}
