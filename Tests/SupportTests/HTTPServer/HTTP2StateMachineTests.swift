import BridgeTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

/// How the request and the answer of a stream of HTTP/2 follow each other, without a channel.
@Suite struct HTTP2StateMachineTests {
    typealias Machine = HTTP2Exchange.StateMachine

    static func time(_ seconds: Int64) -> NIODeadline { HTTPStateMachineTests.time(seconds) }

    static func machine() -> Machine { Machine(HTTPStateMachineTests.configuration) }

    static func head(_ method: HTTPMethod = .POST, _ fields: HTTPHeaders = [:]) -> HTTPHead {
        HTTPHead(HTTPStateMachineTests.head(method, fields, version: HTTPVersion(major: 2, minor: 0)))
    }

    static func intake(limit: Int = 1000) -> HTTPIntake { HTTPStateMachineTests.intake(limit: limit) }

    /// An action in short: its name, and the status.
    static func text(_ action: Machine.Action) -> String {
        switch action {
        case .nothing: ""
        case .decide(_, let hasBody): hasBody ? "decide with body" : "decide"
        case .findRoom(let authorize, _, _): authorize == nil ? "find room" : "find room and ask"
        case .authorize: "ask"
        case .sendContinue: "continue"
        case .countBody(let bytes): bytes > 0 ? "count" : "count nothing"
        case .call: "call"
        case .answer(let response): "answer \(response.status.code)"
        case .refuseStream: "refuse stream"
        case .stopRequest: "stop request"
        case .close: "close"
        case .abandon: "abandon"
        }
    }

    /// The client sends its head, which is decided like this, and there is room for what it announces.
    static func begin(
        _ machine: inout Machine, _ decision: HTTPDecision, _ head: HTTPHead = Self.head(), endStream: Bool = false,
        hasRoom: Bool = true, at seconds: Int64 = 0
    ) -> String {
        guard case .decide(let head, _) = machine.begin(head, endStream: endStream, isRefused: false) else { return "none" }
        let action = machine.decided(decision, of: head)
        guard case .findRoom(let authorize, let intake, let head) = action else { return Self.text(action) }
        return Self.text(machine.admitted(authorize, intake, of: head, hasRoom: hasRoom, now: Self.time(seconds)))
    }

    private static func take(_ machine: inout Machine, _ count: Int, endStream: Bool = false, at seconds: Int64 = 0) -> String {
        Self.text(machine.take(ByteBuffer(repeating: 120, count: count), endStream: endStream, now: Self.time(seconds)))
    }

    // MARK: - The request

    @Test func `a request is decided, read, called and answered, and the stream ends`() {
        var machine = Self.machine()
        let head = Self.head(.POST, ["Content-Length": "20"])
        #expect(machine.awaitsHead && machine.deadline == .distantFuture)
        #expect(Self.begin(&machine, .accept(Self.intake()), head, at: 1) == "")
        #expect(machine.isReadingBody && machine.announced == 20 && machine.deadline == Self.time(31))
        #expect(Self.take(&machine, 10, at: 20) == "count" && machine.deadline == Self.time(50))
        #expect(Self.text(machine.counted()) == "", "there is more to come")
        #expect(machine.bytes >= 10)
        #expect(Self.take(&machine, 10, endStream: true, at: 21) == "count")
        #expect(Self.text(machine.counted()) == "call")
        #expect(machine.isAnswering && machine.bytes == 0 && machine.announced == 0 && machine.deadline == .distantFuture)
        machine.answers(with: 10, now: Self.time(100))
        #expect(!machine.isAnswering && machine.deadline == Self.time(160))
        machine.answered(now: Self.time(101))
        #expect(Self.text(machine.end()) == "" && Self.text(machine.timeOut()) == "")
    }

    @Test func `a request that ends with its head is called at once, and asks for no body`() {
        var machine = Self.machine()
        let head = Self.head(.GET, ["Content-Length": "20", "Expect": "100-continue"])
        #expect(Self.text(machine.begin(head, endStream: true, isRefused: false)) == "decide")
        guard case .findRoom(_, let intake, _) = machine.decided(.accept(Self.intake()), of: head) else {
            Issue.record("there is nothing to find room for")
            return
        }
        #expect(machine.announced == 0)
        #expect(Self.text(machine.admitted(nil, intake, of: head, hasRoom: true, now: Self.time(0))) == "call")
        #expect(Self.text(machine.takeTrailers()) == "" && Self.take(&machine, 5, endStream: true) == "")
    }

