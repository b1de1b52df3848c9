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
}
