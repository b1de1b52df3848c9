import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// One event loop's part of a webhook source: its requests that wait for their events to be safe.
///
/// Only ever touched on its loop. Requests that arrive in one turn of the loop become one batch.
final class WebhookIntake {
    /// A batch that has so many messages or bytes of bodies is sent before the turn ends: a log that becomes full by it refuses the rest.
    private static let batch = (messages: 64, bytes: 256 << 10)

    private let eventLoop: any EventLoop
    private let gate: WebhookGate
    private let count: WebhookWaiting
    private let rules: WebhookRefusals
    private let timeout: TimeAmount
    /// Header fields that identify a message, beside ``WebhookKey/field``.
    private let idFields: [String]
    private let tokenQuery: String?
    private let maxBody: Int
    private let metrics: WebhookMetrics
    private let parser = JSONParser()
    private var attributes: WebhookAttributes
    /// What has arrived in this turn of the loop, in order.
    private var arrived = Batch()
    private var waiting = CircularBuffer<Request>()
    private var timer: Scheduled<Void>?
    /// The number of the last request that waited for an evaluation.
    private var lastNumber: UInt64 = 0

    /// - Parameters:
    ///   - count: where other threads see how many requests wait.
    ///   - configuration: how long a request may wait, and how it is read.
    init(
        eventLoop: any EventLoop, gate: WebhookGate, count: WebhookWaiting, rules: WebhookRefusals,
        configuration: WebhookSourceConfiguration, metrics: WebhookMetrics
    ) {
        self.eventLoop = eventLoop
        self.gate = gate
        self.count = count
        self.rules = rules
        self.timeout = TimeAmount(configuration.timeout)
        self.tokenQuery = configuration.tokenQuery
        self.maxBody = configuration.maxBody
        self.idFields = configuration.signature?.scheme.idFields ?? []
        self.attributes = WebhookAttributes(secretField: configuration.tokenHeader)
        self.metrics = metrics
    }

    // MARK: - Requests

    /// Accepts a whole request.
    ///
    /// - Parameter status: the success status of its path.
    func take(_ request: HTTPRequest, id: String, status: HTTPResponseStatus, _ responder: HTTPResponder) {
        var request = request
        // The signature is that of the bytes that are sent; nothing is decoded for senders without one.
        if let refusal = self.rules.refusal(ofSignature: request) ?? self.refusal(ofBody: &request) {
            self.refuse(responder, refusal)
            return
        }
        guard case .open(let outlet) = self.gate.phase else {
            self.refuse(responder, WebhookRefusals.closed)
            return
        }
        // Counted before the watermark is read, so that a concurrent change of it sees a waiting request.
        self.count.add(1)
        let message = WebhookMessage.make(
            request, id: id, self.attributes.make(of: request.headers), idFields: self.idFields, tokenQuery: self.tokenQuery)
        if outlet.answersLater {
            self.takeLater(message, outlet, status, responder)
        } else {
            self.add(message, outlet, Request(responder: responder, status: status, deadline: .now() + self.timeout))
        }
    }

    /// Decodes the body, and checks that it is what its type says.
    private func refusal(ofBody request: inout HTTPRequest) -> HTTPResponse? {
        guard request.method != .GET else { return nil }
        return WebhookCoding.decode(&request, limit: self.maxBody) ?? WebhookMessage.refusal(request, self.parser)
    }

    private func add(_ message: ReceivedMessage, _ outlet: SourceOutlet, _ request: Request) {
        self.arrived.messages.append(message)
        self.arrived.requests.append(request)
        self.arrived.bytes += message.body.readableBytes
        if self.arrived.messages.count >= Self.batch.messages || self.arrived.bytes >= Self.batch.bytes {
            self.sendArrived(to: outlet)
        } else if self.arrived.messages.count == 1 {
            let intake = NIOLoopBound(self, eventLoop: self.eventLoop)
            // Behind the sockets that are ready in this turn.
            self.eventLoop.execute { intake.value.sendArrived(to: outlet) }
        }
    }

