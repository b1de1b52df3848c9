import BridgeCore
import CMosquitto
import Logging
import PollThread

/// One connection of an MQTT sink: it turns libmosquitto's loop and confirms what the broker has taken.
///
/// On its ``PollThread``, which its only method blocks until the connection ends. The client is made anew for each connection, so
/// the library never repeats by itself what the inlet offers again.
actor MQTTSinkSession {
    /// How many messages of QoS 0 are written before the inlet is asked again.
    private static let turn = 256

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let settings: MQTTConnectionSettings
    private let publications: [MQTTPublication]
    private let window: Int
    /// Whether any delivery is confirmed when its bytes are written.
    private let publishesAtMostOnce: Bool
    private let context: ComponentContext
    private let poison: PoisonMessageDetector
    private let inlet: SinkInlet
    private let thread: PollThread
    /// How long the broker may leave the oldest message unanswered, while it answers no other one either.
    private let answerLimit: Duration
    /// When the broker has answered a message last.
    private var lastAnswer = ContinuousClock.now
    private let reader = EventReader()
    private var underWay: [UnderWay] = []
    /// Why the broker has refused a message for now, and until when the answers to the others are awaited.
    private var postponement: (reason: String, until: ContinuousClock.Instant)?

    /// A delivery that the library has taken.
    private struct UnderWay {
        let delivery: Delivery
        let packet: Int32
        let since = ContinuousClock.now
        var isDone = false
        /// The broker has refused it for now.
        var isPostponed = false

        /// The broker has not answered.
        var isOpen: Bool { !self.isDone && !self.isPostponed }
    }

    /// Refusals that say nothing about the message, so the same message may be taken later (MQTT 5 §3.4.2.1).
    ///
    /// An error that the broker does not name, or one of its own making, an identifier in use, a quota that is used up. Not authorised (0x87) is
    /// none of them: it is what the broker's rules say of that topic.
    private static let passing: Set<Int32> = [0x80, 0x83, 0x91, 0x97]
    /// How long the other messages' answers are awaited once one is to be tried again.
    private static let patience = Duration.seconds(5)

    init(
        variants: [MQTTSink.Configuration], context: ComponentContext, poison: PoisonMessageDetector, inlet: SinkInlet,
        thread: PollThread, answerLimit: Duration
    ) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.settings = variants[0].connection
        let omissions = OmissionReport(
            context, counter: "mqtt_properties_failed", help: "Properties that were left out because their templates failed.",
            message: "Property left out because its template failed"
        )
        self.publications = variants.map { MQTTPublication($0, omissions: omissions) }
        self.window = variants.contains { $0.qos > 0 } ? variants[0].window : Self.turn
        self.publishesAtMostOnce = variants.contains { $0.qos == 0 }
        self.context = context
        self.poison = poison
        self.inlet = inlet
        self.thread = thread
        self.answerLimit = answerLimit
    }

    /// Returns when the inlet has ended and everything is confirmed; throws when the connection is lost.
    func run() throws {
        let plan = MQTTConnection.Plan(
            clientID: self.settings.clientID(for: self.context, direction: "sink"), sessionExpiry: .zero,
            keepAlive: self.settings.keepAlive
        )
        let connection = try MQTTConnection.open(
            self.settings, plan: plan, events: { MosquittoEvents() }, thread: self.thread, isUnwanted: { false }
        )
        self.context.logger.notice("Connected", metadata: ["peer": "\(connection.peer)", "client_id": "\(plan.clientID)"])
        try connection.announce(self.settings.birth)
        self.inlet.connected()
        do {
            try self.turn(connection)
        } catch {
            // What was answered out of order is confirmed too, or it would be sent twice.
            self.settle(connection)
            for entry in self.underWay where entry.isDone { self.inlet.confirm(entry.delivery) }
            throw self.blaming(error, connection)
        }
        connection.close(announcing: self.settings.will)
    }

    /// The error; the message is given up when it is one on which the broker closes the connection, or says nothing, again and again.
    private func blaming(_ error: any Error, _ connection: MQTTConnection) -> any Error {
        guard var lost = error as? ComponentError, [.connectionLost, .timedOut].contains(lost.code) else { return error }
        let isSilent = lost.code == .timedOut
        let open = self.underWay.filter(\.isOpen)
        let suspect = open.first.map { ($0.delivery, isSilent ? .now : $0.since) }
        guard self.poison.lost(suspect, of: open.count), let first = open.first else { return lost }
        lost.message =
            isSilent
            ? "\(connection.peer) does not answer the message: \(lost.message)"
            : "\(connection.peer) closes the connection on the message: \(lost.message)"
        self.inlet.refuse(first.delivery, lost.description)
        return lost
    }

    private func turn(_ connection: MQTTConnection) throws {
        let limit = min(self.window, connection.connack.receiveMaximum)
        var hasEnded = false
        // What came with the CONNACK is here already.
        while try connection.read(atMost: Self.turn) {}
        while true {
            try Task.checkCancellation()
            let window = self.poison.window(atMost: limit)
            var tookAll = true
            if !hasEnded, self.postponement == nil, self.underWay.count < window {
                switch self.inlet.poll(atMost: window - self.underWay.count) {
                case .batch(let deliveries):
                    tookAll = false
                    self.reader.begin(deliveries)
                    defer { self.reader.endBatch() }
                    for delivery in deliveries { try self.publish(delivery, connection) }
                case .empty: break
                case .ended: hasEnded = true
                }
            }
            try connection.write()
            self.settle(connection)
            if hasEnded, self.underWay.isEmpty { return }
            try self.endPostponed(connection)
            try self.checkAnswers(connection)
            try connection.keepAliveTick(reads: true)
            // With more to take and room for it, only look whether the broker has said something.
            if !tookAll, self.underWay.count < window { self.thread.wake() }
            let ready = connection.wait(reads: true, until: self.postponement?.until ?? self.answerDeadline)
            guard ready.isReadable else { continue }
            while try connection.read(atMost: Self.turn) {}
            self.settle(connection)
        }
    }

    /// Ends the connection in order once the others are answered, so that the back-off begins and none of them is sent twice.
    private func endPostponed(_ connection: MQTTConnection) throws {
        guard let (reason, end) = self.postponement else { return }
        guard ContinuousClock.now >= end || !self.underWay.contains(where: \.isOpen) else { return }
        connection.close(announcing: nil)
        throw ComponentError(.throttled, reason)
    }

    /// Until when the broker must have answered one of the messages; `nil` while it owes no answer.
    private var answerDeadline: ContinuousClock.Instant? {
        guard let oldest = self.underWay.first(where: \.isOpen) else { return nil }
        return max(oldest.since, self.lastAnswer) + self.answerLimit
    }

    /// Ends a connection whose broker answers pings and no messages.
    private func checkAnswers(_ connection: MQTTConnection) throws {
        // What the network has not taken yet, the keep-alive watches.
        guard connection.isFlushed, self.postponement == nil, let deadline = self.answerDeadline, .now >= deadline else { return }
        throw ComponentError(.timedOut, "\(connection.peer) did not acknowledge a message within \(self.answerLimit)")
    }

    private func publish(_ delivery: Delivery, _ connection: MQTTConnection) throws {
        let publication = self.publications[delivery.variant]
        do {
            let message = try publication.message(of: delivery.event, self.reader)
            let packet = try connection.publisher.publish(
                message.payload, topic: message.topic, qos: publication.qos, retain: message.isRetained,
                properties: publication.properties(of: delivery, self.reader)
            )
            self.underWay.append(UnderWay(delivery: delivery, packet: packet))
        } catch let error as MosquittoError {
            switch error.code {
            case MOSQ_ERR_OVERSIZE_PACKET, MOSQ_ERR_PAYLOAD_SIZE:
                self.inlet.refuse(delivery, "the message is larger than \(connection.peer) takes")
            case MOSQ_ERR_INVAL, MOSQ_ERR_MALFORMED_UTF8:
                self.inlet.refuse(delivery, "the topic or a property is not what MQTT allows (\(error))")
            case MOSQ_ERR_RETAIN_NOT_SUPPORTED:
                self.inlet.refuse(delivery, "\(connection.peer) keeps no retained messages")
            case MOSQ_ERR_QOS_NOT_SUPPORTED:
                throw ComponentError(.rejected, "\(connection.peer) takes qos 0 only; write qos: 0", retryAfter: .seconds(30))
            default:
                throw ComponentError.failed(error, peer: connection.peer)
            }
        } catch let refusal as MQTTTopicTemplate.Refusal {
            self.inlet.refuse(delivery, refusal.reason)
        } catch let error as ExpressionError {
            self.inlet.refuse(delivery, "a template of the sink does not work for this event: \(error)")
        }
    }

    /// Confirms what the broker has acknowledged, and of QoS 0 what is written.
    private func settle(_ connection: MQTTConnection) {
        // At QoS 0 the library answers before the network has taken the bytes.
        guard connection.isFlushed || !self.publishesAtMostOnce else { return }
        // Answers come in order (MQTT 5 §4.6), so the search goes on where the last one was found.
        var next = 0
        connection.events.drainPublished { packet, reason in
            let range = (next..<self.underWay.count)
            // An answer that belongs to no delivery is that of a birth message.
            guard
                let index = range.first(where: { self.underWay[$0].packet == packet && self.underWay[$0].isOpen })
                    ?? (0..<next).first(where: { self.underWay[$0].packet == packet && self.underWay[$0].isOpen })
            else { return }
            next = index + 1
            guard reason >= 0x80 else {
                self.underWay[index].isDone = true
                return
            }
            let text = "\(connection.peer) refused the message (\(ComponentError.text(reason)))"
            if Self.passing.contains(reason) {
                self.underWay[index].isPostponed = true
                self.inlet.postpone(self.underWay[index].delivery, text)
                self.postponement = self.postponement ?? (text, .now + Self.patience)
            } else {
                self.underWay[index].isDone = true
                self.inlet.refuse(self.underWay[index].delivery, text)
            }
        }
        if next > 0 { self.lastAnswer = .now }
        let done = self.underWay.prefix { $0.isDone }.count
        guard done > 0 else { return }
        self.inlet.confirm(through: self.underWay[done - 1].delivery)
        self.underWay.removeFirst(done)
        self.poison.settled(done)
    }
}
