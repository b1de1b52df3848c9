import NIOCore
import NIOHTTP1

extension HTTP2Exchange {
    /// Decides how the request and the answer of one stream follow each other, and how long each may take; it performs nothing.
    ///
    /// A value of its exchange, on the event loop. The exchange reports what happens and performs the action it gets back. A change is
    /// complete before its action is returned.
    ///
    /// Invariants:
    /// 1. The request goes to its handler at most once, and is answered at most once: by an answer, a stream or a reset (RFC 9113 §8.1).
    /// 2. After the answer nothing of the request is kept.
    /// 3. Every wait for the client has a deadline, but that of a stream, whose handler has its own; while the server is what is slow there
    ///    is none.
    struct StateMachine {
        /// Bytes of a body that come before it is asked for: the window of a new stream (RFC 9113 §6.9.2).
        static let window = 65_535
        /// Answers up to this size are not counted: a connection has few streams.
        private static let smallAnswer = 4 << 10
        /// How long a client may take to notice that its answer is complete.
        private static let lingerTimeout = TimeAmount.seconds(2)

        enum State {
            /// The request is not there yet.
            case head
            /// Somebody decides whether the request may come.
            case deciding
            case body(HTTPIncoming)
            /// The whole request is with its handler, which may want to know when the client leaves.
            case answering(abandoned: (@Sendable () -> Void)?)
            /// The answer belongs to a handler of its own.
            case streaming
            /// The answer is written; so many of its bytes are counted and not sent.
            case ending(unsent: Int)
            /// The answer is sent; the client still sends its request.
            case lingering
            case ended
        }

        /// What the exchange does once a change is complete.
        enum Action {
            case nothing
            /// Finds out what becomes of the request; see ``decided(_:of:)``.
            case decide(HTTPHead, hasBody: Bool)
            /// Finds room for what the request may hold; see ``StateMachine/admitted(_:_:of:hasRoom:now:)``.
            case findRoom(HTTPRouter.Authorization?, HTTPIntake, HTTPHead)
            /// Asks whether the request may come, and reads nothing of it meanwhile; see ``permitted(_:_:of:now:)``.
            case ask(HTTPRouter.Authorization, HTTPIntake, HTTPHead)
            case sendContinue
            /// Counts a body that has grown to so many bytes; see ``counted()``.
            case countBody(Int)
            case call(HTTPIntake)
            case answer(HTTPResponse)
            /// Resets the stream, so that the client tries again (RFC 9113 §8.7).
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
        /// Header fields that the answer gets beside its own.
        private(set) var answerFields: [(name: String, value: String)] = []
        /// Bytes of body that the request has announced.
        private(set) var announced = 0
        /// When the exchange gives up waiting for its client.
        private(set) var deadline = NIODeadline.distantFuture
        private let bodyTimeout: TimeAmount
        private let idleTimeout: TimeAmount

        init(_ configuration: HTTPServerConfiguration) {
            self.bodyTimeout = TimeAmount(configuration.bodyTimeout)
            self.idleTimeout = TimeAmount(configuration.idleTimeout)
        }

        /// Whether the request has not come.
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

        /// Bytes of memory that the body of the request and the answer take up.
        var bytes: Int {
            switch self.state {
            // What NIO keeps of a body that nobody reads yet.
            case .deciding: self.hasClientEnded ? 0 : Self.window
            case .body(let incoming): incoming.intake.bytes
            case .ending(let unsent): unsent
            case .head, .answering, .streaming, .lingering, .ended: 0
            }
        }

        // MARK: - The request

        /// The fields of the request have come.
        ///
        /// - Parameter isRefused: whether the connection has one stream too many.
        mutating func begin(_ head: HTTPHead, endStream: Bool, isRefused: Bool) -> Action {
            guard case .head = self.state else { return .nothing }
            self.isHead = head.method == .HEAD
            self.hasClientEnded = endStream
            guard !isRefused else { return self.refuseStream() }
            return .decide(head, hasBody: !endStream && (head.contentLength ?? 0) > 0)
        }