    /// Sends what has arrived as one batch, and answers what is safe at once.
    func sendArrived(to outlet: SourceOutlet) {
        guard !self.arrived.messages.isEmpty else { return }
        let batch = self.arrived
        self.arrived = Batch()
        let (receipt, ids) = outlet.sendAll(batch.messages)
        if receipt.demand == .pause { self.gate.follow(outlet) }
        let isSafe =
            outlet.acknowledge == .received || (self.waiting.isEmpty && receipt.position <= outlet.safe)
        for (var request, id) in zip(batch.requests, ids) {
            guard let id else {
                self.count.add(-1)
                self.refuse(request.responder, WebhookRefusals.loop)
                continue
            }
            request.eventID = id
            request.position = receipt.position
            if isSafe { self.accept(request) } else { self.waiting.append(request) }
        }
        self.release(through: outlet.safe)
        self.setTimer()
    }

    /// Accepts an event that expressions decide about: the request waits for them too, and the loop serves others.
    private func takeLater(
        _ message: ReceivedMessage, _ outlet: SourceOutlet, _ status: HTTPResponseStatus, _ responder: HTTPResponder
    ) {
        self.lastNumber += 1
        let number = self.lastNumber
        let (intake, loop) = (NIOLoopBound(self, eventLoop: self.eventLoop), self.eventLoop)
        let receipt = outlet.send(message) { eventID in
            loop.execute { intake.value.decided(number, eventID, outlet) }
        }
        if receipt.demand == .pause { self.gate.follow(outlet) }
        var waiting = Request(responder: responder, status: status, deadline: .now() + self.timeout)
        waiting.position = receipt.position
        waiting.number = number
        self.waiting.append(waiting)
        self.setTimer()
    }

    /// The event of a request is in the log, or is refused as a loop.
    private func decided(_ number: UInt64, _ eventID: String?, _ outlet: SourceOutlet) {
        // Answers arrive in the order of the requests, so it is near the first; after its time-out it is gone.
        if let index = self.waiting.firstIndex(where: { $0.number == number }) {
            if let eventID {
                self.waiting[index].eventID = eventID
                if outlet.acknowledge == .received { self.accept(self.waiting.remove(at: index)) }
            } else {
                self.count.add(-1)
                self.refuse(self.waiting.remove(at: index).responder, WebhookRefusals.loop)
            }
        }
        self.release(through: outlet.safe)
    }

    /// Answers every request whose event is safe.
    func release(through safe: Position) {
        while let request = self.waiting.first, request.eventID != nil, request.position <= safe {
            self.waiting.removeFirst()
            self.accept(request)
        }
    }

    /// Answers every request that waits: it will not be known whether its event is safe.
    func giveUp() {
        while let request = self.waiting.popFirst() {
            self.count.add(-1)
            self.refuse(request.responder, WebhookRefusals.late)
        }
    }

    private func accept(_ request: Request) {
        self.count.add(-1)
        self.metrics.answered(request.status)
        request.responder.respond(.queued(request.status, id: request.eventID ?? ""))
    }

    private func refuse(_ responder: HTTPResponder, _ response: HTTPResponse) {
        self.metrics.answered(response.status)
        responder.respond(response)
    }

    // MARK: - Time

    private func setTimer() {
        guard self.timer == nil, let first = self.waiting.first else { return }
        let intake = NIOLoopBound(self, eventLoop: self.eventLoop)
        self.timer = self.eventLoop.scheduleTask(deadline: first.deadline) { intake.value.expire() }
    }

    private func expire() {
        self.timer = nil
        let now = NIODeadline.now()
        while let request = self.waiting.first, request.deadline <= now {
            self.waiting.removeFirst()
            self.count.add(-1)
            self.refuse(request.responder, WebhookRefusals.late)
        }
        self.setTimer()
    }

    private struct Request {
        let responder: HTTPResponder
        let status: HTTPResponseStatus
        let deadline: NIODeadline
        /// Where its event is safe.
        var position = Position.start
        /// `nil` until it is evaluated.
        var eventID: String?
        /// Distinguishes it from other requests that wait for an evaluation; 0 once it is evaluated.
        var number: UInt64 = 0
    }

    /// Requests whose events are sent together.
    private struct Batch {
        var messages: [ReceivedMessage] = []
        var requests: [Request] = []
        /// Of all bodies.
        var bytes = 0
    }
}
