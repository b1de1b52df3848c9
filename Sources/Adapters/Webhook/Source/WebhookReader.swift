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
    private let scheme: WebhookVerificationSettings.Scheme?
    private let tokenQuery: String?
    private let batch: WebhookBatch?
    private let maxBody: Int
    private let parser = JSONParser()
    private var attributes: WebhookAttributes

    init(_ configuration: WebhookSourceConfiguration, rules: WebhookRefusals) {
        self.rules = rules
        self.scheme = configuration.signature?.scheme
        self.tokenQuery = configuration.tokenQuery
        self.batch = configuration.batch
        self.maxBody = configuration.maxBody
        self.attributes = WebhookAttributes(secretField: configuration.tokenHeader)
    }

    /// Reads a whole request.
    ///
    /// - Parameters:
    ///   - id: the last part of its path.
    ///   - opening: what `normalise` does with bodies before they are read.
    func read(_ request: HTTPRequest, id: String, opening: NormaliseSettings.Opening = .nothing) -> Outcome {
        guard request.method != .GET else { return .one(self.message(of: request, id)) }
        var request = request
        // The signature is that of the bytes that are sent; nothing is decoded for senders without one.
        if let refusal = self.rules.refusal(ofSignature: request) ?? WebhookCoding.decode(&request, limit: self.maxBody) {
            return .answer(refusal)
        }
        if self.scheme == .slack, let answer = WebhookHandshake.answer(toSlack: request.body, self.parser) {
            return .answer(answer)
        }
        switch WebhookItems.split(request, self.batch, self.parser) {
        case .one: break
        case .refused(let refusal): return .answer(refusal)
        case .several(let items):
            let attributes = self.attributes.make(of: request.headers)
            return .several(WebhookMessage.make(items: items, request, id: id, attributes, idField: self.idField(of: request)))
        }
        // What is opened first need not be the JSON that the sender declares.
        if opening == .nothing, let refusal = WebhookMessage.refusal(request, self.parser, acceptsLists: self.batch != nil) {
            return .answer(refusal)
        }
        return .one(self.message(of: request, id, isDecodedLater: opening == .decodes))
    }

    private func message(of request: HTTPRequest, _ id: String, isDecodedLater: Bool = false) -> ReceivedMessage {
        WebhookMessage.make(
            request, id: id, self.attributes.make(of: request.headers), idField: self.idField(of: request),
            tokenQuery: self.tokenQuery, isDecodedLater: isDecodedLater)
    }

    /// The field that identifies the message: the id that is signed, so that nobody can repeat the request with another one.
    private func idField(of request: HTTPRequest) -> String {
        self.scheme?.fieldPrefix(of: request).map { "\($0)-id" } ?? WebhookKey.field
    }
}