    @Test func `the client is asked for a body that it holds back, and trailers end it`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.POST, ["Expect": "100-continue"])) == "continue")
        #expect(Self.take(&machine, 5) == "count" && Self.text(machine.counted()) == "")
        #expect(Self.text(machine.takeTrailers()) == "call")
    }

    @Test func `a stream too many, or without room for its body, is refused so that the client tries again`() {
        var machine = Self.machine()
        #expect(Self.text(machine.begin(Self.head(), endStream: true, isRefused: true)) == "refuse stream")
        #expect(Self.text(machine.begin(Self.head(), endStream: true, isRefused: false)) == "", "once")
        for decision in [
            HTTPDecision.accept(Self.intake()), .authorize({ _ in preconditionFailure("nobody is asked") }, Self.intake()),
        ] {
            var machine = Self.machine()
            let head = Self.head(.POST, ["Content-Length": "100"])
            #expect(Self.begin(&machine, decision, head, hasRoom: false) == "refuse stream")
            #expect(machine.announced == 0 && machine.bytes == 0)
            #expect(Self.take(&machine, 5) == "", "a body that nobody wants")
        }
    }

    @Test(arguments: [HTTPDecision.refuse(HTTPResponse(.notFound)), .refuseAndClose(HTTPResponse(.badRequest))])
    func `a request that is refused is answered before its body`(_ decision: HTTPDecision) {
        var machine = Self.machine()
        #expect(Self.begin(&machine, decision, Self.head(.POST, ["Content-Length": "10"])).hasPrefix("answer 40"))
        machine.answers(with: 20, now: Self.time(0))
        #expect(Self.take(&machine, 10) == "" && !machine.hasClientEnded)
        machine.answered(now: Self.time(5))
        #expect(machine.deadline == Self.time(7) && Self.text(machine.timeOut()) == "stop request")
    }

    @Test func `while somebody decides whether a request may come, the window of its body is counted`() {
        var machine = Self.machine()
        let authorize: HTTPRouter.Authorization = { _ in preconditionFailure("a machine asks nobody") }
        #expect(Self.begin(&machine, .authorize(authorize, Self.intake())) == "ask")
        #expect(machine.isDeciding && machine.bytes == Machine.window && machine.deadline == .distantFuture)
        var other = machine
        var third = machine
        #expect(Self.text(machine.permitted(nil, Self.intake(), of: Self.head(), now: Self.time(5))) == "")
        #expect(machine.isReadingBody && machine.bytes == 0 && machine.deadline == Self.time(35))
        #expect(Self.text(machine.permitted(nil, Self.intake(), of: Self.head(), now: Self.time(6))) == "", "once")
        let refusal = HTTPResponse(.forbidden)
        #expect(Self.text(other.permitted(refusal, Self.intake(), of: Self.head(), now: Self.time(5))) == "answer 403")
        #expect(Self.text(third.shed()) == "answer 503")
        third.answers(with: 0, now: Self.time(5))
        #expect(Self.text(third.permitted(nil, Self.intake(), of: Self.head(), now: Self.time(6))) == "", "it is answered")
        var ended = Self.machine()
        #expect(Self.begin(&ended, .authorize(authorize, Self.intake()), endStream: true) == "ask")
        #expect(ended.bytes == 0, "there is no body")
    }

    @Test func `a body that is too long, too slow or in the way is answered`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake(limit: 8))) == "")
        #expect(Self.text(machine.timeOut()) == "answer 408")
        #expect(Self.text(machine.shed()) == "answer 503")
        #expect(Self.take(&machine, 9) == "answer 413")
        var slow = Self.machine()
        #expect(Self.begin(&slow, .accept(Self.intake())) == "")
        for second in stride(from: Int64(20), through: 280, by: 20) { #expect(Self.take(&slow, 1, at: second) == "count") }
        #expect(slow.deadline == Self.time(300), "ten times the time-out in all")
    }

    // MARK: - The answer

    @Test func `a large answer is counted until it is sent, as long as its client takes something`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET), endStream: true) == "call")
        machine.answers(with: 4096, now: Self.time(0))
        #expect(machine.bytes == 0, "a small one is not")
        machine.answers(with: 100_000, now: Self.time(0))
        #expect(machine.bytes == 100_000 && machine.deadline == Self.time(60))
        machine.sent(65_536, now: Self.time(50))
        #expect(machine.bytes == 34_464 && machine.deadline == Self.time(110))
        #expect(Self.text(machine.timeOut()) == "close" && Self.text(machine.shed()) == "close")
        var refused = machine
        refused.hasNoRoomForAnswer()
        #expect(refused.bytes == 0)
        machine.sent(65_536, now: Self.time(51))
        #expect(machine.bytes == 0)
        machine.answered(now: Self.time(52))
        machine.sent(1, now: Self.time(53))
        #expect(machine.deadline == Self.time(113), "the channel ends once both directions have")
    }

    @Test func `whoever answers later hears that the client has left`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET), endStream: true) == "call")
        var other = machine
        machine.wait(abandoned: {})
        #expect(machine.isAnswering && Self.text(machine.end()) == "abandon" && Self.text(machine.end()) == "")
        other.wait(abandoned: nil)
        #expect(Self.text(other.end()) == "")
    }

    @Test func `an answer that is a stream belongs to its handler until that ends it, once`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET), endStream: true) == "call")
        machine.handedOver()
        #expect(machine.isStreaming && machine.deadline == .distantFuture && Self.text(machine.timeOut()) == "")
        #expect(Self.text(machine.shed()) == "close")
        var gone = machine
        #expect(Self.text(gone.end()) == "")
        let ends = (machine.endStream(now: Self.time(5)), machine.endStream(now: Self.time(6)), gone.endStream(now: Self.time(5)))
        #expect(ends == (true, false, false))
        #expect(machine.deadline == Self.time(7) && Self.text(machine.timeOut()) == "close")
    }

    // MARK: - Random lives

    @Test func `whatever comes in whatever order, a request is called and answered once, and every wait for a client ends`() {
        var calls = 0
        for seed in 0..<1000 {
            let model = HTTP2StreamModel(seed: UInt64(seed))
            for _ in 0..<100 where !model.isClosed { model.step() }
            #expect(model.failures.isEmpty, "seed \(seed): \(model.failures.first ?? "")")
            calls += model.calls
        }
        #expect(calls > 100, "the model comes that far")
    }
}

