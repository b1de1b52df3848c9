package import BridgeCore
import Mosquitto
import PollThread

/// Tries a broker with a connection of its own: another client identifier, no session and no will.
///
/// Runs on its ``PollThread``, which ``run()`` blocks until the answers are here.
actor MQTTProbe {
    /// What has arrived.
    private final class Inbox {
        /// By packet identifier: the granted QoS or a reason code.
        var answers: [Int32: Int32] = [:]
    }

    nonisolated let unownedExecutor: UnownedSerialExecutor
    private let settings: MQTTConnectionSettings
    private let filters: [String]
    private let thread: PollThread
    private let limit: Duration
    private let inbox = Inbox()

    private init(_ settings: MQTTConnectionSettings, filters: [String], thread: PollThread, limit: Duration) {
        self.unownedExecutor = thread.asUnownedSerialExecutor()
        self.settings = settings
        self.filters = filters
        self.thread = thread
        self.limit = limit
    }

    /// Connects, subscribes to filters at QoS 0, and disconnects.
    ///
    /// - Throws: ``ComponentError`` with the broker's refusal; `CancellationError`.
    static func run(_ settings: MQTTConnectionSettings, filters: [String], _ context: ProbeContext) async throws {
        try await PollThread.run("mqtt-probe", for: settings.address) { thread in
            try await MQTTProbe(settings, filters: filters, thread: thread, limit: context.timeout).run()
        }
    }

    private func run() throws {
        // The identifier of the file belongs to the running program, whose connection another one would end.
        let clientID = "streambridge-check-\(String(UInt32.random(in: .min ... .max), radix: 16))"
        var options = self.settings.options(clientID: clientID, sessionExpiry: .zero)
        options.will = nil
        do {
            let connection = try MosquittoConnection.connect(
                options, thread: self.thread, isUnwanted: { Task.isCancelled },
                receive: { [inbox] event in
                    if case .subscribed(let packet, let code) = event { inbox.answers[packet] = code }
                }
            )
            defer { connection.close(publishesWill: false) }
            try self.subscribe(connection)
        } catch let error as MosquittoError {
            throw ComponentError.of(error, self.settings, clientID: clientID)
        }
    }

    private func subscribe(_ connection: MosquittoConnection) throws {
        // Retained messages are not sent (Retain Handling 2, MQTT 5 §3.8.3.1).
        let options: Int32 = self.settings.version == .five ? 0x20 : 0
        var waiting: [(packet: Int32, filter: String)] = []
        for filter in self.filters {
            waiting.append((try connection.subscribe(filter, qos: 0, options: options), filter))
        }
        let end = ContinuousClock.now + self.limit
        while !waiting.isEmpty {
            try Task.checkCancellation()
            _ = try connection.receive(atMost: 256)
            try connection.flush()
            for (packet, filter) in waiting {
                guard let code = self.inbox.answers[packet], code >= 0x80 else { continue }
                throw ComponentError(
                    .rejected,
                    "\(connection.peer) refuses the subscription to \(filter)\(self.reason(code)); let the user read it")
            }
            waiting.removeAll { self.inbox.answers[$0.packet] != nil }
            guard !waiting.isEmpty else { return }
            guard ContinuousClock.now < end else {
                throw ComponentError(.timedOut, "\(connection.peer) did not answer SUBSCRIBE in time")
            }
            try connection.ping(reads: true)
            _ = connection.wait(reads: true, until: end)
        }
    }

    /// The code of MQTT 5 in brackets; MQTT 3.1.1 has one for every reason (§3.9.3).
    private func reason(_ code: Int32) -> String {
        self.settings.version == .five ? " (\(ComponentError.text(code)))" : ""
    }
}

extension MQTTSource.Configuration: ProbingConfiguration {
    /// The broker.
    package var probedAddress: String { self.connection.address.description }

    /// Subscribes to each filter; without its shared group, which would take messages from the group's members.
    package func probe(_ context: ProbeContext) async throws -> String {
        let filters = self.subscriptions.map(\.filter.text)
        try await MQTTProbe.run(self.connection, filters: filters, context)
        let shown = filters.prefix(5).joined(separator: ", ") + (filters.count > 5 ? " and \(filters.count - 5) more" : "")
        return "grants the subscription to \(shown)"
    }
}

extension MQTTSink.Configuration: ProbingConfiguration {
    /// The broker.
    package var probedAddress: String { self.connection.address.description }

    /// Connects; only a message would show whether the user may publish.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await MQTTProbe.run(self.connection, filters: [], context)
        return "connected; nothing was published"
    }
}

extension HomeAssistantSink.Configuration: ProbingConfiguration {
    /// The broker.
    package var probedAddress: String { self.connection.address.description }

    /// Connects; only a message would show whether the user may publish.
    package func probe(_ context: ProbeContext) async throws -> String {
        try await MQTTProbe.run(self.connection, filters: [], context)
        return "connected; nothing was published"
    }
}
