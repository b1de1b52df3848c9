import BridgeTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer

/// How requests and answers follow each other on a connection of HTTP/1, without a channel.
@Suite struct HTTPStateMachineTests {
    typealias Machine = HTTPConnection.StateMachine

    static let configuration = HTTPServerConfiguration(
        address: .tcp(host: "127.0.0.1", port: 0), headerBytes: 1000, idleTimeout: .seconds(60), bodyTimeout: .seconds(30))

    /// A time in seconds.
    static func time(_ seconds: Int64) -> NIODeadline { .uptimeNanoseconds(1_000_000_000) + .seconds(seconds) }

    static func machine(overload: HTTPResponse? = nil) -> Machine {
        Machine(Self.configuration, overload: overload, deadline: Self.time(10))
    }

    static func head(_ method: HTTPMethod = .POST, _ fields: HTTPHeaders = [:], version: HTTPVersion = .http1_1)
        -> HTTPRequestHead
    {
        HTTPRequestHead(version: version, method: method, uri: "/a", headers: fields)
    }

    static func intake(limit: Int = 1000) -> HTTPIntake {
        HTTPIntake(
            request: HTTPRequest(method: .POST, version: .http1_1, path: "/a", rawQuery: "", headers: [:], remoteAddress: nil),
            route: HTTPRouter.Route(limit: limit, handler: .buffered { _, _ in }))
    }

    /// An action in short: its name, the status and `close` where the connection ends with it.
    static func text(_ action: Machine.Action) -> String {
        func answer(_ response: HTTPResponse, _ exchange: HTTPExchange) -> String {
            "\(response.status.code)" + (exchange.isKeptAlive ? "" : " close")
        }
        return switch action {
        case .nothing: ""
        case .decide(_, let exchange): "decide \(exchange.number)"
        case .authorize: "ask"
        case .sendContinue: "continue"
        case .countBody(let bytes): bytes > 0 ? "count" : "count nothing"
        case .call(_, let exchange): "call \(exchange.number)"
        case .answer(let response, let exchange): "answer \(answer(response, exchange))"
        case .refuse(let response, let exchange): "refuse \(answer(response, exchange))"
        case .linger: "linger"
        case .closeAfterWrites: "close after writes"
        case .close(let isReset): isReset ? "reset" : "close"
        case .abandon: "abandon"
        }
    }

    /// The client sends a head, about which this is decided.
    static func begin(
        _ machine: inout Machine, _ decision: HTTPDecision, _ head: HTTPRequestHead = Self.head(), at seconds: Int64 = 0
    ) -> String {
        guard case .decide(let head, let exchange) = machine.take(.part(.head(head)), now: Self.time(seconds)) else {
            return "none"
        }
        return Self.text(machine.decided(decision, of: head, exchange, now: Self.time(seconds)))
    }

    static func take(_ machine: inout Machine, _ input: HTTPConnection.Input, at seconds: Int64 = 0) -> String {
        Self.text(machine.take(input, now: Self.time(seconds)))
    }

    static func wrote(_ machine: inout Machine, isKeptAlive: Bool = true, isWritable: Bool = true, at seconds: Int64 = 0)
        -> String
    {
        Self.text(machine.wrote(isKeptAlive: isKeptAlive, isWritable: isWritable, now: Self.time(seconds)))
    }

    private static func body(_ count: Int) -> HTTPConnection.Input {
        .part(.body(ByteBuffer(repeating: 120, count: count)))
    }

    // MARK: - Requests

    @Test func `a request is decided, read, called and answered, and the connection takes the next`() {
        var machine = Self.machine()
        for number in 1...2 {
            #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.POST, ["Content-Length": "20"]), at: 1) == "")
            #expect(machine.deadline == Self.time(31) && machine.inputPiece == 2 << 10)
            #expect(Self.take(&machine, Self.body(10), at: 20) == "count")
            #expect(machine.deadline == Self.time(50))
            #expect(Self.take(&machine, Self.body(10), at: 21) == "count")
            #expect(Self.take(&machine, .part(.end(nil))) == "call \(number)")
            #expect(machine.deadline == .distantFuture && !machine.takesInput && machine.readsOn)
            #expect(machine.answering(UInt64(number + 1))?.number == nil)
            #expect(machine.answering(UInt64(number))?.isKeptAlive == true)
            #expect(Self.wrote(&machine, at: 100) == "")
            #expect(machine.answering(UInt64(number))?.number == nil, "it is answered once")
            #expect(machine.deadline == Self.time(160) && machine.takesInput)
        }
    }

