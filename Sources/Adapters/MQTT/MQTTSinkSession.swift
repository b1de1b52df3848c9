import BridgeCore
import Logging
import Mosquitto
import PollThread

/// One connection of an MQTT sink: runs libmosquitto's loop, and performs the decisions of ``MQTTSinkStateMachine``.
///
/// Runs on its ``PollThread``, which its only method blocks until the connection ends. Each connection has a new
/// client, so the library never resends messages that the inlet offers again.
actor MQTTSinkSession {
    /// How many messages of QoS 0 are written before the inlet is polled again.
    private static let batchLimit = 256

    nonisolated let unownedExecutor: UnownedSerialExecutor
    let settings: MQTTConnectionSettings
    private let publications: [MQTTPublication]
    private let window: Int
    /// Whether any delivery is confirmed when its bytes are written.
    private let publishesAtMostOnce: Bool
    private let context: ComponentContext
    private let poison: PoisonMessageDetector
    private let takeovers: MQTTTakeoverDetector
    let inlet: SinkInlet
    private let thread: PollThread
    private let answerLimit: Duration
    let reader = EventReader()
    private let inbox: MQTTSinkInbox
    /// What else the session does; `nil` for a sink that only publishes.
    private let companion: HomeAssistantCompanion?
    private let clientID: String

    init(
        variants: [MQTTSink.Configuration], context: ComponentContext, poison: PoisonMessageDetector,
        takeovers: MQTTTakeoverDetector, inlet: SinkInlet, thread: PollThread, answerLimit: Duration,
        companion: HomeAssistantCompanion? = nil
    ) {
        self.companion = companion
        self.inbox = MQTTSinkInbox(companion)
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.settings = variants[0].connection
        self.clientID = variants[0].connection.clientID(for: context, direction: "sink")
        let omissions = MQTTSink.omissions(context)
        self.publications = variants.map { MQTTPublication($0, omissions: omissions) }
        self.window = variants.contains { $0.qos > 0 } ? variants[0].window : Self.batchLimit
        self.publishesAtMostOnce = variants.contains { $0.qos == 0 }
        self.context = context
        self.poison = poison
        self.takeovers = takeovers
        self.inlet = inlet
        self.thread = thread
        self.answerLimit = answerLimit
    }

    /// Returns when the inlet has ended and everything is confirmed.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or is lost; `CancellationError`.
    func run() throws {
        do {
            try self.runConnection()
        } catch {
            throw self.componentError(error)
        }
    }

    private func componentError(_ error: any Error) -> any Error {
        (error as? MosquittoError).map { ComponentError.of($0, self.settings, clientID: self.clientID) } ?? error
    }

    private func runConnection() throws {
        var options = self.settings.options(clientID: self.clientID, sessionExpiry: .zero)
        options.stallLimit = self.answerLimit
        // Without it, a message of the broker violates the protocol.
        if self.companion != nil { options.receiveMaximum = 100 }
        let connection = try MosquittoConnection.connect(
            options, thread: self.thread, isUnwanted: { false }, receive: { [inbox] event in inbox.receive(event) }
        )
        self.context.logger.notice("Connected", metadata: connection.metadata)
        try connection.announce(self.settings.birth)
        try self.companion?.connected(connection)
        self.inlet.connected()
        var machine = MQTTSinkStateMachine(
            window: self.window, receiveMaximum: connection.connack.receiveMaximum, answerLimit: self.answerLimit, now: .now
        )
        do {
            try self.step(connection, &machine)
        } catch {
            self.settle(connection, &machine)
            let loss = machine.lost()
            // Messages that were answered out of order are confirmed too, or they would be sent twice.
            for delivery in loss.confirmed { self.inlet.confirm(delivery) }
            let reason = self.blaming(self.componentError(error), loss, connection)
            // A poison message causes the same symptom and is reported as such.
            self.takeovers.ended(connection, isExplained: reason.isMessage, logger: self.context.logger)
            throw reason.error
        }
        connection.close(publishesWill: true)
    }

    /// The error, and whether a message was abandoned because the broker repeatedly closes the connection or does not
    /// answer after it.
    private func blaming(
        _ error: any Error, _ loss: MQTTSinkStateMachine.Loss, _ connection: MosquittoConnection
    ) -> (error: any Error, isMessage: Bool) {
        guard var lost = error as? ComponentError, [.connectionLost, .timedOut].contains(lost.code) else { return (error, false) }
        if let reason = connection.disconnectReason, ComponentError.isOfBrokerOnly(reason) { return (error, false) }
        let peer = connection.peer
        let isSilent = lost.code == .timedOut
        let suspect = loss.oldest.map { ($0.delivery, isSilent ? .now : $0.since) }
        guard self.poison.lost(suspect, of: loss.count), let oldest = loss.oldest else { return (lost, false) }
        lost.message =
            isSilent
            ? "\(peer) does not answer the message: \(lost.message)"
            : "\(peer) closes the connection on the message: \(lost.message)"
        self.inlet.refuse(oldest.delivery, lost.description)
        return (lost, true)
    }

    private func step(_ connection: MosquittoConnection, _ machine: inout MQTTSinkStateMachine) throws {
        // Packets that arrived with the CONNACK are here already.
        var mayHaveMore = true
        while true {
            try Task.checkCancellation()
            if mayHaveMore {
                // One part per round: a broker that never stops sending must not keep the sink from publishing or ending.
                mayHaveMore = try connection.receive(atMost: Self.batchLimit)
                self.settle(connection, &machine)
                connection.acknowledge(oldest: self.inbox.takeUnacknowledged())
            }
            try self.companion?.publishDue(connection)
            let window = self.poison.window(atMost: machine.limit)
            let tookAll = try self.take(machine.room(within: window), connection, &machine)
            try connection.flush()
            self.settle(connection, &machine)
            var end: ContinuousClock.Instant?
            switch machine.step(isFlushed: connection.isFlushed, now: .now) {
            case .wait(let until): end = until
            case .end: return
            case .endPostponed(let code):
                connection.close(publishesWill: false)
                throw ComponentError(.throttled, Self.refusal(code, peer: connection.peer))
            case .giveUp:
                throw ComponentError(
                    .timedOut, "\(connection.peer) did not acknowledge a message within \(self.answerLimit)"
                )
            }
            if let due = self.companion?.due { end = min(end ?? due, due) }
            try connection.ping(reads: true)
            if mayHaveMore { continue }
            // If there are more messages and room for them, only check for answers of the broker.
            if !tookAll, machine.room(within: window) > 0 { self.thread.wake() }
            mayHaveMore = connection.wait(reads: true, until: end).isReadable
        }
    }

    /// Takes up to this many deliveries from the inlet and queues them as messages.
    ///
    /// - Returns: whether the inlet is empty for now.
    private func take(_ count: Int, _ connection: MosquittoConnection, _ machine: inout MQTTSinkStateMachine) throws -> Bool {
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

    /// - Returns: the packet identifier; `nil` when the message is refused.
    private func publish(_ delivery: Delivery, _ connection: MosquittoConnection) throws -> Int32? {
        if let companion { return try self.publish(delivery, companion, connection) }
        let publication = self.publications[delivery.variant]
        do {
            let message = try publication.message(of: delivery.event, self.reader)
            return try connection.publish(
                message.payload, topic: message.topic, qos: publication.qos, retain: message.isRetained,
                properties: publication.properties(of: delivery, self.reader)
            )
        } catch let error as MosquittoError where [.tooLarge, .invalid, .retainUnsupported].contains(error.code) {
            self.inlet.refuse(delivery, error.message)
        } catch {
            guard let reason = MQTTPublication.refusal(error) else { throw error }
            self.inlet.refuse(delivery, reason)
        }
        return nil
    }

    /// Confirms what the broker has acknowledged, and at QoS 0 what is written.
    private func settle(_ connection: MosquittoConnection, _ machine: inout MQTTSinkStateMachine) {
        // At QoS 0 the library reports a message before the network has accepted its bytes.
        guard connection.isFlushed || !self.publishesAtMostOnce else { return }
        self.inbox.drain { packet, code in
            if code >= 0x80, !machine.isInFlight(packet) { self.companion?.refused(code: code) }
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
