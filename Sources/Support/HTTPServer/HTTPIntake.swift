import NIOCore
import NIOHTTP1

/// A request whose body is being read, with its handler.
struct HTTPIntake {
    enum Handler: Sendable {
        case buffered(HTTPRouter.BufferedHandler)
        case stream(HTTPRouter.StreamHandler)
    }

    private(set) var request: HTTPRequest
    private let route: HTTPRouter.Route
    /// Is called with the answer.
    var observer: HTTPRouter.Observer?
    /// Additional header fields of the handler's answer.
    var answerFields: [(name: String, value: String)] = []

    init(request: HTTPRequest, route: HTTPRouter.Route) {
        self.request = request
        self.route = route
    }

    /// The limit of the body in bytes.
    var limit: Int { self.route.limit }

    /// Completes an answer by which the server itself refuses the request.
    func completed(_ response: HTTPResponse) -> HTTPResponse {
        guard let refusing = self.route.refusing else { return response }
        var head = self.request
        head.body = ByteBuffer()
        return refusing(head, response)
    }

    /// Receives the request; its answer goes through the observer.
    var handler: Handler {
        guard let observer else { return self.route.handler }
        return switch self.route.handler {
        case .buffered(let handler):
            .buffered { request, responder in
                handler(request, HTTPResponder(responder) { observer(request, $0) })
            }
        case .stream(let handler):
            .stream { request, framing in
                handler(request, framing).observed(by: { observer(request, $0) })
            }
        }
    }

    /// Bytes of memory that the body uses.
    var bytes: Int { self.request.body.readableBytes == 0 ? 0 : self.request.body.storageCapacity }

    /// Adds a part of the body.
    ///
    /// A single part that fills its receive buffer is kept as it is; others are copied, so that they use no more memory
    /// than they need.
    ///
    /// - Returns: the refusal of the request, if it exceeds a limit.
    mutating func append(_ part: ByteBuffer) -> HTTPResponse? {
        guard self.request.body.readableBytes + part.readableBytes <= self.limit else {
            return self.completed(.tooLarge(limit: self.limit))
        }
        if self.request.body.readableBytes == 0, part.readableBytes * 2 >= part.storageCapacity {
            self.request.body = part
        } else {
            self.request.body.writeImmutableBuffer(part)
        }
        return nil
    }
}

extension HTTPResponse {
    /// The answer to a body of more than so many bytes.
    package static func tooLarge(limit: Int) -> HTTPResponse {
        .json(.payloadTooLarge, "{\"error\":\"Payload too large\",\"limit\":\(limit)}")
    }

    /// The answer when the memory limit for bodies and unsent answers is reached.
    static var outOfMemory: HTTPResponse {
        .error(
            .serviceUnavailable, "Too many unfinished requests and unread answers; try again later",
            headers: [("Retry-After", "5")])
    }

    /// The same in place of this answer, with its CORS fields.
    var withoutMemory: HTTPResponse {
        var response = Self.outOfMemory
        response.headers += self.headers.filter { name, _ in
            name.lowercased().hasPrefix("access-control-") || name.lowercased() == "vary"
        }
        return response
    }
}
