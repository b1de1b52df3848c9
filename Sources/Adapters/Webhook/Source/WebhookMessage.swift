import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// Makes the message of a request.
enum WebhookMessage {
    /// The message of a request.
    ///
    /// A form becomes JSON; see ``WebhookForm`` and ``WebhookMultipart``.
    ///
    /// - Parameters:
    ///   - idFields: header fields that identify a message like ``WebhookKey/field`` does, and come before that.
    ///   - tokenQuery: the field of the query that has the token.
    static func make(
        _ request: HTTPRequest, id: String, _ attributes: Attributes, idFields: [String] = [], tokenQuery: String? = nil
    ) -> ReceivedMessage {
        var message: ReceivedMessage
        if request.method == .GET {
            // The body of a GET has no meaning (RFC 9110 §9.3.1).
            let body = WebhookQuery.message(request.rawQuery, without: tokenQuery)
            message = ReceivedMessage(subject: id, body: body, attributes: attributes)
        } else {
            let (body, type) = Self.body(of: request, type: request.header("Content-Type"))
            message = ReceivedMessage(subject: id, body: body, contentType: type, attributes: attributes)
            if body != request.body { message.original = request.body }
        }
        let key = (idFields + [WebhookKey.field]).lazy.compactMap { request.header($0).flatMap { WebhookKey($0) } }.first
        key?.mark(&message)
        return message
    }

    /// The body, and its type: JSON for a form.
    private static func body(of request: HTTPRequest, type: String?) -> (ByteBuffer, String?) {
        guard let type else { return (request.body, nil) }
        switch MediaType.name(type) {
        case "application/x-www-form-urlencoded": return (WebhookForm.message(of: request.body) ?? request.body, nil)
        case "multipart/form-data":
            guard let json = WebhookMultipart.message(of: request.body, contentType: type) else { return (request.body, type) }
            return (json, "application/json")
        default: return (request.body, type)
        }
    }

    /// Why a body declared as JSON cannot be accepted.
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
