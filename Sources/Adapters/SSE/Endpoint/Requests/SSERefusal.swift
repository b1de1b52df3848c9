import HTTPServer
import NIOHTTP1

/// Why a request for streams is not granted: the answer.
struct SSERefusal: Error {
    var response: HTTPResponse

    init(_ response: HTTPResponse) {
        self.response = response
    }

    init(_ status: HTTPResponseStatus, _ message: String, _ headers: [(name: String, value: String)] = []) {
        self.response = .error(status, message, headers: headers)
    }
}