    static let connections: [(HTTPHeaders, HTTPMethod, HTTPVersion, Bool)] = [
        ([:], .GET, .http1_1, true), ([:], .GET, .http1_0, false), (["Connection": "keep-alive"], .GET, .http1_0, true),
        (["Connection": "close"], .GET, .http1_1, false), (["Upgrade": "h2c"], .GET, .http1_1, false),
        ([:], .CONNECT, .http1_1, false),
    ]

    @Test(arguments: HTTPStateMachineTests.connections)
    func `what a request says of its connection counts`(
        _ fields: HTTPHeaders, _ method: HTTPMethod, _ version: HTTPVersion, _ isKeptAlive: Bool
    ) {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(method, fields, version: version)) == "")
        #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
        #expect(machine.answering(1)?.isKeptAlive == isKeptAlive)
        #expect(machine.answering(1)?.isHTTP10 == (version == .http1_0))
    }

    @Test func `a body that is refused is read and dropped when it is short, else the connection ends`() {
        let cases: [(fields: [(String, String)], action: String)] = [
            ([("Content-Length", "65536")], ""), ([("Content-Length", "65537")], "refuse 403 close"),
            ([("Transfer-Encoding", "chunked")], "refuse 403 close"),
            ([("Content-Length", "5"), ("Expect", "100-continue")], "refuse 403 close"), ([], ""),
        ]
        for (fields, action) in cases {
            var machine = Self.machine()
            let head = Self.head(.POST, HTTPHeaders(fields))
            #expect(Self.begin(&machine, .refuse(HTTPResponse(.forbidden)), head, at: 1) == action, "\(fields)")
            guard action.isEmpty else { continue }
            #expect(machine.deadline == Self.time(31))
            #expect(Self.take(&machine, Self.body(5)) == "")
            #expect(Self.take(&machine, .part(.end(nil))) == "answer 403")
        }
    }

    @Test func `what follows a request that is distrusted is no request`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .refuseAndClose(HTTPResponse(.badRequest))) == "refuse 400 close")
        #expect(Self.wrote(&machine, isKeptAlive: false) == "linger")
        #expect(Self.take(&machine, .part(.head(Self.head()))) == "")
        #expect(Self.take(&machine, .failure(HTTPResponse(.badRequest))) == "")
        #expect(Self.take(&machine, .inputClosed) == "close after writes")
    }

    @Test func `the client is asked for a body that it holds back`() {
        var machine = Self.machine()
        let head = Self.head(.POST, ["Content-Length": "5", "Expect": "100-continue"])
        #expect(Self.begin(&machine, .accept(Self.intake()), head) == "continue")
    }

    @Test func `while somebody decides whether a request may come, nothing else is taken`() throws {
        var machine = Self.machine()
        let authorize: HTTPRouter.Authorization = { _ in preconditionFailure("a machine asks nobody") }
        #expect(Self.begin(&machine, .authorize(authorize, Self.intake())) == "ask")
        #expect(!machine.takesInput && !machine.readsOn && machine.deadline == .distantFuture)
        var other = machine
        let exchange = HTTPExchange(number: 1, isKeptAlive: true, isHead: false, isHTTP10: false)
        let head = HTTPHead(Self.head())
        #expect(Self.text(machine.permitted(nil, Self.intake(), of: head, exchange, now: Self.time(5))) == "")
        #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
        let refusal = HTTPResponse(.forbidden)
        #expect(Self.text(other.permitted(refusal, Self.intake(), of: head, exchange, now: Self.time(5))) == "")
        #expect(Self.take(&other, .part(.end(nil))) == "answer 403")
        #expect(Self.text(other.permitted(nil, Self.intake(), of: head, exchange, now: Self.time(6))) == "", "once")
    }

    @Test func `a body that is too long, too slow or in the way ends the connection`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake(limit: 8)), Self.head(.POST, ["Transfer-Encoding": "chunked"])) == "")
        #expect(Self.text(machine.timeOut(now: Self.time(31), unsent: 0)) == "refuse 408 close")
        #expect(Self.text(machine.shed()) == "refuse 503 close")
        #expect(Self.text(machine.close()) == "reset")
        #expect(Self.take(&machine, Self.body(9)) == "refuse 413 close")
    }

    @Test func `a body that comes slowly has ten times its time-out in all`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.POST, ["Content-Length": "500"])) == "")
        for second in stride(from: Int64(20), through: 280, by: 20) {
            #expect(Self.take(&machine, Self.body(1), at: second) == "count")
        }
        #expect(machine.deadline == Self.time(300))
    }

    // MARK: - The parser

    @Test func `a head of empty lines, and a body of empty chunks, are refused`() {
        var machine = Self.machine()
        machine.willParse(4000)
        #expect(Self.text(machine.refusalOfExcess()) == "")
        machine.willParse(1)
        #expect(machine.requestBytes == 0 && Self.text(machine.refusalOfExcess()) == "refuse 431 close")
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.POST, ["Transfer-Encoding": "chunked"])) == "")
        machine.willParse(65_536)
        #expect(Self.text(machine.refusalOfExcess()) == "")
        machine.willParse(9)
        #expect(Self.text(machine.refusalOfExcess()) == "refuse 400 close")
        #expect(Self.take(&machine, Self.body(1)) == "count")
        #expect(Self.text(machine.refusalOfExcess()) == "refuse 400 close")
        #expect(Self.take(&machine, Self.body(1)) == "count")
        #expect(Self.text(machine.refusalOfExcess()) == "")
    }

    @Test func `a parser that fails within a piece is explained at the end of the piece`() {
        var machine = Self.machine()
        let piece = ByteBuffer(string: "BREW / HTTP/1.1\r\n\r\n")
        machine.willParse(piece.readableBytes)
        #expect(machine.parserFailed(.invalidMethod)?.status == nil)
        #expect(machine.parsed(piece)?.status == .notImplemented)
        #expect(machine.parsed(piece)?.status == nil)
        #expect(machine.parserFailed(.invalidMethod)?.status == .badRequest)
        #expect(Self.take(&machine, .failure(HTTPResponse(.badRequest))) == "refuse 400 close")
    }

    // MARK: - Answers and ends

    @Test func `an answer that is not read holds back the next request, as long as its client takes something`() {
        var machine = Self.machine()
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET)) == "")
        #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
        #expect(Self.wrote(&machine, isWritable: false, at: 0) == "")
        #expect(machine.isDraining && !machine.takesInput && !machine.readsOn)
        #expect(Self.text(machine.timeOut(now: Self.time(60), unsent: 500)) == "")
        #expect(machine.deadline == Self.time(120))
        #expect(Self.text(machine.timeOut(now: Self.time(120), unsent: 499)) == "")
        #expect(Self.text(machine.timeOut(now: Self.time(180), unsent: 499)) == "reset")
        #expect(Self.text(machine.becameWritable(now: Self.time(200))) == "")
        #expect(machine.takesInput && machine.deadline == Self.time(260))
        machine.flushed(isWritable: false)
        #expect(machine.isDraining)
        #expect(Self.text(machine.drain()) == "")
        #expect(Self.text(machine.becameWritable(now: Self.time(201))) == "linger")
        machine.outputClosed(now: Self.time(202))
        #expect(machine.deadline == Self.time(204))
        #expect(Self.text(machine.timeOut(now: Self.time(204), unsent: 0)) == "close")
    }

    @Test func `whoever answers later hears once that the client has left`() throws {
        var machine = Self.machine()
        #expect(Self.text(machine.clientFinished()) == "")
        var early = machine
        for isEarly in [true, false] {
            var machine = isEarly ? early : Self.machine()
            #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET)) == "")
            #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
            let exchange = try #require(machine.answering(1))
            #expect(Self.text(machine.wait(for: exchange, abandoned: {})) == (isEarly ? "abandon" : ""))
            #expect(Self.text(machine.clientFinished()) == (isEarly ? "" : "abandon"))
            #expect(Self.text(machine.clientFinished()) == "")
            #expect(machine.answering(1)?.number == 1, "a client that has ended its direction still gets the answer")
        }
        #expect(Self.text(early.wait(for: .unrecognised, abandoned: nil)) == "")
    }

    @Test func `a connection above the limit is refused even when it asks for nothing`() {
        var machine = Self.machine(overload: HTTPResponse(.serviceUnavailable))
        #expect(Self.text(machine.timeOut(now: Self.time(10), unsent: 0)) == "refuse 503 close")
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET)) == "")
        #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
        #expect(machine.answering(1)?.isKeptAlive == false)
    }

    @Test func `a shutdown closes what is idle, and resets it when it has asked for nothing`() {
        var machine = Self.machine()
        #expect(Self.text(machine.drain()) == "reset")
        #expect(Self.begin(&machine, .accept(Self.intake()), Self.head(.GET)) == "")
        #expect(Self.take(&machine, .part(.end(nil))) == "call 1")
        #expect(Self.text(machine.drain()) == "", "it is answered first")
        #expect(Self.text(machine.timeOut(now: .distantFuture, unsent: 0)) == "")
        #expect(Self.wrote(&machine) == "")
        #expect(Self.text(machine.drain()) == "close")
    }

    @Test func `a channel that belongs to a stream is left alone`() {
        var machine = Self.machine()
        machine.handedOver()
        #expect(!machine.takesInput && !machine.readsOn)
        #expect(Self.take(&machine, .inputClosed) == "")
        #expect(Self.text(machine.timeOut(now: .distantFuture, unsent: 0)) == "")
        #expect(Self.text(machine.drain()) == "")
    }

    // MARK: - Random lives

    @Test func `whatever comes in whatever order, requests are answered once and in order, and every wait for a client ends`() {
        for seed in 0..<500 {
            let model = HTTPConnectionModel(seed: UInt64(seed))
            for _ in 0..<200 where !model.isClosed { model.step() }
            #expect(model.failures.isEmpty, "seed \(seed): \(model.failures.first ?? "")")
        }
    }
}

