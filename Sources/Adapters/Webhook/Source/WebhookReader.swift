import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// Makes messages of requests: verifies signatures, removes content codings, divides bodies, and answers challenges.
///
/// One per event loop; only ever touched there.
final class WebhookReader {
    /// What becomes of a request.
    enum Outcome {
        /// It is answered, and makes no event.
        case answer(HTTPResponse)
        case one(ReceivedMessage)
        /// Its body has items, each of which is a message; there may be none.
        case several([ReceivedMessage])
    }

    private let rules: WebhookRefusals
    /// Header fields that identify a message, beside ``WebhookKey/field``.
    private let idFields: [String]
    private let tokenQuery: String?
    private let batch: WebhookBatch?
    private let maxBody: Int
    /// Whether Slack sends, and may verify the path by a challenge.
    private let isSlack: Bool
    private let parser = JSONParser()
    private var attributes: WebhookAttributes

    init(_ configuration: WebhookSourceConfiguration, rules: WebhookRefusals) {
        self.rules = rules
        self.idFields = configuration.signature?.scheme.idFields ?? []
        self.tokenQuery = configuration.tokenQuery
        self.batch = configuration.batch
        self.maxBody = configuration.maxBody
        self.isSlack = configuration.signature?.scheme == .slack
        self.attributes = WebhookAttributes(secretField: configuration.tokenHeader)
    }

    /// Reads a whole request.
    ///
    /// - Parameter id: the last part of its path.
    func read(_ request: HTTPRequest, id: String) -> Outcome {
        guard request.method != .GET else { return .one(self.message(of: request, id)) }
        var request = request
        // The signature is that of the bytes that are sent; nothing is decoded for senders without one.
        if let refusal = self.rules.refusal(ofSignature: request) ?? WebhookCoding.decode(&request, limit: self.maxBody) {
            return .answer(refusal)
        }
        if self.isSlack, let answer = WebhookHandshake.answer(toSlack: request.body, self.parser) { return .answer(answer) }
        switch WebhookItems.split(request, self.batch, self.parser) {
        case .one: break
        case .refused(let refusal): return .answer(refusal)
        case .several(let items):
            let attributes = self.attributes.make(of: request.headers)
            return .several(WebhookMessage.make(items: items, request, id: id, attributes, idFields: self.idFields))
        }
        let refusal = WebhookMessage.refusal(request, self.parser, acceptsLists: self.batch != nil)
        return refusal.map { .answer($0) } ?? .one(self.message(of: request, id))
    }

    private func message(of request: HTTPRequest, _ id: String) -> ReceivedMessage {
        WebhookMessage.make(
            request, id: id, self.attributes.make(of: request.headers), idFields: self.idFields, tokenQuery: self.tokenQuery)
    }
}
