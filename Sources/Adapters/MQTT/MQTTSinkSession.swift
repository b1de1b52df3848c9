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
    private let context: ComponentContext
    private let poison: PoisonMessageDetector
    private let inlet: SinkInlet
    private let thread: PollThread
    private let reader = EventReader()
    private var underWay: [UnderWay] = []

    /// A delivery that the library has taken.
    private struct UnderWay {
        let delivery: Delivery
        let packet: Int32
        let since = ContinuousClock.now
        var isDone = false
    }

    init(
        variants: [MQTTSink.Configuration], context: ComponentContext, poison: PoisonMessageDetector, inlet: SinkInlet,
        thread: PollThread
    ) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.settings = variants[0].connection
        let omissions = OmissionReport(
            context, counter: "mqtt_properties_failed", help: "Properties that were left out because their templates failed.",
            message: "Property left out because its template failed"
        )
        self.publications = variants.map { MQTTPublication($0, omissions: omissions) }
        self.window = variants.contains { $0.qos > 0 } ? variants[0].window : Self.turn
        self.context = context
        self.poison = poison
        self.inlet = inlet
        self.thread = thread
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

    /// The error; the message is given up when it is one that the broker closes the connection on again and again.
    private func blaming(_ error: any Error, _ connection: MQTTConnection) -> any Error {
        guard var lost = error as? ComponentError, lost.code == .connectionLost else { return error }
        let open = self.underWay.filter { !$0.isDone }
        guard self.poison.lost(open.first.map { ($0.delivery, $0.since) }, of: open.count), let first = open.first else {
            return lost
        }
        lost.message = "\(connection.peer) closes the connection on the message: \(lost.message)"
        self.inlet.refuse(first.delivery, lost.description)
        return lost
    }

    private func turn(_ connection: MQTTConnection) throws {
        let limit = min(self.window, connection.connack.receiveMaximum)
        var hasEnded = false
        while true {
            try Task.checkCancellation()
            let window = self.poison.window(atMost: limit)
            var tookAll = true
            if !hasEnded, self.underWay.count < window {
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
            try connection.write(corked: true)
            self.settle(connection)
            if hasEnded, self.underWay.isEmpty { return }
            try connection.keepAliveTick()
            // With more to take and room for it, only look whether the broker has said something.
            if !tookAll, self.underWay.count < window { self.thread.wake() }
            let ready = connection.wait(reads: true, writes: true)
            guard ready.isReadable else { continue }
            while try connection.read(atMost: Self.turn) {}
            self.settle(connection)
        }
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
                throw ComponentError.failed(error, complaint: nil, peer: connection.peer)
            }
        } catch let refusal as MQTTTopicTemplate.Refusal {
            self.inlet.refuse(delivery, refusal.reason)
        } catch let error as ExpressionError {
            self.inlet.refuse(delivery, "a template of the sink does not work for this event: \(error)")
        }
    }

    /// Confirms what the broker has acknowledged, and of QoS 0 what is written.
    private func settle(_ connection: MQTTConnection) {
        // Answers come in order (MQTT 5 §4.6), so the search goes on where the last one was found.
        var next = 0
        connection.events.drainPublished { packet, reason in
            let range = (next..<self.underWay.count)
            // An answer that belongs to no delivery is that of a birth message.
            guard
                let index = range.first(where: { self.underWay[$0].packet == packet && !self.underWay[$0].isDone })
                    ?? (0..<next).first(where: { self.underWay[$0].packet == packet && !self.underWay[$0].isDone })
            else { return }
            self.underWay[index].isDone = true
            next = index + 1
            if reason >= 0x80 {
                self.inlet.refuse(
                    self.underWay[index].delivery, "\(connection.peer) refused the message (\(ComponentError.text(reason)))"
                )
            }
        }
        let done = self.underWay.prefix { $0.isDone }.count
        guard done > 0 else { return }
        self.inlet.confirm(through: self.underWay[done - 1].delivery)
        self.underWay.removeFirst(done)
        self.poison.settled(done)
    }
}
