import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// Parsed input of a connection's client.
    enum Input {
        case part(HTTPServerRequestPart)
        case failure(HTTPResponse)
        case inputClosed
    }

    /// Decides the sequence of requests and answers on one connection, and the time limits; performs no I/O.
    ///
    /// A value of its connection, on the event loop. The connection reports events and performs the returned action. A
    /// change is complete before its action is returned.
    ///
    /// Invariants:
    /// 1. Each request is answered once, in order; no other is processed while one is decided or answered.
    /// 2. Nothing is processed after an answer that ends the connection.
    /// 3. Every wait for the client has a deadline; there is none while the server is the slow side.
    struct StateMachine {
        /// Bodies up to this size are read and dropped after a refusal, so that the connection can continue.
        private static let discardLimit = 64 << 10
        /// Bytes of an unfinished head that are not counted: every connection has some.
        private static let smallHead = 4 << 10
        /// Bytes that are parsed together where requests may follow each other; at most 20 requests fit.
        private static let smallPiece = 512
        /// The same within a body, where most of them belong to the body.
        private static let bodyPiece = 2 << 10
        /// How long a client may take to end its direction after the last answer.
        private static let lingerTimeout = TimeAmount.seconds(2)

        enum State {
            /// Between requests.
            case idle
            /// The access check is running.
            case deciding(HTTPExchange)
            /// The body is being read.
            case body(HTTPIncoming, HTTPExchange)
            /// An unneeded body is being read; this answer follows.
            case discarding(HTTPResponse, HTTPExchange)
            /// The whole request is with its handler, which may be notified when the client leaves.
            case answering(HTTPExchange, (@Sendable () -> Void)?)
            /// The answer is written, and its unsent part exceeds the limit of the channel; `unsent` is the number of
            /// bytes at the last check.
            case draining(isKeptAlive: Bool, unsent: Int)
            /// The last answer is written; the client has not closed yet.
            case lingering
            /// A stream owns the channel.
            case handedOver
        }

        /// The action after a complete change.
        enum Action {
            case nothing
            /// Routes a request; see ``decided(_:of:_:now:)``.
            case decide(HTTPHead, HTTPExchange)
            /// Starts the access check of a request; see ``permitted(_:_:of:_:now:)``.
            case authorize(HTTPRouter.Authorization, HTTPIntake, HTTPHead, HTTPExchange)
            case sendContinue
            /// Counts a body that has grown to this many bytes.
            case countBody(Int)
            case call(HTTPIntake, HTTPExchange)
            case answer(HTTPResponse, HTTPExchange)
            /// Answers, and drops the input after the request.
            case refuse(HTTPResponse, HTTPExchange)
            /// Half-closes, so that the kernel does not discard an unread answer (RFC 9112 §9.6).
            case linger
            case closeAfterWrites
            case close(isReset: Bool)
            /// Reports that the client has left.
            case abandon(@Sendable () -> Void)
        }

        private(set) var state = State.idle
        /// The number of requests so far.
        private(set) var exchangeCount: UInt64 = 0
        /// The time limit of the wait for the client.
        private(set) var deadline: NIODeadline
        private var hasClientFinished = false
        private var progress = HTTPInputProgress()
        /// Set when the server has too many connections: the answer to everything except vital routes.
        private let overload: HTTPResponse?
        private let bodyTimeout: TimeAmount
        private let idleTimeout: TimeAmount
        private let headerBytes: Int

        /// - Parameter deadline: the end of the first request head.
        init(_ configuration: HTTPServerConfiguration, overload: HTTPResponse?, deadline: NIODeadline) {
            self.overload = overload
            self.deadline = deadline
            self.bodyTimeout = TimeAmount(configuration.bodyTimeout)
            self.idleTimeout = TimeAmount(configuration.idleTimeout)
            self.headerBytes = configuration.headerBytes
        }

        // MARK: - Reading

        /// Whether more can be parsed now.
        var takesInput: Bool {
            switch self.state {
            case .idle, .body, .discarding, .lingering: true
            case .deciding, .answering, .draining, .handedOver: false
            }
        }

        /// Whether the socket is read, also while a request is answered: most clients send nothing then, and stopping
        /// and resuming would cost two system calls per request.
        var readsOn: Bool {
            if case .answering = self.state { true } else { self.takesInput }
        }

        /// Bytes to parse together: the rest of a body, or few where a request may end.
        var inputPiece: Int {
            guard case .body(let incoming, _) = self.state else { return Self.smallPiece }
            return max(Self.bodyPiece, incoming.rest)
        }

        /// Bytes of the incomplete request.
        var requestBytes: Int {
            switch self.state {
            case .body(let incoming, _): incoming.intake.bytes
            case .idle where self.progress.headBytes > Self.smallHead: 3 * self.progress.headBytes
            case .idle, .deciding, .discarding, .answering, .draining, .lingering, .handedOver: 0
            }
        }

        // MARK: - The parser

        private var part: HTTPInputProgress.Part {
            switch self.state {
            case .idle: .head
            case .body: .body
            case .deciding, .discarding, .answering, .draining, .lingering, .handedOver: .other
            }
        }

        /// This many bytes go to the parser.
        mutating func willParse(_ bytes: Int) {
            self.progress.willParse(bytes, of: self.part)
        }

        /// The parser has produced a part.
        mutating func note(_ part: HTTPServerRequestPart) {
            self.progress.note(part)
        }

        /// The parser has failed; see ``HTTPInputProgress/failed(_:)``.
        mutating func parserFailed(_ error: HTTPParserError) -> HTTPResponse? {
            self.progress.failed(error)
        }

        /// The parser has processed a piece; see ``HTTPInputProgress/parsed(_:now:)``.
        mutating func parsed(_ bytes: ByteBuffer) -> HTTPResponse? {
            self.progress.parsed(bytes, now: self.part)
        }

        /// Refuses input without content: empty lines before a request, or tiny chunks.
        func refusalOfExcess() -> Action {
            switch self.state {
            case .idle where self.progress.isHeadTooLong(headerBytes: self.headerBytes):
                .refuse(.error(.requestHeaderFieldsTooLarge, "Request header fields too large"), .unrecognised)
            case .body(let incoming, let exchange)
            where self.progress.isBodyTooEmpty(data: incoming.intake.request.body.readableBytes):
                .refuse(
                    incoming.intake.completed(.error(.badRequest, "The chunks of the body are too small")), exchange.closing)
            case .idle, .body, .deciding, .discarding, .answering, .draining, .lingering, .handedOver: .nothing
            }
        }

        // MARK: - Requests

        /// The client has sent a part; only while ``takesInput``.
        mutating func take(_ input: Input, now: @autoclosure () -> NIODeadline) -> Action {
            switch (self.state, input) {
            case (.idle, .part(.head(let head))):
                return self.begin(head)
            case (.body(var incoming, let exchange), .part(.body(let part))):
                // The only reference to the body, so that it is not copied.
                self.state = .idle
                let refusal = incoming.append(part)
                self.deadline = min(now() + self.bodyTimeout, incoming.deadline)
                let bytes = incoming.intake.bytes
                self.state = .body(incoming, exchange)
                return refusal.map { .refuse($0, exchange.closing) } ?? .countBody(bytes)
            case (.body(let incoming, let exchange), .part(.end)):
                self.deadline = .distantFuture
                self.state = .answering(exchange, nil)
                return .call(incoming.intake, exchange)
            case (.discarding(let response, let exchange), .part(.end)):
                return .answer(response, exchange)
            case (.idle, .failure(let response)), (.body, .failure(let response)), (.discarding, .failure(let response)):
                return .refuse(response, .unrecognised)
            case (.idle, .inputClosed), (.body, .inputClosed), (.discarding, .inputClosed), (.lingering, .inputClosed):
                self.state = .lingering
                return .closeAfterWrites
            case (.discarding, .part), (.lingering, _), (.handedOver, _), (.idle, .part), (.body, .part),
                (.deciding, _), (.answering, _), (.draining, _):
                // Part of an unneeded body, or after the last request of the connection.
                return .nothing
            }
        }

        private mutating func begin(_ head: HTTPRequestHead) -> Action {
            self.exchangeCount += 1
            self.progress.endedHead()
            let head = HTTPHead(head.withoutOuterSpace.withHostOfTarget)
            let exchange = HTTPExchange(
                number: self.exchangeCount,
                isKeptAlive: self.overload == nil && head.isKeepAlive && head.method != .CONNECT
                    && !head.asksForUpgrade,
                isHead: head.method == .HEAD,
                isHTTP10: head.version == .http1_0
            )
            return .decide(head, exchange)
        }

        /// The result of ``Action/decide(_:_:)``.
        mutating func decided(
            _ decision: HTTPDecision, of head: HTTPHead, _ exchange: HTTPExchange, now: NIODeadline
        ) -> Action {
            switch decision {
            case .refuseAndClose(let response): return .refuse(response, exchange.closing)
            case .refuse(let response): return self.refuse(response, of: head, exchange, now)
            case .accept(let intake): return self.begin(intake, of: head, exchange, now)
            case .authorize(let authorize, let intake):
                var exchange = exchange
                exchange.answerFields = intake.answerFields
                self.state = .deciding(exchange)
                self.deadline = .distantFuture
                return .authorize(authorize, intake, head, exchange)
            }
        }

        /// The result of ``Action/ask(_:_:_:_:)``.
        ///
        /// - Parameter refusal: `nil` when the request is permitted.
        mutating func permitted(
            _ refusal: HTTPResponse?, _ intake: HTTPIntake, of head: HTTPHead, _ exchange: HTTPExchange, now: NIODeadline
        ) -> Action {
            guard case .deciding = self.state else { return .nothing }
            self.state = .idle
            guard let refusal else { return self.begin(intake, of: head, exchange, now) }
            return self.refuse(refusal, of: head, exchange, now)
        }

        private mutating func begin(
            _ intake: HTTPIntake, of head: HTTPHead, _ exchange: HTTPExchange, _ now: NIODeadline
        ) -> Action {
            self.deadline = now + self.bodyTimeout
            self.progress.beganBody()
            var exchange = exchange
            exchange.answerFields = intake.answerFields
            self.state = .body(
                HTTPIncoming(intake: intake, deadline: now + self.bodyTimeout * 10, rest: head.contentLength ?? 0), exchange)
            return head.hasBody && head.expectsContinue ? .sendContinue : .nothing
        }

        /// Answers before the body was read: continues if the body is short, otherwise closes.
        private mutating func refuse(
            _ response: HTTPResponse, of head: HTTPHead, _ exchange: HTTPExchange, _ now: NIODeadline
        ) -> Action {
            let isShort = !head.expectsContinue && head.contentLength.map { $0 <= Self.discardLimit } ?? false
            guard !head.hasBody || isShort else { return .refuse(response, exchange.closing) }
            self.deadline = now + self.bodyTimeout
            self.state = .discarding(response, exchange)
            return .nothing
        }

        // MARK: - Answers

        /// The exchange that an answer is for; `nil` when its client has left, or it is answered already.
        func answering(_ number: UInt64) -> HTTPExchange? {
            guard case .answering(let exchange, _) = self.state, exchange.number == number else { return nil }
            return exchange
        }

        /// The answer will follow later.
        ///
        /// - Parameter abandoned: called when the client leaves before that.
        mutating func wait(for exchange: HTTPExchange, abandoned: (@Sendable () -> Void)?) -> Action {
            self.state = .answering(exchange, self.hasClientFinished ? nil : abandoned)
            guard self.hasClientFinished, let abandoned else { return .nothing }
            return .abandon(abandoned)
        }

        /// The client has half-closed or left: pending handlers are notified.
        mutating func clientFinished() -> Action {
            self.hasClientFinished = true
            guard case .answering(let exchange, .some(let abandoned)) = self.state else { return .nothing }
            self.state = .answering(exchange, nil)
            return .abandon(abandoned)
        }

        /// A stream now owns the channel.
        mutating func handedOver() { self.state = .handedOver }

        /// An answer is written.
        ///
        /// - Parameter isWritable: whether the unsent part is within the limit of the channel.
        mutating func wrote(isKeptAlive: Bool, isWritable: Bool, now: NIODeadline) -> Action {
            self.deadline = now + self.idleTimeout
            guard isWritable else {
                self.state = .draining(isKeptAlive: isKeptAlive, unsent: .max)
                return .nothing
            }
            return self.answered(isKeptAlive: isKeptAlive)
        }

        /// Earlier answers are flushed.
        mutating func flushed(isWritable: Bool) {
            guard case .idle = self.state, !isWritable else { return }
            self.state = .draining(isKeptAlive: true, unsent: .max)
        }

        /// Whether an answer waits for its client.
        var isDraining: Bool {
            if case .draining = self.state { true } else { false }
        }

        /// The socket accepts bytes again: the rest of the answer fits into the channel.
        mutating func becameWritable(now: NIODeadline) -> Action {
            guard case .draining(let isKeptAlive, _) = self.state else { return .nothing }
            self.deadline = now + self.idleTimeout
            return self.answered(isKeptAlive: isKeptAlive)
        }

        private mutating func answered(isKeptAlive: Bool) -> Action {
            self.state = isKeptAlive ? .idle : .lingering
            return isKeptAlive ? .nothing : .linger
        }

        /// The answer's direction is closed.
        mutating func outputClosed(now: NIODeadline) { self.deadline = now + Self.lingerTimeout }

        // MARK: - Ends

        /// The deadline has passed.
        ///
        /// - Parameter unsent: bytes in the channel.
        mutating func timeOut(now: NIODeadline, unsent: @autoclosure () -> Int) -> Action {
            switch self.state {
            case .idle:
                // A refused client gets the answer even if it has sent no request.
                guard let overload, self.exchangeCount == 0 else { return self.close() }
                return .refuse(overload, .unrecognised)
            case .lingering: return self.close()
            case .discarding(let response, let exchange): return .refuse(response, exchange.closing)
            case .body(let incoming, let exchange):
                let refusal = incoming.intake.completed(.error(.requestTimeout, "The request body arrived too slowly"))
                return .refuse(refusal, exchange.closing)
            case .draining(let isKeptAlive, let before):
                let unsent = unsent()
                guard unsent < before else { return self.close() }
                self.deadline = now + self.idleTimeout
                self.state = .draining(isKeptAlive: isKeptAlive, unsent: unsent)
                return .nothing
            case .deciding, .answering, .handedOver: return .nothing
            }
        }

        /// The server accepts no further requests.
        mutating func drain() -> Action {
            switch self.state {
            case .idle: return .close(isReset: self.exchangeCount == 0)
            case .draining(_, let unsent):
                self.state = .draining(isKeptAlive: false, unsent: unsent)
                return .nothing
            case .deciding, .body, .discarding, .answering, .lingering, .handedOver: return .nothing
            }
        }

        /// Ends the connection now.
        func close() -> Action {
            switch self.state {
            case .body, .discarding, .deciding, .answering, .draining: .close(isReset: true)
            case .idle, .lingering, .handedOver: .close(isReset: false)
            }
        }

        /// Ends the connection because memory is short.
        func shed() -> Action {
            guard case .body(let incoming, let exchange) = self.state else { return .close(isReset: true) }
            return .refuse(incoming.intake.completed(.outOfMemory), exchange.closing)
        }
    }
}
