import NIOCore
import NIOHTTP1

extension HTTP2Exchange {
    /// Decides the sequence of request and answer on one stream, and the time limits; performs no I/O.
    ///
    /// A value of its exchange, on the event loop. The exchange reports events and performs the returned action. A
    /// change is complete before its action is returned.
    ///
    /// Invariants:
    /// 1. The request reaches its handler at most once, and is answered at most once: by an answer, a stream or a reset
    ///    (RFC 9113 §8.1).
    /// 2. After the answer nothing of the request is kept.
    /// 3. Every wait for the client has a deadline, except in a stream, whose handler has its own; there is none while
    ///    the server is the slow side.
    struct StateMachine {
        /// Bytes of a body that arrive before it is requested: the window of a new stream (RFC 9113 §6.9.2).
        static let window = 65_535
        /// Answers up to this size are not counted: a connection has few streams.
        private static let smallAnswer = 4 << 10
        /// How long a client may take to notice that its answer is complete.
        private static let lingerTimeout = TimeAmount.seconds(2)

        enum State {
            /// The request has not arrived.
            case head
            /// The access check is running.
            case deciding
            case body(HTTPIncoming)
            /// The whole request is with its handler, which may be notified when the client leaves.
            case answering(abandoned: (@Sendable () -> Void)?)
            /// A handler of its own sends the answer.
            case streaming
            /// The answer is written; this many of its bytes are counted and not sent.
            case ending(unsent: Int)
            /// The answer is sent; the client still sends its request.
            case lingering
            case ended
        }

        /// The action after a complete change.
        enum Action {
            case nothing
            /// Routes the request; see ``decided(_:of:)``.
            case decide(HTTPHead, hasBody: Bool)
            /// Reserves memory for the request; see ``StateMachine/admitted(_:_:of:hasRoom:now:)``.
            case findRoom(HTTPRouter.Authorization?, HTTPIntake, HTTPHead)
            /// Starts the access check, and reads nothing of the body until it ends; see ``permitted(_:_:of:now:)``.
            case authorize(HTTPRouter.Authorization, HTTPIntake, HTTPHead)
            case sendContinue
            /// Counts a body that has grown to this many bytes; see ``counted()``.
            case countBody(Int)
            case call(HTTPIntake)
            case answer(HTTPResponse)
            /// Resets the stream, so that the client retries (RFC 9113 §8.7).
            case refuseStream
            /// Asks the client to send no more of its request (RFC 9113 §8.1).
            case stopRequest
            case close
            /// Reports that the client has left.
            case abandon(@Sendable () -> Void)
        }

        private(set) var state = State.head
        private(set) var isHead = false
        private(set) var hasClientEnded = false
        /// Additional header fields of the answer.
        private(set) var answerFields: [(name: String, value: String)] = []
        /// Bytes of body that the request has announced.
        private(set) var announced = 0
        /// The time limit of the wait for the client.
        private(set) var deadline = NIODeadline.distantFuture
        private let bodyTimeout: TimeAmount
        private let idleTimeout: TimeAmount

        init(_ configuration: HTTPServerConfiguration) {
            self.bodyTimeout = TimeAmount(configuration.bodyTimeout)
            self.idleTimeout = TimeAmount(configuration.idleTimeout)
        }

        /// Whether the request has not arrived.
        var awaitsHead: Bool {
            if case .head = self.state { true } else { false }
        }

        var isDeciding: Bool {
            if case .deciding = self.state { true } else { false }
        }

        var isReadingBody: Bool {
            if case .body = self.state { true } else { false }
        }

        var isStreaming: Bool {
            if case .streaming = self.state { true } else { false }
        }

        /// Whether the handler of the request may answer it.
        var isAnswering: Bool {
            if case .answering = self.state { true } else { false }
        }

        /// Bytes of memory that the request body and the answer use.
        var bytes: Int {
            switch self.state {
            // The part of an unread body that NIO keeps.
            case .deciding: self.hasClientEnded ? 0 : Self.window
            case .body(let incoming): incoming.intake.bytes
            case .ending(let unsent): unsent
            case .head, .answering, .streaming, .lingering, .ended: 0
            }
        }

        // MARK: - The request

        /// The header fields of the request have arrived.
        ///
        /// - Parameter isRefused: whether the connection exceeds its limit of streams.
        mutating func begin(_ head: HTTPHead, endStream: Bool, isRefused: Bool) -> Action {
            guard case .head = self.state else { return .nothing }
            self.isHead = head.method == .HEAD
            self.hasClientEnded = endStream
            guard !isRefused else { return self.refuseStream() }
            return .decide(head, hasBody: !endStream && (head.contentLength ?? 0) > 0)
        }

        /// The result of ``Action/decide(_:hasBody:)``.
        mutating func decided(_ decision: HTTPDecision, of head: HTTPHead) -> Action {
            switch decision {
            case .refuseAndClose(let response), .refuse(let response):
                return .answer(response)
            case .accept(let intake):
                return self.findRoom(nil, intake, head)
            case .authorize(let authorize, let intake):
                self.state = .deciding
                return self.findRoom(authorize, intake, head)
            }
        }

        private mutating func findRoom(
            _ authorize: HTTPRouter.Authorization?, _ intake: HTTPIntake, _ head: HTTPHead
        ) -> Action {
            self.answerFields = intake.answerFields
            if !self.hasClientEnded { self.announced = head.contentLength ?? 0 }
            return .findRoom(authorize, intake, head)
        }