/// A client, a router and handlers that a few random numbers stand for.
private final class HTTP2StreamModel {
    private var generator: SeededGenerator
    private var machine = HTTP2StateMachineTests.machine()
    private(set) var failures: [String] = []
    private(set) var isClosed = false
    private(set) var calls = 0
    private var answers = 0
    private var isReset = false
    private var hasBegun = false
    private var asked: (HTTPIntake, HTTPHead)?
    private var hasSentAll = false
    /// Of the body, as its handler must get it.
    private var sent = 0
    private var seconds: Int64 = 0

    init(seed: UInt64) {
        self.generator = SeededGenerator(seed: seed)
    }

    private var now: NIODeadline { HTTP2StateMachineTests.time(self.seconds) }

    private func isChosen(_ share: Int) -> Bool { Int.random(in: 0..<share, using: &self.generator) == 0 }

    func step() {
        self.seconds += Int64.random(in: 0...3, using: &self.generator)
        if self.now >= self.machine.deadline { self.perform(self.machine.timeOut()) }
        switch Int.random(in: 0..<20, using: &self.generator) {
        case 0..<10: self.send()
        case 10..<13: if self.machine.isAnswering { self.answerNow() }
        case 13..<15: self.permit()
        case 15: self.machine.sent(Int.random(in: 1...50_000, using: &self.generator), now: self.now)
        case 16: self.machine.answered(now: self.now)
        case 17: if self.machine.endStream(now: self.now), !self.hasBegun { self.fail("a stream that has not begun ends") }
        case 18: if self.isChosen(10) { self.perform(self.machine.shed()) }
        default: if self.isChosen(20) { self.end() }
        }
        self.check()
    }

