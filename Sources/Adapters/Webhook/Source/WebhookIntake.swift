import BridgeCore
import HTTPServer
import JSON
import NIOCore
import NIOHTTP1

/// One event loop's part of a webhook source: its requests that wait for their events to be safe.
///
/// Only ever touched on its loop. Requests that arrive in one turn of the loop become one batch; a request with many
/// events is sent in several turns.
final class WebhookIntake {
    /// A batch that has so many messages or bytes of bodies is sent before the turn ends: a log that becomes full by it refuses the rest.
    private static let batch = (messages: 64, bytes: 256 << 10)

    /// How long the loop serves its sockets between two chunks of a request.
    private static let pause = TimeAmount.microseconds(100)

    private let eventLoop: any EventLoop
    private let gate: WebhookGate
    private let count: WebhookWaiting
    private let reader: WebhookReader
    private let timeout: TimeAmount
    private let metrics: WebhookMetrics
    /// What has arrived in this turn of the loop, in order.
    private var arrived = Batch()
    /// Requests with more events than one turn sends.
    private var chunks = WebhookChunks<WebhookPending>()
    private var waiting = CircularBuffer<WebhookPending>()
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
        self.reader = WebhookReader(configuration, rules: rules)
        self.timeout = TimeAmount(configuration.timeout)
        self.metrics = metrics
    }

    // MARK: - Requests

    /// Accepts a whole request.
    ///
    /// - Parameter status: the success status of its path.
    func take(_ request: HTTPRequest, id: String, status: HTTPResponseStatus, _ responder: HTTPResponder) {
        var waiting = WebhookPending(responder: responder, status: status, deadline: .now() + self.timeout)
        let messages: [ReceivedMessage]
        var opening = NormaliseSettings.Opening.nothing
        if case .open(let outlet) = self.gate.phase { opening = outlet.opening }
        switch self.reader.read(request, id: id, opening: opening) {
        case .answer(let answer):
            self.answer(responder, answer)
            return
        case .one(let message): messages = [message]
        case .several(let several):
            messages = several
            waiting.count = several.count
            waiting.isBatch = true
        }
        guard case .open(let outlet) = self.gate.phase else {
            self.answer(responder, WebhookRefusals.closed)
            return
        }
        guard !messages.isEmpty else {
            self.answer(responder, .queued(status, ids: []))
            return
        }
        // Counted before the watermark is read, so that a concurrent change of it sees a waiting request.
        self.count.add(1)
        if outlet.answersLater {
            self.addLater(messages, outlet, waiting)
        } else if WebhookChunks<WebhookPending>.divides(messages) {
            self.divide(messages, outlet, waiting)
        } else {
            self.add(messages, outlet, waiting)
        }
    }

    private func add(_ messages: [ReceivedMessage], _ outlet: SourceOutlet, _ request: WebhookPending) {
        self.arrived.messages += messages
        self.arrived.requests.append(request)
        self.arrived.bytes += messages.reduce(0) { $0 + $1.body.readableBytes }
        if self.arrived.messages.count >= Self.batch.messages || self.arrived.bytes >= Self.batch.bytes {
            self.sendArrived(to: outlet)
        } else if self.arrived.requests.count == 1 {
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
        var rest = ids[...]
        for var request in batch.requests {
            request.ids = Array(rest.prefix(request.count))
            rest = rest.dropFirst(request.count)
            request.position = receipt.position
            self.sent(request, outlet)
        }
        self.release(through: outlet.safe)
        self.setTimer()
    }

    // MARK: - Chunks

    /// Sends the first events of a request, and the others in later turns of the loop, which serves its sockets in between.
    ///
    /// Its events keep their order; those of other requests may come between them. A client that leaves changes
    /// nothing: its request was complete, and all of its events are sent.
    private func divide(_ messages: [ReceivedMessage], _ outlet: SourceOutlet, _ request: WebhookPending) {
        let isFirst = self.chunks.isEmpty
        guard self.chunks.add(messages, of: request) else {
            self.count.add(-1)
            self.answer(request.responder, WebhookRefusals.full)
            return
        }
        // Later ones wait for their turn.
        if isFirst { self.sendChunks(to: outlet) }
    }

    private func sendChunks(to outlet: SourceOutlet) {
        guard self.sendChunk(to: outlet) else { return }
        let intake = NIOLoopBound(self, eventLoop: self.eventLoop)
        // A loop runs all due tasks before it polls its sockets, so the next chunk must not be due yet.
        self.eventLoop.scheduleTask(in: Self.pause) { intake.value.sendChunks(to: outlet) }
    }

    /// Sends what has arrived in this turn, and one chunk.
    ///
    /// - Returns: whether more chunks wait.
    func sendChunk(to outlet: SourceOutlet) -> Bool {
        self.sendArrived(to: outlet)
        guard let chunk = self.chunks.next() else { return false }
        let (receipt, ids) = outlet.sendAll(chunk.messages)
        if receipt.demand == .pause { self.gate.follow(outlet) }
        guard chunk.isLast else {
            self.chunks.record(ids)
            return true
        }
        var request = chunk.request
        request.ids = chunk.ids + ids
        request.position = receipt.position
        // It waits for its acknowledgement from now on, behind all that were sent before.
        request.deadline = .now() + self.timeout
        self.sent(request, outlet)
        self.release(through: outlet.safe)
        self.setTimer()
        return !self.chunks.isEmpty
    }

    /// Answers a request whose events are sent, or waits until they are safe.
    private func sent(_ request: WebhookPending, _ outlet: SourceOutlet) {
        if request.isLoop {
            self.count.add(-1)
            self.answer(request.responder, WebhookRefusals.loop)
        } else if outlet.acknowledge == .received || (self.waiting.isEmpty && request.position <= outlet.safe) {
            self.accept(request)
        } else {
            self.waiting.append(request)
        }
    }

    // MARK: - Expressions

    /// Accepts events that expressions decide about: the request waits for them too, and the loop serves others.
    private func addLater(_ messages: [ReceivedMessage], _ outlet: SourceOutlet, _ request: WebhookPending) {
        self.lastNumber += 1
        let number = self.lastNumber
        let (intake, loop) = (NIOLoopBound(self, eventLoop: self.eventLoop), self.eventLoop)
        var waiting = request
        waiting.number = number
        for message in messages {
            let receipt = outlet.send(message) { eventID in
                loop.execute { intake.value.decided(number, eventID, outlet) }
            }
            if receipt.demand == .pause { self.gate.follow(outlet) }
            waiting.position = receipt.position
        }
        self.waiting.append(waiting)
        self.setTimer()
    }

    /// An event of a request is in the log, or is refused as a loop.
    private func decided(_ number: UInt64, _ eventID: String?, _ outlet: SourceOutlet) {
        // Answers arrive in the order of the requests, so it is near the first; after its time-out it is gone.
        if let index = self.waiting.firstIndex(where: { $0.number == number }) {
            self.waiting[index].ids.append(eventID)
            if self.waiting[index].isLoop {
                self.count.add(-1)
                self.answer(self.waiting.remove(at: index).responder, WebhookRefusals.loop)
            } else if self.waiting[index].isDecided, outlet.acknowledge == .received {
                self.accept(self.waiting.remove(at: index))
            }
        }
        self.release(through: outlet.safe)
    }

    /// Answers every request whose event is safe.
    func release(through safe: Position) {
        while let request = self.waiting.first, request.isDecided, request.position <= safe {
            self.waiting.removeFirst()
            self.accept(request)
        }
    }

    /// Answers every request that waits: it will not be known whether its event is safe.
    func giveUp() {
        while let request = self.waiting.popFirst() {
            self.count.add(-1)
            self.answer(request.responder, WebhookRefusals.late)
        }
    }

    private func accept(_ request: WebhookPending) {
        self.count.add(-1)
        self.metrics.answered(request.status)
        request.responder.respond(
            request.isBatch
                ? .queued(request.status, ids: request.ids) : .queued(request.status, id: (request.ids.first ?? nil) ?? ""))
    }

    private func answer(_ responder: HTTPResponder, _ response: HTTPResponse) {
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
            self.answer(request.responder, WebhookRefusals.late)
        }
        self.setTimer()
    }

    /// Requests whose events are sent together.
    private struct Batch {
        var messages: [ReceivedMessage] = []
        var requests: [WebhookPending] = []
        /// Of all bodies.
        var bytes = 0
    }
}
