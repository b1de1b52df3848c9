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
    ///   - idField: the header field that identifies the message.
    ///   - tokenQuery: the field of the query that has the token.
    ///   - isDecodedLater: whether `normalise` decodes bodies, so that a form stays as it is.
    static func make(
        _ request: HTTPRequest, id: String, _ attributes: Attributes, idField: String = WebhookKey.field,
        tokenQuery: String? = nil, isDecodedLater: Bool = false
    ) -> ReceivedMessage {
        var message: ReceivedMessage
        if request.method == .GET {
            // The body of a GET has no meaning (RFC 9110 §9.3.1).
            let body = WebhookQuery.message(request.rawQuery, without: tokenQuery)
            message = ReceivedMessage(subject: id, body: body, attributes: attributes)
        } else {
            let declared = request.header("Content-Type")
            let (body, type) = isDecodedLater ? (request.body, declared) : Self.body(of: request, type: declared)
            message = ReceivedMessage(subject: id, body: body, contentType: type, attributes: attributes)
            if body != request.body { message.original = request.body }
        }
        self.key(of: request, idField)?.mark(&message)
        return message
    }

    /// The messages of a request whose body has several items, each valid JSON.
    ///
    /// - Parameter idField: as for one message; the items are numbered.
    static func make(
        items: [ByteBuffer], _ request: HTTPRequest, id: String, _ attributes: Attributes, idField: String = WebhookKey.field
    ) -> [ReceivedMessage] {
        let key = self.key(of: request, idField)
        return items.enumerated().map { index, item in
            var message = ReceivedMessage(subject: id, body: item, contentType: "application/json", attributes: attributes)
            key?.item(index + 1).mark(&message)
            return message
        }
    }

    private static func key(of request: HTTPRequest, _ idField: String) -> WebhookKey? {
        request.header(idField).flatMap { WebhookKey($0) }
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
    ///
    /// Alphorn takes objects only, so lists are accepted only where the file asks for them.
    static func refusal(_ request: HTTPRequest, _ parser: JSONParser, acceptsLists: Bool = false) -> HTTPResponse? {
        guard let type = request.header("Content-Type"), type == "application/json" || MediaType.name(type) == "application/json"
        else { return nil }
        let body = BodyText.utf8(request.body, contentType: type)
        guard body.readableBytes > 0 else { return self.mismatch(acceptsLists: acceptsLists) }
        defer { if body.readableBytes > JSONParser.large { parser.trim() } }
        do {
            let kind = try parser.parse(body).kind
            return kind == .object || (acceptsLists && kind == .array) ? nil : self.mismatch(acceptsLists: acceptsLists)
        } catch {
            return .error(.badRequest, "Invalid JSON body")
        }
    }

    private static func mismatch(acceptsLists: Bool) -> HTTPResponse {
        .error(.badRequest, acceptsLists ? "JSON body must be an object or a list" : "JSON body must be an object")
    }
}
