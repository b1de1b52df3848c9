import HTTPServer
import NIOHTTP1

/// The answer to a refused request for streams.
struct SSERefusal: Error {
    var response: HTTPResponse

    init(_ response: HTTPResponse) {
        self.response = response
    }

    init(_ status: HTTPResponseStatus, _ message: String, _ headers: [(name: String, value: String)] = []) {
        self.response = .error(status, message, headers: headers)
    }
}
