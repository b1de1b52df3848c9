import NIOCore
import NIOHTTP1

@testable import HTTPServer

/// Requests without a server.
enum WebhookRequests {
    static func make(
        _ method: HTTPMethod = .POST, query: String = "", fields: [(String, String)] = [], body: ByteBuffer = ByteBuffer()
    ) -> HTTPRequest {
        var request = HTTPRequest(
            method: method, version: .http1_1, path: "/n/h", rawQuery: query, headers: HTTPHeaders(fields), remoteAddress: nil)
        request.body = body
        return request
    }
}