        /// The result of ``Action/findRoom(_:_:_:)``.
        mutating func admitted(
            _ authorize: HTTPRouter.Authorization?, _ intake: HTTPIntake, of head: HTTPHead, hasRoom: Bool, now: NIODeadline
        ) -> Action {
            guard hasRoom else { return self.refuseStream() }
            if let authorize { return .authorize(authorize, intake, head) }
            return self.begin(intake, of: head, now)
        }

        /// The result of ``Action/ask(_:_:_:)``.
        ///
        /// - Parameter refusal: `nil` when the request is permitted.
        mutating func permitted(_ refusal: HTTPResponse?, _ intake: HTTPIntake, of head: HTTPHead, now: NIODeadline) -> Action {
            guard case .deciding = self.state else { return .nothing }
            if let refusal { return .answer(refusal) }
            return self.begin(intake, of: head, now)
        }

        private mutating func begin(_ intake: HTTPIntake, of head: HTTPHead, _ now: NIODeadline) -> Action {
            guard !self.hasClientEnded else { return self.call(intake) }
            self.deadline = now + self.bodyTimeout
            self.state = .body(
                HTTPIncoming(intake: intake, deadline: now + self.bodyTimeout * 10, rest: head.contentLength ?? 0))
            return head.expectsContinue ? .sendContinue : .nothing
        }

        /// A part of the body has arrived.
        mutating func take(_ part: ByteBuffer, endStream: Bool, now: NIODeadline) -> Action {
            if endStream { self.hasClientEnded = true }
            // Otherwise the body is not needed.
            guard case .body(var incoming) = self.state else { return .nothing }
            // The only reference to the body, so that it is not copied.
            self.state = .ended
            let refusal = incoming.append(part)
            self.deadline = min(now + self.bodyTimeout, incoming.deadline)
            let bytes = incoming.intake.bytes
            self.state = .body(incoming)
            return refusal.map { .answer($0) } ?? .countBody(bytes)
        }

        /// The received body is counted.
        mutating func counted() -> Action {
            guard case .body(let incoming) = self.state, self.hasClientEnded else { return .nothing }
            return self.call(incoming.intake)
        }

        /// Trailers have arrived and end the body (RFC 9113 §8.1).
        mutating func takeTrailers() -> Action {
            self.hasClientEnded = true
            return self.counted()
        }

        private mutating func call(_ intake: HTTPIntake) -> Action {
            self.deadline = .distantFuture
            self.state = .answering(abandoned: nil)
            // From here on the handler owns the body.
            self.announced = 0
            return .call(intake)
        }

        private mutating func refuseStream() -> Action {
            self.state = .ended
            self.announced = 0
            return .refuseStream
        }

        // MARK: - The answer

        /// The answer will follow later.
        ///
        /// - Parameter abandoned: called when the client leaves before that.
        mutating func wait(abandoned: (@Sendable () -> Void)?) {
            self.state = .answering(abandoned: abandoned)
        }

        /// An answer is about to be written.
        ///
        /// - Parameter bytes: of its body.
        mutating func answers(with bytes: Int, now: NIODeadline) {
            self.state = .ending(unsent: bytes > Self.smallAnswer ? bytes : 0)
            self.deadline = now + self.idleTimeout
        }

        /// There is no memory for the answer; a small one replaces it.
        mutating func hasNoRoomForAnswer() {
            if case .ending = self.state { self.state = .ending(unsent: 0) }
        }

        /// The client has read a part of the answer.
        mutating func sent(_ bytes: Int, now: NIODeadline) {
            guard case .ending(let unsent) = self.state else { return }
            self.deadline = now + self.idleTimeout
            self.state = .ending(unsent: max(0, unsent - bytes))
        }

        /// The client has read the whole answer; one that still sends gets a moment to notice.
        mutating func answered(now: NIODeadline) {
            guard case .ending = self.state else { return }
            self.state = self.hasClientEnded ? .ending(unsent: 0) : .lingering
            if !self.hasClientEnded { self.deadline = now + Self.lingerTimeout }
        }

        /// A handler of its own now sends the answer.
        mutating func handedOver() {
            self.state = .streaming
            self.deadline = .distantFuture
        }

        /// The handler ends its stream.
        ///
        /// - Returns: whether this is the first call.
        mutating func endStream(now: NIODeadline) -> Bool {
            guard case .streaming = self.state else { return false }
            self.state = .ending(unsent: 0)
            // Data that the client does not read soon is dropped.
            self.deadline = now + Self.lingerTimeout
            return true
        }

        // MARK: - Ends

        /// The deadline has passed.
        func timeOut() -> Action {
            switch self.state {
            case .body(let incoming):
                .answer(incoming.intake.completed(.error(.requestTimeout, "The request body arrived too slowly")))
            case .ending: .close
            case .lingering: self.hasClientEnded ? .nothing : .stopRequest
            case .head, .deciding, .answering, .streaming, .ended: .nothing
            }
        }

        /// Ends the exchange because memory is short.
        func shed() -> Action {
            switch self.state {
            case .body(let incoming): .answer(incoming.intake.completed(.outOfMemory))
            case .deciding: .answer(.outOfMemory)
            case .head, .answering, .streaming, .ending, .lingering, .ended: .close
            }
        }

        /// The stream has ended.
        mutating func end() -> Action {
            let state = self.state
            self.state = .ended
            self.announced = 0
            if case .answering(.some(let abandoned)) = state { return .abandon(abandoned) }
            return .nothing
        }
    }
}
