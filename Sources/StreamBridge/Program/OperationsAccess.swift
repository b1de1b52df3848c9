import BridgeConfiguration
import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

/// Who may read metrics and the details of readiness on one listener.
enum OperationsAccess {
    /// Every client: the listener of `http.admin.listen`, or one on loopback.
    case everybody
    /// Clients that send `http.admin.token`.
    case token(Secret)
    /// Clients on the same machine, because other machines can connect too.
    case sameMachine
    /// No client: there is a separate listener.
    case nobody

    /// The access on the listener for streams and webhooks.
    init(main http: HTTPSettings) {
        if http.admin?.address != nil {
            self = .nobody
        } else if let token = http.admin?.token {
            self = .token(token)
        } else {
            self = ListenAddress(host: http.host, port: http.port).isLoopback ? .everybody : .sameMachine
        }
    }

    /// The access on the listener of `http.admin.listen`.
    init(admin settings: AdminSettings) {
        self = settings.token.map { .token($0) } ?? .everybody
    }

    /// The answer in place of the page; `nil` when the client may see it.
    func refusal(of request: HTTPRequest) -> HTTPResponse? {
        switch self {
        case .everybody: return nil
        case .token(let token):
            guard request.bearerToken.map(token.matches) != true else { return nil }
            return HTTPRefusal.unauthorized.response
        case .sameMachine:
            guard !Self.isLocal(request) else { return nil }
            return .error(
                .forbidden, "Only clients on the same machine may read this; set http.admin.token or http.admin.listen")
        case .nobody: return .error(.notFound, "Not found")
        }
    }

    /// Whether the request comes from this machine and was not forwarded by a proxy on it.
    private static func isLocal(_ request: HTTPRequest) -> Bool {
        let fields = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"]
        guard !fields.contains(where: request.headers.contains(name:)) else { return false }
        guard let address = request.remoteAddress?.ipAddress else { return true }
        return address.hasPrefix("127.") || address == "::1" || address.hasPrefix("::ffff:127.")
    }
}
