import Mosquitto

/// The answers to a sink's messages on one connection, until the session reads them.
///
/// On the session's thread: the connection fills it from inside its own methods.
final class MQTTSinkInbox {
    private var answers: [(packet: Int32, reason: Int32)] = []
    private var unacknowledged = 0
    /// Receives everything but answers; `nil` for a sink without subscriptions.
    private let companion: HomeAssistantCompanion?

    init(_ companion: HomeAssistantCompanion? = nil) {
        self.companion = companion
    }

    /// How many received messages wait for an acknowledgement; they are then taken as acknowledged.
    func takeUnacknowledged() -> Int {
        defer { self.unacknowledged = 0 }
        return self.unacknowledged
    }

    /// Records an event of the connection.
    func receive(_ event: MosquittoEvent) {
        if let companion, companion.receive(event) { self.unacknowledged += 1 }
        // A broker may answer unrequested packets of a sink without subscriptions.
        guard case .published(let packet, let reason) = event else { return }
        self.answers.append((packet, reason))
    }

    /// Calls `body` for each answer to PUBLISH since the last call; of QoS 0 when the packet is written.
    func drain(_ body: (_ packet: Int32, _ reason: Int32) throws -> Void) rethrows {
        defer { self.answers.removeAll(keepingCapacity: true) }
        for (packet, reason) in self.answers { try body(packet, reason) }
    }
}
