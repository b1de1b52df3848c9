import Mosquitto

/// The answers to a sink's messages on one connection, until the session reads them.
///
/// On the session's thread: the connection fills it from inside its own methods.
final class MQTTSinkInbox {
    private var answers: [(packet: Int32, reason: Int32)] = []

    /// Records an event of the connection.
    func receive(_ event: MosquittoEvent) {
        // A broker may answer unrequested packets; a sink has no subscription.
        guard case .published(let packet, let reason) = event else { return }
        self.answers.append((packet, reason))
    }

    /// Calls `body` for each answer to PUBLISH since the last call; of QoS 0 when the packet is written.
    func drain(_ body: (_ packet: Int32, _ reason: Int32) throws -> Void) rethrows {
        defer { self.answers.removeAll(keepingCapacity: true) }
        for (packet, reason) in self.answers { try body(packet, reason) }
    }
}
