import NIOCore
import NIOHTTP1

extension HTTPConnection {
    /// What a connection's client has sent, once it is parsed.
    enum Input {
        case part(HTTPServerRequestPart)
        case failure(HTTPResponse)
        case inputClosed
    }

    /// Decides how requests and answers follow each other on one connection, and how long each may take; it performs nothing.
    ///
    /// A value of its connection, on the event loop. The connection reports what happens and performs the action it gets back. A change is
    /// complete before its action is returned.
    ///
    /// Invariants:
    /// 1. Each request is answered once, in order; while one is decided or answered, no other is taken.
    /// 2. After an answer that ends the connection nothing is taken, whatever the client sends.
    /// 3. Every wait for the client has a deadline; while the server is what is slow there is none.
    struct StateMachine {
        /// Bodies up to this size are read and dropped after a refusal, so that the connection can go on.
        private static let discardLimit = 64 << 10
        /// Bytes of an unfinished head that are not counted: every connection has some.
        private static let smallHead = 4 << 10
        /// Bytes that are parsed at once, where requests may follow each other: no more than 20 of them fit.
        private static let smallPiece = 512
        /// The same within a body: then most of it is the body's.
        private static let bodyPiece = 2 << 10
        /// How long a client may take to end its direction after the last answer.
        private static let lingerTimeout = TimeAmount.seconds(2)

        enum State {
            /// Between requests.
            case idle
            /// Somebody decides whether the request may come.
            case deciding(HTTPExchange)
            /// The body is being read.
            case body(HTTPIncoming, HTTPExchange)
            /// A body that nobody wants is being read; then this answer.
            case discarding(HTTPResponse, HTTPExchange)
            /// The whole request is with its handler, which may want to know when the client leaves.
            case answering(HTTPExchange, (@Sendable () -> Void)?)
            /// The answer is written, and more of it waits than the channel may hold: as many bytes when last looked at.
            case draining(isKeptAlive: Bool, unsent: Int)
            /// The last answer is written; the client has not closed yet.
            case lingering
            /// The channel belongs to a stream.
            case handedOver
        }

        /// What the connection does once a change is complete.
        enum Action {
            case nothing
            /// Finds out what becomes of a request; see ``decided(_:of:_:now:)``.
            case decide(HTTPHead, HTTPExchange)
            /// Asks whether a request may come; see ``permitted(_:_:of:_:now:)``.
            case ask(HTTPRouter.Authorization, HTTPIntake, HTTPHead, HTTPExchange)
            case sendContinue
            /// Counts a body that has grown to so many bytes.
            case countBody(Int)
            case call(HTTPIntake, HTTPExchange)
            case answer(HTTPResponse, HTTPExchange)
            /// Answers, and forgets what has arrived behind the request.
            case refuse(HTTPResponse, HTTPExchange)
            /// Ends the answer's direction, so that the kernel does not discard an answer that is not read yet (RFC 9112 §9.6).
            case linger
            case closeAfterWrites
            case close(isReset: Bool)
            /// Reports that the client has left.
            case abandon(@Sendable () -> Void)
        }

        private(set) var state = State.idle
        /// Requests so far.
        private(set) var exchangeCount: UInt64 = 0
        /// When the connection gives up waiting for its client.
        private(set) var deadline: NIODeadline
        private var hasClientFinished = false
        private var progress = HTTPInputProgress()
        /// Set when the server has too many connections: then this is the only answer but for vital routes.
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

        // MARK: - What the connection may do

        /// Whether more can be parsed now.
        var takesInput: Bool {
            switch self.state {
            case .idle, .body, .discarding, .lingering: true
            case .deciding, .answering, .draining, .handedOver: false
            }
        }

        /// Whether the socket is read: also while a request is answered, because most clients send nothing then, and to stop and begin
        /// again would cost two system calls for each request.
        var readsOn: Bool {
            if case .answering = self.state { true } else { self.takesInput }
        }

        /// Bytes to parse at once: the rest of a body, little where a request may end within it.
        var inputPiece: Int {
            guard case .body(let incoming, _) = self.state else { return Self.smallPiece }
            return max(Self.bodyPiece, incoming.rest)
        }

        /// Bytes of a request that is not complete.
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

        /// So many bytes go to the parser.
        mutating func willParse(_ bytes: Int) {
            self.progress.willParse(bytes, of: self.part)
        }

        /// The parser has produced something.
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

        /// Refuses what never comes to anything: empty lines before a request, chunks of a body that hold next to nothing.
        func refusalOfExcess() -> Action {
            switch self.state {
            case .idle where self.progress.isHeadTooLong(headerBytes: self.headerBytes):
                .refuse(.error(.requestHeaderFieldsTooLarge, "Request header fields too large"), .unrecognised)
            case .body(let incoming, let exchange)
            where self.progress.isBodyTooEmpty(data: incoming.intake.request.body.readableBytes):
                .refuse(
                    incoming.intake.completed(.error(.badRequest, "The chunks of the body hold too little")), exchange.closing)
            case .idle, .body, .deciding, .discarding, .answering, .draining, .lingering, .handedOver: .nothing
            }
        }

        // MARK: - Requests

