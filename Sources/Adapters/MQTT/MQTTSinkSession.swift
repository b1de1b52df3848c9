import BridgeCore
import CMosquitto
import Logging
import PollThread

/// One connection of an MQTT sink: it turns libmosquitto's loop, and does what ``MQTTSinkStateMachine`` decides.
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
    private let answerLimit: Duration
    private let reader = EventReader()

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
        var machine = MQTTSinkStateMachine(
            window: self.window, receiveMaximum: connection.connack.receiveMaximum, answerLimit: self.answerLimit, now: .now
        )
        do {
            try self.turn(connection, &machine)
        } catch {
            self.settle(connection, &machine)
            let loss = machine.lost()
            // What was answered out of order is confirmed too, or it would be sent twice.
            for delivery in loss.confirmed { self.inlet.confirm(delivery) }
            throw self.blaming(error, loss, connection)
        }
        connection.close(announcing: self.settings.will)
    }

    /// The error; the message is given up when it is one on which the broker closes the connection, or says nothing, again and again.
    private func blaming(_ error: any Error, _ loss: MQTTSinkStateMachine.Loss, _ connection: MQTTConnection) -> any Error {
        guard var lost = error as? ComponentError, [.connectionLost, .timedOut].contains(lost.code) else { return error }
        if let reason = connection.events.ending, ComponentError.isOfBrokerOnly(reason) { return error }
        let peer = connection.peer
        let isSilent = lost.code == .timedOut
        let suspect = loss.oldest.map { ($0.delivery, isSilent ? .now : $0.since) }
        guard self.poison.lost(suspect, of: loss.count), let oldest = loss.oldest else { return lost }
        lost.message =
            isSilent
            ? "\(peer) does not answer the message: \(lost.message)"
            : "\(peer) closes the connection on the message: \(lost.message)"
        self.inlet.refuse(oldest.delivery, lost.description)
        return lost
    }

    private func turn(_ connection: MQTTConnection, _ machine: inout MQTTSinkStateMachine) throws {
        // What came with the CONNACK is here already.
        while try connection.read(atMost: Self.turn) {}
        while true {
            try Task.checkCancellation()
            let window = self.poison.window(atMost: machine.limit)
            let tookAll = try self.take(machine.room(within: window), connection, &machine)
            try connection.write()
            self.settle(connection, &machine)
            let end: ContinuousClock.Instant?
            switch machine.step(isFlushed: connection.isFlushed, now: .now) {
            case .wait(let until): end = until
            case .end: return
            case .endPostponed(let code):
                connection.close(announcing: nil)
                throw ComponentError(.throttled, Self.refusal(code, peer: connection.peer))
            case .giveUp:
                throw ComponentError(
                    .timedOut, "\(connection.peer) did not acknowledge a message within \(self.answerLimit)"
                )
            }
            try connection.keepAliveTick(reads: true)
            // With more to take and room for it, only look whether the broker has said something.
            if !tookAll, machine.room(within: window) > 0 { self.thread.wake() }
            let ready = connection.wait(reads: true, until: end)
            guard ready.isReadable else { continue }
            while try connection.read(atMost: Self.turn) {}
            self.settle(connection, &machine)
        }
    }

    /// Takes up to so many messages from the inlet and queues them.
    ///
    /// - Returns: whether the inlet has no more for now.
    private func take(_ count: Int, _ connection: MQTTConnection, _ machine: inout MQTTSinkStateMachine) throws -> Bool {
        guard count > 0 else { return true }
        switch self.inlet.poll(atMost: count) {
        case .batch(let deliveries):
            self.reader.begin(deliveries)
            defer { self.reader.endBatch() }
            for delivery in deliveries {
                guard let packet = try self.publish(delivery, connection) else { continue }
                machine.published(delivery, as: packet, now: .now)
            }
            return false
        case .empty: return true
        case .ended:
            machine.inletEnded()
            return true
        }
    }

    /// - Returns: the packet identifier; `nil` when the message is given up.
    private func publish(_ delivery: Delivery, _ connection: MQTTConnection) throws -> Int32? {
        let publication = self.publications[delivery.variant]
        do {
            let message = try publication.message(of: delivery.event, self.reader)
            return try connection.publisher.publish(
                message.payload, topic: message.topic, qos: publication.qos, retain: message.isRetained,
                properties: publication.properties(of: delivery, self.reader)
            )
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
        return nil
    }

    /// Confirms what the broker has acknowledged, and of QoS 0 what is written.
    private func settle(_ connection: MQTTConnection, _ machine: inout MQTTSinkStateMachine) {
        // At QoS 0 the library answers before the network has taken the bytes.
        guard connection.isFlushed || !self.publishesAtMostOnce else { return }
        connection.events.drainPublished { packet, code in
            switch machine.answered(packet, code: code, now: .now) {
            case .final(let delivery): self.inlet.refuse(delivery, Self.refusal(code, peer: connection.peer))
            case .passing(let delivery): self.inlet.postpone(delivery, Self.refusal(code, peer: connection.peer))
            case nil: break
            }
        }
        guard let (last, count) = machine.settle(now: .now) else { return }
        self.inlet.confirm(through: last)
        self.poison.settled(count)
    }

    private static func refusal(_ code: Int32, peer: String) -> String {
        "\(peer) refused the message (\(ComponentError.text(code)))"
    }
}
