import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// Answers senders that verify a webhook before they send to it.
///
/// Immutable. What a sender wants back is at most ``textLimit`` bytes, and is answered as plain text, so that no browser runs it.
struct WebhookHandshake: Sendable {
    /// Bytes of a challenge.
    static let textLimit = 1024
    /// Bytes of the body of Slack's challenge; others are not looked at.
    private static let bodyLimit = 4096

    private let settings: WebhookHandshakeSettings

    init(_ settings: WebhookHandshakeSettings) {
        self.settings = settings
    }

    /// The answer to Meta's verification request: `hub.mode`, `hub.verify_token` and `hub.challenge` in the query of a `GET` (Graph
    /// API, "Webhooks: Getting Started").
    ///
    /// - Returns: `nil` for another request; a problem with the answer where it is refused.
    func answer(toQueryOf request: HTTPRequest) -> (problem: WebhookProblem?, answer: HTTPResponse)? {
        guard let token = self.settings.verifyToken, request.method == .GET, request.query("hub.mode") == "subscribe" else {
            return nil
        }
        guard token.matches(request.query("hub.verify_token") ?? "") else {
            let message = "Wrong hub.verify_token"
            return (WebhookProblem(.unknownCredentials, message), .error(.forbidden, message))
        }
        guard let answer = request.query("hub.challenge").flatMap(Self.answer) else {
            return (nil, .error(.badRequest, "hub.challenge must have 1 to \(Self.textLimit) bytes"))
        }
        return (nil, answer)
    }

    /// The header fields by which the validation of CloudEvents is granted (HTTP Web Hooks 1.0 §4): none for another request, or an origin
    /// that is not permitted.
    func grant(_ request: HTTPRequest) -> [(name: String, value: String)] {
        guard let origin = request.header("WebHook-Request-Origin"), Self.isOrigin(origin),
            self.settings.origins.contains(where: { $0 == "*" || $0 == origin.lowercased() })
        else { return [] }
        return [
            ("WebHook-Allowed-Origin", origin), ("WebHook-Allowed-Rate", self.settings.rate.map(String.init) ?? "*"),
        ]
    }

    /// The answer to Slack's `url_verification` (Events API); `nil` for another body.
    static func answer(toSlack body: ByteBuffer, _ parser: JSONParser) -> HTTPResponse? {
        guard body.readableBytes <= self.bodyLimit, let root = try? parser.parse(body), root.kind == .object,
            root["type"]?.text() == "url_verification", let challenge = root["challenge"], challenge.kind == .string
        else { return nil }
        return self.answer(challenge.text())
    }

    /// Whether a text is a name as DNS has them, with letters, digits, `.`, `-`, `_` and a port.
    static func isOrigin(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 48...57: true
                default: ".-_:".utf8.contains(byte)
                }
            }
    }

    private static func answer(_ challenge: String) -> HTTPResponse? {
        guard (1...self.textLimit).contains(challenge.utf8.count) else { return nil }
        return HTTPResponse(
            .ok, headers: [("Content-Type", "text/plain; charset=utf-8"), ("X-Content-Type-Options", "nosniff")],
            body: ByteBuffer(string: challenge))
    }
}
