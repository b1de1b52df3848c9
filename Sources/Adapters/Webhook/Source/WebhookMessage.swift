import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// Makes the message of a request.
enum WebhookMessage {
    /// Header fields that concern the connection alone (RFC 9110 §7.6.1) or say what the body's bytes say better.
    private static let dropped: Set<String> = [
        "connection", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "authorization",
        "cookie", "set-cookie", "proxy-authorization", "proxy-connection",
    ]

    /// The message, with all header fields but the secret ones as attributes, names in lower case.
    ///
    /// A form's type is not passed on: its body is plain text, unless it is JSON that was sent by `curl -d`.
    static func make(_ request: HTTPRequest, id: String) -> ReceivedMessage {
        let type = request.header("Content-Type")
        var attributes = Attributes()
        for (name, value) in request.headers {
            let name = name.lowercased()
            guard !Self.dropped.contains(name), !Self.isSecret(name) else { continue }
            attributes.append(name, value)
        }
        var message = ReceivedMessage(
            subject: id, body: request.body,
            contentType: type?.lowercased().hasPrefix("application/x-www-form-urlencoded") == true ? nil : type,
            attributes: attributes
        )
        if let key = request.header(WebhookKey.field).flatMap({ WebhookKey($0) }) { key.mark(&message) }
        return message
    }

    /// Whether a header field, by its name in lower case, may hold a key or a token.
    static func isSecret(_ name: String) -> Bool {
        guard name != "idempotency-key" else { return false }
        return name.hasPrefix("x-auth") || name.hasPrefix("x-api") || name.hasSuffix("-key") || name.hasSuffix("apikey")
            || (["token", "secret", "passw", "credential"] as [StaticString]).contains { Self.has($0, name) }
    }

    /// Whether a text stands in another, by bytes: the library's own search takes ten times as long, for every field of every request.
    private static func has(_ word: StaticString, _ text: String) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count >= word.count else { return false }
            return (0...(bytes.count - word.count)).contains { bytes[$0..<($0 + word.count)].elementsEqual(word) }
        }
    }

    /// Why a body that says it is JSON cannot be taken.
    static func refusal(_ request: HTTPRequest, _ parser: JSONParser) -> HTTPResponse? {
        guard let type = request.header("Content-Type"), type == "application/json" || MediaType.name(type) == "application/json"
        else { return nil }
        guard request.body.readableBytes > 0 else { return .error(.badRequest, "JSON body must be an object") }
        defer { if request.body.readableBytes > JSONParser.large { parser.trim() } }
        do {
            return try parser.parse(request.body).kind == .object ? nil : .error(.badRequest, "JSON body must be an object")
        } catch {
            return .error(.badRequest, "Invalid JSON body")
        }
    }
}
