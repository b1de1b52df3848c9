import NIOCore
import NIOHTTP1

extension HTTPConnection {
    enum Input {
        case part(HTTPServerRequestPart)
        case failure(HTTPResponse)
        case inputClosed
    }

    enum State {
        /// Between requests.
        case idle
        /// Somebody decides whether the request may come.
        case deciding(Exchange)
        /// The body is being read.
        case body(Incoming)
        /// A body that nobody wants is being read; then this answer.
        case discarding(HTTPResponse, Exchange)
        /// The whole request is with its handler, which may want to know when the client leaves.
        case answering(Exchange, (@Sendable () -> Void)?)
        /// The answer is written, and more of it waits than the channel may hold: as many bytes when last looked at.
        case draining(isKeptAlive: Bool, unsent: Int)
        /// The last answer is written; the client has not closed yet.
        case lingering
        /// The channel belongs to a stream.
        case handedOver

        /// Whether the next request must wait.
        var isBusy: Bool {
            switch self {
            case .deciding, .answering, .draining, .handedOver: true
            case .idle, .body, .discarding, .lingering: false
            }
        }
    }

    /// A request whose body is being read.
    struct Incoming {
        var intake: HTTPIntake
        let exchange: Exchange
        /// When the whole body must be there.
        let deadline: NIODeadline
        /// Announced bytes that have not come yet.
        private(set) var rest: Int

        init(intake: HTTPIntake, exchange: Exchange, deadline: NIODeadline, rest: Int) {
            self.intake = intake
            self.exchange = exchange
            self.deadline = deadline
            self.rest = rest
        }

        /// - Returns: why the request cannot be taken any longer.
        mutating func append(_ part: ByteBuffer) -> HTTPResponse? {
            self.rest -= part.readableBytes
            return self.intake.append(part)
        }
    }

    /// What of a request decides how its answer is written.
    struct Exchange {
        let number: UInt64
        var isKeptAlive: Bool
        let isHead: Bool
        let isHTTP10: Bool
        /// Header fields that the answer gets beside its own.
        var answerFields: [(name: String, value: String)] = []

        var framing: HTTPFraming { self.isHTTP10 ? .untilClose : .chunked }

        var closing: Exchange {
            var copy = self
            copy.isKeptAlive = false
            return copy
        }
    }
}
