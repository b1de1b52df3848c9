import HTTPServer
import NIOHTTP1

/// Why a request for streams is not granted.
struct SSERefusal: Error {
    let status: HTTPResponseStatus
    let message: String
    let headers: [(name: String, value: String)]

    init(_ status: HTTPResponseStatus, _ message: String, _ headers: [(name: String, value: String)] = []) {
        self.status = status
        self.message = message
        self.headers = headers
    }
}