        /// The answer to ``Action/decide(_:hasBody:)``.
        mutating func decided(_ decision: HTTPDecision, of head: HTTPHead) -> Action {
            switch decision {
            case .distrust(let response), .refuse(let response):
                return .answer(response)
            case .take(let intake):
                return self.findRoom(nil, intake, head)
            case .ask(let authorize, let intake):
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

        /// The answer to ``Action/findRoom(_:_:_:)``.
        mutating func admitted(
            _ authorize: HTTPRouter.Authorization?, _ intake: HTTPIntake, of head: HTTPHead, hasRoom: Bool, now: NIODeadline
        ) -> Action {
            guard hasRoom else { return self.refuseStream() }
            if let authorize { return .ask(authorize, intake, head) }
            return self.begin(intake, of: head, now)
        }

        /// The answer to ``Action/ask(_:_:_:)``.
        ///
        /// - Parameter refusal: `nil` when the request may come.
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

        /// A part of the body has come.
        mutating func take(_ part: ByteBuffer, endStream: Bool, now: NIODeadline) -> Action {
            if endStream { self.hasClientEnded = true }
            // Else it is a body that nobody wants.
            guard case .body(var incoming) = self.state else { return .nothing }
            // The only reference to the body, so that it is not copied.
            self.state = .ended
            let refusal = incoming.append(part)
            self.deadline = min(now + self.bodyTimeout, incoming.deadline)
            let bytes = incoming.intake.bytes
            self.state = .body(incoming)
            return refusal.map { .answer($0) } ?? .countBody(bytes)
        }

        /// What has come of the body is counted.
        mutating func counted() -> Action {
            guard case .body(let incoming) = self.state, self.hasClientEnded else { return .nothing }
            return self.call(incoming.intake)
        }

        /// Trailers have come: they end the body (RFC 9113 §8.1).
        mutating func takeTrailers() -> Action {
            self.hasClientEnded = true
            return self.counted()
        }

        private mutating func call(_ intake: HTTPIntake) -> Action {
            self.deadline = .distantFuture
            self.state = .answering(abandoned: nil)
            // From here on the body is its handler's.
            self.announced = 0
            return .call(intake)
        }

        private mutating func refuseStream() -> Action {
            self.state = .ended
            self.announced = 0
            return .refuseStream
        }

        // MARK: - The answer

        /// The answer is known later.
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

        /// There is no room for the answer; a small one is written in its place.
        mutating func hasNoRoomForAnswer() {
            if case .ending = self.state { self.state = .ending(unsent: 0) }
        }

        /// The client has taken a part of the answer.
        mutating func sent(_ bytes: Int, now: NIODeadline) {
            guard case .ending(let unsent) = self.state else { return }
            self.deadline = now + self.idleTimeout
            self.state = .ending(unsent: max(0, unsent - bytes))
        }

        /// The client has taken all of the answer; one that still sends gets a moment to notice.
        mutating func answered(now: NIODeadline) {
            guard case .ending = self.state else { return }
            self.state = self.hasClientEnded ? .ending(unsent: 0) : .lingering
            if !self.hasClientEnded { self.deadline = now + Self.lingerTimeout }
        }

        /// The answer now belongs to a handler of its own.
        mutating func handedOver() {
            self.state = .streaming
            self.deadline = .distantFuture
        }

        /// The handler ends its stream.
        ///
        /// - Returns: whether it has not ended before.
        mutating func endStream(now: NIODeadline) -> Bool {
            guard case .streaming = self.state else { return false }
            self.state = .ending(unsent: 0)
            // What the client does not take now it will not miss.
            self.deadline = now + Self.lingerTimeout
            return true
        }

        // MARK: - Ends

        /// The deadline has passed.
        func timeOut() -> Action {
            switch self.state {
            case .body(let incoming):
                .answer(incoming.intake.completed(.error(.requestTimeout, "The request body came too slowly")))
            case .ending: .close
            case .lingering: self.hasClientEnded ? .nothing : .stopRequest
            case .head, .deciding, .answering, .streaming, .ended: .nothing
            }
        }

        /// Others need the memory.
        func shed() -> Action {
            switch self.state {
            case .body(let incoming): .answer(incoming.intake.completed(.outOfMemory))
            case .deciding: .answer(.outOfMemory)
            case .head, .answering, .streaming, .ending, .lingering, .ended: .close
            }
        }

        /// The stream is gone.
        mutating func end() -> Action {
            let state = self.state
            self.state = .ended
            self.announced = 0
            if case .answering(.some(let abandoned)) = state { return .abandon(abandoned) }
            return .nothing
        }
    }
}
