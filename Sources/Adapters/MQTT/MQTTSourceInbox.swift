import BridgeCore
import Mosquitto

/// The messages of one connection of a source, until the session reads them.
///
/// On the session's thread: the connection fills it from inside its own methods.
final class MQTTSourceInbox {
    /// Messages ready to be forwarded.
    private(set) var messages: [ReceivedMessage] = []
    /// The size of their packets in bytes.
    private(set) var messageBytes = 0
    /// How many of the received messages must be acknowledged, including ignored ones.
    private(set) var acknowledgements = 0
    /// Whether a message has arrived at QoS 0.
    private(set) var hasAtMostOnce = false
    /// Skipped messages.
    private(set) var omissions: [MQTTOmission] = []
    /// Makes messages; `nil` until the session has a plan.
    var reader: MQTTMessageReader?
    /// Answers to SUBSCRIBE: packet identifier and granted QoS or reason code.
    private var subscribeAnswers: [(identifier: Int32, code: Int32)] = []
    /// Answers to UNSUBSCRIBE: packet identifiers.
    private var unsubscribeAnswers: [Int32] = []
    /// An UNSUBSCRIBE, and the callback for its answer, which runs before later packets are read.
    var barrier: (identifier: Int32, answered: () -> Void)?
    /// How many messages of QoS 1 the broker may still redeliver, because it resumed a session.
    ///
    /// Brokers redeliver first (MQTT 5 §4.4), at most the messages that may be unacknowledged.
    var repeatsAhead = 0

    /// Records an event of the connection.
    func receive(_ event: MosquittoEvent) {
        switch event {
        case .message(let message): self.receive(message)
        case .omission(let omission):
            self.omissions.append(omission)
            if omission.identifier != nil { self.acknowledgements += 1 }
        case .subscribed(let packet, let code): self.subscribeAnswers.append((packet, code))
        case .unsubscribed(let packet):
            self.unsubscribeAnswers.append(packet)
            guard let barrier, barrier.identifier == packet else { return }
            self.barrier = nil
            barrier.answered()
        // The birth and will messages are sent once, whether or not they are acknowledged.
        case .published: break
        }
    }

    private func receive(_ message: MosquittoMessage) {
        var isRepeated = false
        if message.identifier == nil {
            self.hasAtMostOnce = true
        } else {
            self.acknowledgements += 1
            if self.repeatsAhead > 0 {
                self.repeatsAhead -= 1
                isRepeated = message.isDuplicate
            }
        }
        guard let received = self.reader?.read(message, isRepeated: isRepeated) else { return }
        self.messageBytes += message.size
        self.messages.append(received)
    }

    // MARK: Taking

    func takeOmissions() -> [MQTTOmission] {
        defer { self.omissions.removeAll() }
        return self.omissions
    }

    func takeMessages() -> [ReceivedMessage] {
        let capacity = self.messages.count
        defer {
            self.messages = []
            self.messageBytes = 0
            self.messages.reserveCapacity(capacity)
        }
        return self.messages
    }

    func takeAcknowledgements() -> Int {
        defer { self.acknowledgements = 0 }
        return self.acknowledgements
    }

    func takeSubscribed() -> [(identifier: Int32, code: Int32)] {
        defer { self.subscribeAnswers.removeAll() }
        return self.subscribeAnswers
    }

    func takeUnsubscribed() -> [Int32] {
        defer { self.unsubscribeAnswers.removeAll() }
        return self.unsubscribeAnswers
    }
}
