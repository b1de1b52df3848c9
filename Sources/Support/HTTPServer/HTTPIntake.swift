import NIOCore
import NIOHTTP1

/// A request whose body is being read, and who gets it then.
struct HTTPIntake {
    enum Handler: Sendable {
        case buffered(HTTPRouter.BufferedHandler)
        case stream(HTTPRouter.StreamHandler)
    }

    private(set) var request: HTTPRequest
    private let route: HTTPRouter.Route
    /// Sees the answer.
    var observer: HTTPRouter.Observer?
    /// Header fields that the handler's answer gets beside its own.
    var answerFields: [(name: String, value: String)] = []

    init(request: HTTPRequest, route: HTTPRouter.Route) {
        self.request = request
        self.route = route
    }

    /// Bytes of body.
    var limit: Int { self.route.limit }

    /// An answer by which the server refuses the request after all, as the client gets it.
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

    /// Bytes of memory that the body takes up.
    var bytes: Int { self.request.body.readableBytes == 0 ? 0 : self.request.body.storageCapacity }

    /// Takes a part of the body.
    ///
    /// A lone part that fills its receive buffer is kept as it is; else the bytes are copied, so that they do not hold more memory
    /// than they need.
    ///
    /// - Returns: why the request cannot be taken any longer.
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
    static func tooLarge(limit: Int) -> HTTPResponse {
        .json(.payloadTooLarge, "{\"error\":\"Payload too large\",\"limit\":\(limit)}")
    }

    /// The answer where bodies and unsent answers fill their budget.
    static var outOfMemory: HTTPResponse {
        .error(
            .serviceUnavailable, "Too many unfinished requests and unread answers; try again later",
            headers: [("Retry-After", "5")])
    }

    /// The same in place of this answer; pages that could have read this one can read that.
    var withoutMemory: HTTPResponse {
        var response = Self.outOfMemory
        response.headers += self.headers.filter { name, _ in
            name.lowercased().hasPrefix("access-control-") || name.lowercased() == "vary"
        }
        return response
    }
}