/// A client, a router and handlers that a few random numbers stand for.
private final class HTTPConnectionModel {
    private var generator: SeededGenerator
    private var machine = HTTPStateMachineTests.machine()
    private(set) var failures: [String] = []
    private(set) var isClosed = false
    private var answered: UInt64 = 0
    /// The answer that ends the connection is written.
    private var isLast = false
    private var called: UInt64?
    private var asked: (HTTPIntake, HTTPHead, HTTPExchange)?
    private var seconds: Int64 = 0

    init(seed: UInt64) {
        self.generator = SeededGenerator(seed: seed)
    }

    private var now: NIODeadline { HTTPStateMachineTests.time(self.seconds) }

    private func isChosen(_ share: Int) -> Bool { Int.random(in: 0..<share, using: &self.generator) == 0 }

    func step() {
        self.seconds += Int64.random(in: 0...3, using: &self.generator)
        if self.now >= self.machine.deadline {
            self.perform(self.machine.timeOut(now: self.now, unsent: Int.random(in: 0..<100, using: &self.generator)))
        }
        switch Int.random(in: 0..<20, using: &self.generator) {
        case 0..<10: if self.machine.takesInput { self.perform(self.machine.take(self.input(), now: self.now)) }
        case 10..<13: self.answerNow()
        case 13..<15: self.permit()
        case 15..<17: self.perform(self.machine.becameWritable(now: self.now))
        case 17:
            guard self.isChosen(10) else { break }
            // The answer that is not read yet becomes the last one.
            if self.machine.isDraining { self.isLast = true }
            self.perform(self.machine.drain())
        case 18: if self.isChosen(10) { self.perform(self.machine.shed()) }
        default: self.perform(self.machine.clientFinished())
        }
        self.check()
    }

