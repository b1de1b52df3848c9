import HTTPServer
import NIOCore
import NIOHTTP1

/// The query of a `GET` as the body of an event.
///
/// The server bounds the query, as it bounds the request target.
enum WebhookQuery {
    /// Why a query is not the body of an event.
    ///
    /// - Parameter secretField: a field that has the token, and is not part of the event.
    static func refusal(_ query: String, without secretField: String?) -> HTTPResponse? {
        let pairs = HTTPForm.pairs(of: query)
        let items = query.utf8.split(separator: UInt8(ascii: "&")).count
        guard pairs.count == items, pairs.allSatisfy({ $0.value != nil }) else {
            return .error(.badRequest, "The query is not valid percent-encoded UTF-8")
        }
        guard pairs.count <= WebhookForm.fieldLimit else {
            return .error(.badRequest, "The query has \(pairs.count) fields; at most \(WebhookForm.fieldLimit) are allowed")
        }
        guard pairs.contains(where: { $0.name != secretField }) else {
            return .error(.badRequest, "A GET without query fields has no event; add some, such as ?message=…")
        }
        return nil
    }

    /// The JSON of a field such as `payload`, an object of the fields, or the text of a query without `=`.
    static func message(_ query: String, without secretField: String?) -> ByteBuffer {
        let pairs = HTTPForm.pairs(of: query).filter { $0.name != secretField }
        if pairs.count == 1, !query.utf8.contains(UInt8(ascii: "=")) {
            return ByteBuffer(string: pairs[0].name)
        }
        return WebhookForm.message(in: pairs.map { ($0.name, .text($0.value ?? "")) })
    }
}
