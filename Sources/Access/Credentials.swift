import BridgeConfiguration
import BridgeCore
import HTTPServer
import NIOHTTP1

/// The credentials of a request.
enum Credentials {
    case none
    /// A token: of `Authorization: Bearer` (RFC 6750 §2.1), a cookie, or the query (§2.3).
    case token(String)
    /// RFC 7617.
    case user(String, password: String)
    /// `Authorization` of another kind, or one that cannot be read.
    case unknown

    /// `Authorization` takes precedence, then the cookie, then the query.
    init(_ request: HTTPRequest, _ settings: AccessSettings) {
        if request.header("Authorization") != nil {
            switch request.authorization {
            case ("bearer", let token)?:
                self = .token(String(token))
            case ("basic", let encoded)?:
                guard let bytes = Base64.bytes(encoded.utf8), let text = String(validating: bytes, as: UTF8.self),
                    let colon = text.firstIndex(of: ":")
                else {
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