    private func input() -> HTTPConnection.Input {
        switch Int.random(in: 0..<12, using: &self.generator) {
        case 0..<4: .part(.head(self.head()))
        case 4..<7: .part(.body(ByteBuffer(repeating: 0, count: Int.random(in: 1...300, using: &self.generator))))
        case 7..<11: .part(.end(nil))
        default: self.isChosen(4) ? (self.isChosen(2) ? .failure(HTTPResponse(.badRequest)) : .inputClosed) : .part(.end(nil))
        }
    }

    private func head() -> HTTPRequestHead {
        var fields = HTTPHeaders()
        if self.isChosen(2) { fields.add(name: "Content-Length", value: self.isChosen(5) ? "100000" : "100") }
        if self.isChosen(8) { fields.add(name: "Connection", value: "close") }
        if self.isChosen(8) { fields.add(name: "Expect", value: "100-continue") }
        return HTTPStateMachineTests.head(self.isChosen(2) ? .GET : .POST, fields)
    }

    private func perform(_ action: HTTPConnection.StateMachine.Action) {
        if self.isClosed { return }
        switch action {
        case .nothing, .sendContinue, .countBody, .abandon: break
        case .decide(let head, let exchange): self.decide(head, exchange)
        case .authorize(_, let intake, let head, let exchange): self.asked = (intake, head, exchange)
        case .call(_, let exchange):
            if exchange.number <= self.answered { self.fail("\(exchange.number) is called after its answer") }
            self.called = exchange.number
        case .answer(_, let exchange), .refuse(_, let exchange): self.write(exchange)
        case .linger: if !self.isLast { self.fail("it lingers before the last answer") }
        case .closeAfterWrites: self.isLast = true
        case .close: self.isClosed = true
        }
    }

