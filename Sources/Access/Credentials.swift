import BridgeConfiguration
import HTTPServer
import NIOHTTP1

/// What a request brings to say who sends it.
enum Credentials {
    case none
    /// A token: of `Authorization: Bearer` (RFC 6750 §2.1), a cookie, or the query (§2.3).
    case token(String)
    /// RFC 7617.
    case user(String, password: String)
    /// `Authorization` of another kind, or one that cannot be read.
    case unknown

    /// `Authorization` comes first, then the cookie, then the query.
    init(_ request: HTTPRequest, _ settings: AccessSettings) {
        if let value = request.header("Authorization") {
            let parts = value.split(separator: " ", maxSplits: 1)
            switch parts.first?.lowercased() {
            case "bearer" where parts.count == 2:
                self = .token(String(parts[1]))
            case "basic" where parts.count == 2:
                guard let text = Base64.decode(parts[1]), let colon = text.firstIndex(of: ":") else {
                    self = .unknown
                    return
                }
                self = .user(String(text[..<colon]), password: String(text[text.index(after: colon)...]))
            default:
                self = .unknown
            }
        } else if let name = settings.cookie, let token = Self.cookie(name, request) {
            self = .token(token)
        } else if settings.queryToken, let token = request.query("access_token"), !token.isEmpty {
            self = .token(token)
        } else {
            self = .none
        }
    }

    /// RFC 6265 §4.2.
    private static func cookie(_ name: String, _ request: HTTPRequest) -> String? {
        for pair in request.headers["Cookie"].flatMap({ $0.split(separator: ";") }) {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " }) == name else { continue }
            return parts[1].filter { $0 != " " && $0 != "\"" }
        }
        return nil
    }
}
