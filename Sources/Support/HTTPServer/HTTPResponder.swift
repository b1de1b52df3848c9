package import NIOCore
import NIOHTTP1
import Synchronization

/// Answers one request, once, from any thread.
///
/// A second answer is ignored, and so is one for a client that has left. A responder that is dropped without an answer
/// answers 500, so that no client waits forever.
package final class HTTPResponder: Sendable {
    /// The loop of the connection: an answer from there needs no hop.
    package let eventLoop: any EventLoop
    private let target: Target
    private let isAnswered = Atomic<Bool>(false)

    /// On the connection's event loop.
    init(connection: any HTTPAnswering, exchange: UInt64, eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.target = .exchange(NIOLoopBound(connection, eventLoop: eventLoop), exchange)
    }

    /// Answers through another responder, after an observer has seen the answer.
    init(_ other: HTTPResponder, observer: @escaping @Sendable (HTTPResponse) -> Void) {
        self.eventLoop = other.eventLoop
        self.target = .observed(other, observer)
    }

    deinit {
        if !self.isAnswered.load(ordering: .relaxed) {
            self.deliver(.error(.internalServerError, "The request was not answered"))
        }
    }

    /// Sends the answer.
    package func respond(_ response: HTTPResponse) {
        guard !self.isAnswered.exchange(true, ordering: .relaxed) else { return }
        self.deliver(response)
    }

    private func deliver(_ response: HTTPResponse) {
        switch self.target {
        case .observed(let other, let observer):
            observer(response)
            other.respond(response)
        case .exchange(let connection, let exchange) where self.eventLoop.inEventLoop:
            connection.value.respond(response, to: exchange)
        case .exchange(let connection, let exchange):
            self.eventLoop.execute { connection.value.respond(response, to: exchange) }
        }
    }

    private enum Target: Sendable {
        case exchange(NIOLoopBound<any HTTPAnswering>, UInt64)
        case observed(HTTPResponder, @Sendable (HTTPResponse) -> Void)
    }
}
