package import NIOCore
import NIOHTTP1
import Synchronization

/// Answers one request, once, from any thread.
///
/// A second answer is ignored, and so is one for a client that is gone. A responder that is dropped without an answer answers 500, so
/// that no client waits for ever.
package final class HTTPResponder: Sendable {
    /// The loop of the connection: from there an answer is written without a hop.
    package let eventLoop: any EventLoop
    private let connection: NIOLoopBound<any HTTPAnswering>
    private let exchange: UInt64
    private let isAnswered = Atomic<Bool>(false)

    /// On the connection's event loop.
    init(connection: any HTTPAnswering, exchange: UInt64, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.connection = NIOLoopBound(connection, eventLoop: eventLoop)
        self.exchange = exchange
    }

    deinit {
        if !self.isAnswered.load(ordering: .relaxed) {
            Self.deliver(
                .error(.internalServerError, "The request was not answered"), self.connection, self.exchange, self.eventLoop)
        }
    }

    /// Sends the answer.
    package func respond(_ response: HTTPResponse) {
        guard !self.isAnswered.exchange(true, ordering: .relaxed) else { return }
        Self.deliver(response, self.connection, self.exchange, self.eventLoop)
    }

    private static func deliver(
        _ response: HTTPResponse, _ connection: NIOLoopBound<any HTTPAnswering>, _ exchange: UInt64, _ eventLoop: any EventLoop
    ) {
        if eventLoop.inEventLoop {
            connection.value.respond(response, to: exchange)
        } else {
            eventLoop.execute { connection.value.respond(response, to: exchange) }
        }
    }
}