    /// What NIO lets through: a head, then parts of a body, then perhaps trailers.
    private func send() {
        guard self.hasBegun else {
            self.hasBegun = true
            self.hasSentAll = self.isChosen(3)
            let fields: HTTPHeaders = self.isChosen(2) ? ["Content-Length": "100"] : [:]
            let head = HTTP2StateMachineTests.head(self.isChosen(3) ? .HEAD : .POST, fields)
            self.perform(self.machine.begin(head, endStream: self.hasSentAll, isRefused: self.isChosen(20)))
            return
        }
        // Nothing is read while somebody decides.
        guard !self.hasSentAll, !self.machine.isDeciding else { return }
        if self.isChosen(8) {
            self.hasSentAll = true
            self.perform(self.machine.takeTrailers())
        } else {
            self.hasSentAll = self.isChosen(4)
            let count = Int.random(in: 0...300, using: &self.generator)
            if self.machine.isReadingBody { self.sent += count }
            self.perform(self.machine.take(ByteBuffer(repeating: 0, count: count), endStream: self.hasSentAll, now: self.now))
        }
    }

    private func perform(_ action: HTTP2Exchange.StateMachine.Action) {
        guard !self.isClosed else { return }
        switch action {
        case .nothing, .sendContinue, .abandon: break
        case .decide(let head, _): self.perform(self.machine.decided(self.decision(), of: head))
        case .findRoom(let authorize, let intake, let head):
            let hasRoom = self.machine.hasClientEnded || !self.isChosen(10)
            self.perform(self.machine.admitted(authorize, intake, of: head, hasRoom: hasRoom, now: self.now))
        case .authorize(_, let intake, let head): self.asked = (intake, head)
        case .countBody: self.perform(self.isChosen(20) ? self.machine.shed() : self.machine.counted())
        case .call(let intake): self.call(intake)
        case .answer(let response): self.answer(with: response.body.readableBytes)
        case .refuseStream:
            if self.answers > 0 || self.isReset || self.calls > 0 { self.fail("it is reset after an answer or a call") }
            self.isReset = true
        case .stopRequest: if self.machine.hasClientEnded { self.fail("a request that has ended is stopped") }
        case .close: self.end()
        }
    }

    private func decision() -> HTTPDecision {
        let intake = HTTP2StateMachineTests.intake()
        return switch Int.random(in: 0..<10, using: &self.generator) {
        case 0: .refuse(HTTPResponse(.notFound))
        case 1: .refuseAndClose(HTTPResponse(.badRequest))
        case 2..<4: .authorize({ _ in preconditionFailure("a machine asks nobody") }, intake)
        default: .accept(intake)
        }
    }

    private func permit() {
        guard let (intake, head) = self.asked else { return }
        self.asked = nil
        let refusal = self.isChosen(3) ? HTTPResponse(.forbidden) : nil
        self.perform(self.machine.permitted(refusal, intake, of: head, now: self.now))
    }

    private func call(_ intake: HTTPIntake) {
        self.calls += 1
        if self.calls > 1 { self.fail("it is called twice") }
        if self.answers > 0 || self.isReset { self.fail("it is called after its answer") }
        if !self.hasSentAll { self.fail("it is called before its end") }
        if intake.request.body.readableBytes != self.sent {
            self.fail("it is called with \(intake.request.body.readableBytes) of \(self.sent) bytes")
        }
        if self.isChosen(3) { self.machine.wait(abandoned: {}) }
    }

    private func answerNow() {
        if self.isChosen(4) {
            self.answers += 1
            self.machine.handedOver()
        } else {
            self.answer(with: Int.random(in: 0...200_000, using: &self.generator))
        }
    }

    private func answer(with bytes: Int) {
        self.answers += 1
        if self.answers > 1 || self.isReset { self.fail("it is answered twice") }
        self.machine.answers(with: bytes, now: self.now)
        if self.isChosen(10) { self.machine.hasNoRoomForAnswer() }
    }

    private func end() {
        let wasWaiting = self.machine.isAnswering
        if case .abandon = self.machine.end(), !wasWaiting { self.fail("somebody hears of a client that nobody waits for") }
        self.isClosed = true
    }

    private func check() {
        if self.machine.bytes < 0 || self.machine.announced < 0 { self.fail("fewer than no bytes are counted") }
        guard !self.isClosed else { return }
        let waitsForClient =
            switch self.machine.state {
            case .body, .ending, .lingering: true
            case .head, .deciding, .answering, .streaming, .ended: false
            }
        if waitsForClient, self.machine.deadline == .distantFuture { self.fail("\(self.machine.state) has no deadline") }
        if !waitsForClient, self.machine.deadline < .distantFuture { self.fail("\(self.machine.state) has a deadline") }
    }

    private func fail(_ text: String) {
        self.failures.append(text)
    }
}
