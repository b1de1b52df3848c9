import HTTPServer
import NIOCore
import NIOHTTP1

extension HTTPResponse {
    /// The answer to a request whose event is safe: `{"id":"…","messageId":"…","status":"queued"}`.
    ///
    /// - Parameter id: the event's, which needs no escaping.
    static func queued(_ status: HTTPResponseStatus, id: String) -> HTTPResponse {
        var body = ByteBufferAllocator().buffer(capacity: 48 + 2 * id.utf8.count)
        body.writeStaticString("{\"id\":\"")
        body.writeString(id)
        body.writeStaticString("\",\"messageId\":\"")
        body.writeString(id)
        body.writeStaticString("\",\"status\":\"queued\"}")
        return HTTPResponse(status, headers: [("Content-Type", "application/json")], body: body)
    }

    /// The answer to a request whose events are safe: the same with all ids; without any, only `{"ids":[],"status":"queued"}`.
    ///
    /// - Parameter ids: those of the events in their order, `nil` for one that is refused as a loop.
    static func queued(_ status: HTTPResponseStatus, ids: [String?]) -> HTTPResponse {
        let list = ids.map { id in id.map { "\"\($0)\"" } ?? "null" }.joined(separator: ",")
        let first = ids.lazy.compactMap { $0 }.first.map { "\"id\":\"\($0)\",\"messageId\":\"\($0)\"," } ?? ""
        return .json(status, "{\(first)\"ids\":[\(list)],\"status\":\"queued\"}")
    }
}