        /// The client has sent something; only while ``takesInput``.
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
                // Of a body nobody wants, or behind the last request of the connection.
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

        /// The answer to ``Action/decide(_:_:)``.
        mutating func decided(
            _ decision: HTTPDecision, of head: HTTPHead, _ exchange: HTTPExchange, now: NIODeadline
        ) -> Action {
            switch decision {
            case .distrust(let response): return .refuse(response, exchange.closing)
            case .refuse(let response): return self.refuse(response, of: head, exchange, now)
            case .take(let intake): return self.begin(intake, of: head, exchange, now)
            case .ask(let authorize, let intake):
                var exchange = exchange
                exchange.answerFields = intake.answerFields
                self.state = .deciding(exchange)
                self.deadline = .distantFuture
                return .ask(authorize, intake, head, exchange)
            }
        }

        /// The answer to ``Action/ask(_:_:_:_:)``.
        ///
        /// - Parameter refusal: `nil` when the request may come.
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

        /// Answers before the body has been read: reads on when the body is short, else closes.
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

        /// The exchange that an answer is for; `nil` when its client has gone, or it is answered already.
        func answering(_ number: UInt64) -> HTTPExchange? {
            guard case .answering(let exchange, _) = self.state, exchange.number == number else { return nil }
            return exchange
        }

        /// The answer is known later.
        ///
        /// - Parameter abandoned: called when the client leaves before that.
        mutating func wait(for exchange: HTTPExchange, abandoned: (@Sendable () -> Void)?) -> Action {
            self.state = .answering(exchange, self.hasClientFinished ? nil : abandoned)
            guard self.hasClientFinished, let abandoned else { return .nothing }
            return .abandon(abandoned)
        }

        /// The client has ended its direction, or is gone: whoever waits to answer it need not wait any longer.
        mutating func clientFinished() -> Action {
            self.hasClientFinished = true
            guard case .answering(let exchange, .some(let abandoned)) = self.state else { return .nothing }
            self.state = .answering(exchange, nil)
            return .abandon(abandoned)
        }

        /// The channel now belongs to a stream.
        mutating func handedOver() { self.state = .handedOver }

        /// An answer is written.
        ///
        /// - Parameter isWritable: whether the channel holds no more of it than it may.
        mutating func wrote(isKeptAlive: Bool, isWritable: Bool, now: NIODeadline) -> Action {
            self.deadline = now + self.idleTimeout
            guard isWritable else {
                self.state = .draining(isKeptAlive: isKeptAlive, unsent: .max)
                return .nothing
            }
            return self.answered(isKeptAlive: isKeptAlive)
        }

        /// Answers that were written before are flushed.
        mutating func flushed(isWritable: Bool) {
            guard case .idle = self.state, !isWritable else { return }
            self.state = .draining(isKeptAlive: true, unsent: .max)
        }

        /// Whether an answer waits for its client.
        var isDraining: Bool {
            if case .draining = self.state { true } else { false }
        }

        /// The socket takes bytes again: of the answer nothing is left but what the channel can hold.
        mutating func becameWritable(now: NIODeadline) -> Action {
            guard case .draining(let isKeptAlive, _) = self.state else { return .nothing }
            self.deadline = now + self.idleTimeout
            return self.answered(isKeptAlive: isKeptAlive)
        }

        private mutating func answered(isKeptAlive: Bool) -> Action {
            self.state = isKeptAlive ? .idle : .lingering
            return isKeptAlive ? .nothing : .linger
        }

        /// The answer's direction has ended.
        mutating func outputClosed(now: NIODeadline) { self.deadline = now + Self.lingerTimeout }

        // MARK: - Ends

        /// The deadline has passed.
        ///
        /// - Parameter unsent: bytes in the channel.
        mutating func timeOut(now: NIODeadline, unsent: @autoclosure () -> Int) -> Action {
            switch self.state {
            case .idle:
                // A client that is refused is told so even when it has asked for nothing.
                guard let overload, self.exchangeCount == 0 else { return self.close() }
                return .refuse(overload, .unrecognised)
            case .lingering: return self.close()
            case .discarding(let response, let exchange): return .refuse(response, exchange.closing)
            case .body(let incoming, let exchange):
                let refusal = incoming.intake.completed(.error(.requestTimeout, "The request body came too slowly"))
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

        /// The server takes no further requests.
        mutating func drain() -> Action {
            switch self.state {
            case .idle: return .close(isReset: self.exchangeCount == 0)
            case .draining(_, let unsent):
                self.state = .draining(isKeptAlive: false, unsent: unsent)
                return .nothing
            case .deciding, .body, .discarding, .answering, .lingering, .handedOver: return .nothing
            }
        }

        /// The connection ends now.
        func close() -> Action {
            switch self.state {
            case .body, .discarding, .deciding, .answering, .draining: .close(isReset: true)
            case .idle, .lingering, .handedOver: .close(isReset: false)
            }
        }

        /// Others need the memory.
        func shed() -> Action {
            guard case .body(let incoming, let exchange) = self.state else { return .close(isReset: true) }
            return .refuse(incoming.intake.completed(.outOfMemory), exchange.closing)
        }
    }
}
