import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// One event loop's part of a webhook source: its requests that wait for their events to be safe.
///
/// Only ever touched on its loop.
final class WebhookIntake {
    private let eventLoop: any EventLoop
    private let gate: WebhookGate
    private let rules: WebhookRules
    private let timeout: TimeAmount
    private let metrics: WebhookMetrics
    private let parser = JSONParser()
    private var waiting = CircularBuffer<Request>()
    private var timer: Scheduled<Void>?
    /// Of the requests that waited for a decision.
    private var lastNumber: UInt64 = 0

    init(
        eventLoop: any EventLoop, gate: WebhookGate, rules: WebhookRules, timeout: Duration,
        metrics: WebhookMetrics
    ) {
        self.eventLoop = eventLoop
        self.gate = gate
        self.rules = rules
        self.timeout = TimeAmount(timeout)
        self.metrics = metrics
    }

    // MARK: - Requests

    /// Takes a whole request in.
    ///
    /// - Parameter status: what the path it came by answers.
    func take(_ request: HTTPRequest, id: String, status: HTTPResponseStatus, _ responder: HTTPResponder) {
        if let refusal = self.rules.refusal(ofBody: request.body, request) ?? WebhookMessage.refusal(request, self.parser) {
            self.refuse(responder, refusal)
            return
        }
        guard case .open(let outlet) = self.gate.phase else {
            self.refuse(responder, WebhookRules.closed)
            return
        }
        // Counted before the watermark is read, so that whoever moves it in between sees that somebody waits.
        self.gate.addWaiting(1)
        let message = WebhookMessage.make(request, id: id)
        guard !outlet.answersLater else {
            self.takeLater(message, outlet, status, responder)
            return
        }
        let (receipt, eventID) = outlet.send(message)
        if receipt.demand == .pause { self.gate.follow(outlet) }
        guard let eventID else {
            self.gate.addWaiting(-1)
            self.refuse(responder, WebhookRules.loop)
            return
        }
        let waiting = Request(
            position: receipt.position, responder: responder, eventID: eventID, status: status, deadline: .now() + self.timeout
        )
        if outlet.acknowledge == .received || (self.waiting.isEmpty && receipt.position <= outlet.safe) {
            self.accept(waiting)
        } else {
            self.waiting.append(waiting)
            self.release(through: outlet.safe)
            self.setTimer()
        }
    }

    /// Takes in what expressions decide on: the request waits for that too, and the loop serves others.
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
        var waiting = Request(
            position: receipt.position, responder: responder, eventID: nil, status: status, deadline: .now() + self.timeout)
        waiting.number = number
        self.waiting.append(waiting)
        self.setTimer()
    }

    /// The event of a request is in the log, or is refused as a loop.
    private func decided(_ number: UInt64, _ eventID: String?, _ outlet: SourceOutlet) {
        // Answers come in the order of the requests, so it is near the first; it is gone when its time was over.
        if let index = self.waiting.firstIndex(where: { $0.number == number }) {
            if let eventID {
                self.waiting[index].eventID = eventID
                if outlet.acknowledge == .received { self.accept(self.waiting.remove(at: index)) }
            } else {
                self.gate.addWaiting(-1)
                self.refuse(self.waiting.remove(at: index).responder, WebhookRules.loop)
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
            self.gate.addWaiting(-1)
            self.refuse(request.responder, WebhookRules.late)
        }
    }

    private func accept(_ request: Request) {
        self.gate.addWaiting(-1)
        self.metrics.answered(request.status)
        let id = request.eventID ?? ""
        request.responder.respond(.json(request.status, "{\"id\":\"\(id)\",\"messageId\":\"\(id)\",\"status\":\"queued\"}"))
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
            self.gate.addWaiting(-1)
            self.refuse(request.responder, WebhookRules.late)
        }
        self.setTimer()
    }

    private struct Request {
        let position: Position
        let responder: HTTPResponder
        /// `nil` until it is decided.
        var eventID: String?
        let status: HTTPResponseStatus
        let deadline: NIODeadline
        /// Tells it from the others that wait to be decided; 0 when it is.
        var number: UInt64 = 0
    }
}