    private func decide(_ head: HTTPHead, _ exchange: HTTPExchange) {
        if self.isLast { self.fail("\(exchange.number) is taken after the last answer") }
        if exchange.number != self.answered + 1 { self.fail("\(exchange.number) comes before the answer to the one before") }
        let intake = HTTPStateMachineTests.intake()
        let decision: HTTPDecision =
            switch Int.random(in: 0..<10, using: &self.generator) {
            case 0: .refuse(HTTPResponse(.notFound))
            case 1 where self.isChosen(3): .refuseAndClose(HTTPResponse(.badRequest))
            case 2..<4: .authorize({ _ in preconditionFailure("a machine asks nobody") }, intake)
            default: .accept(intake)
            }
        self.perform(self.machine.decided(decision, of: head, exchange, now: self.now))
    }

    private func permit() {
        guard let (intake, head, exchange) = self.asked else { return }
        self.asked = nil
        let refusal = self.isChosen(3) ? HTTPResponse(.forbidden) : nil
        self.perform(self.machine.permitted(refusal, intake, of: head, exchange, now: self.now))
    }

    private func answerNow() {
        guard let called, let exchange = self.machine.answering(called) else { return }
        self.write(exchange)
    }

    private func write(_ exchange: HTTPExchange) {
        if self.isLast { self.fail("an answer follows the last one") }
        if exchange.number > 0 {
            if exchange.number != self.answered + 1 { self.fail("\(exchange.number) is answered after \(self.answered)") }
            self.answered = exchange.number
        }
        if !exchange.isKeptAlive { self.isLast = true }
        let isWritable = !self.isChosen(4)
        self.perform(self.machine.wrote(isKeptAlive: exchange.isKeptAlive, isWritable: isWritable, now: self.now))
    }

    private func check() {
        guard !self.isClosed else { return }
        let waitsForClient =
            switch self.machine.state {
            case .idle, .body, .discarding, .draining, .lingering: true
            case .deciding, .answering, .handedOver: false
            }
        if waitsForClient != (self.machine.deadline < .distantFuture) {
            self.fail("\(self.machine.state) has the deadline \(self.machine.deadline)")
        }
        if self.machine.exchangeCount > self.answered + 1 { self.fail("more than one request is open") }
    }

    private func fail(_ text: String) {
        self.failures.append(text)
    }
}
