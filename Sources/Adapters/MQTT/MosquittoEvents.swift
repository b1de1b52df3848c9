import BridgeCore
import CMosquitto
import Glibc
import NIOCore

/// What libmosquitto has told since the owner last looked.
///
/// On the thread that turns the client's loop, like the client; the callbacks write here and nowhere else.
final class MosquittoEvents {
    /// What the broker answered to CONNECT.
    struct Connack {
        /// As the version in use counts them: MQTT 5 §3.2.2.2 or MQTT 3.1.1 §3.2.2.3.
        let reason: Int32
        let isSessionPresent: Bool
        /// MQTT 5 §3.2.2.3.3; 65535 when the broker names none.
        let receiveMaximum: Int
        /// MQTT 5 §3.2.2.3.14, in seconds.
        let serverKeepAlive: Int?
        /// MQTT 5 §3.2.2.3.12.
        let takesSubscriptionIdentifiers: Bool
    }

    /// Every callback but the log's.
    private(set) var count = 0
    private(set) var connack: Connack?
    /// Why the connection has ended: a reason code of MQTT 5 when the broker said one, else a code of the library.
    private(set) var ending: Int32?
    /// Answers to SUBSCRIBE: packet identifier and granted QoS or reason code.
    private var subscribeAnswers: [(identifier: Int32, code: Int32)] = []
    /// Answers to PUBLISH: packet identifier and reason code; of QoS 0 when it has been written.
    private var publishAnswers: [(identifier: Int32, reason: Int32)] = []
    /// Messages as they are handed on.
    private(set) var messages: [ReceivedMessage] = []
    /// Bytes of their bodies.
    private(set) var messageBytes = 0
    /// How many of those that were received must be acknowledged, the ignored ones included.
    private(set) var acknowledgements = 0
    /// A message has come at QoS 0.
    private(set) var hasAtMostOnce = false
    /// Messages that were left out.
    private(set) var omissions: [MQTTOmission] = []
    /// Makes messages; `nil` for a client that subscribes to nothing.
    var reader: MQTTMessageReader?
    /// Answers to UNSUBSCRIBE: packet identifiers.
    private var unsubscribeAnswers: [Int32] = []
    /// An UNSUBSCRIBE, and what to do when it is answered, before what follows is read.
    var question: (identifier: Int32, answered: () -> Void)?
    /// What the library is not told of the messages that it hands out.
    let deliveries = MQTTDeliveries()
    /// How many messages of QoS 1 the broker may still send again, because it resumed a session.
    ///
    /// Brokers send these first (MQTT 5 §4.4), and no more than they may have unacknowledged.
    var repeatsAhead = 0

    /// The object behind a callback's context.
    static func of(_ context: UnsafeMutableRawPointer?) -> MosquittoEvents {
        Unmanaged<MosquittoEvents>.fromOpaque(context!).takeUnretainedValue()
    }

    /// Forgets an ending that belongs to no connection.
    func forgetDisconnect() {
        self.ending = nil
    }

    func connected(reason: Int32, flags: Int32, _ properties: OpaquePointer?) {
        self.count += 1
        var receiveMaximum: UInt16 = 65_535
        mosquitto_property_read_int16(properties, Int32(MQTT_PROP_RECEIVE_MAXIMUM.rawValue), &receiveMaximum, false)
        var keepAlive: UInt16 = 0
        let found = mosquitto_property_read_int16(properties, Int32(MQTT_PROP_SERVER_KEEP_ALIVE.rawValue), &keepAlive, false)
        var identifiers: UInt8 = 1
        mosquitto_property_read_byte(properties, Int32(MQTT_PROP_SUBSCRIPTION_ID_AVAILABLE.rawValue), &identifiers, false)
        self.connack = Connack(
            reason: reason, isSessionPresent: flags & 1 == 1, receiveMaximum: Int(receiveMaximum),
            serverKeepAlive: found == nil ? nil : Int(keepAlive), takesSubscriptionIdentifiers: identifiers == 1
        )
    }

    func disconnected(reason: Int32) {
        self.count += 1
        self.ending = reason
    }

    func subscribed(_ identifier: Int32, codes: UnsafeBufferPointer<Int32>) {
        self.count += 1
        // Each SUBSCRIBE of ours asks for one filter; a broker may answer what nobody has asked.
        guard self.reader != nil, let code = codes.first else { return }
        self.subscribeAnswers.append((identifier, code))
    }

    func unsubscribed(_ identifier: Int32) {
        self.count += 1
        guard self.reader != nil else { return }
        self.unsubscribeAnswers.append(identifier)
        guard let question, question.identifier == identifier else { return }
        self.question = nil
        question.answered()
    }

    func published(_ identifier: Int32, reason: Int32) {
        self.count += 1
        self.publishAnswers.append((identifier, reason))
    }

    func received(_ message: mosquitto_message, _ properties: OpaquePointer?) {
        self.count += 1
        let delivery = self.deliveries.take()
        var identifier: Int32?
        var isRepeated = false
        if let delivery, delivery.identifier != 0 {
            identifier = Int32(delivery.identifier)
            self.acknowledgements += 1
            if self.repeatsAhead > 0 {
                self.repeatsAhead -= 1
                isRepeated = delivery.isDuplicate
            }
        } else {
            self.hasAtMostOnce = true
        }
        guard let message = self.reader?.read(message, identifier: identifier, properties, isRepeated: isRepeated) else { return }
        self.messageBytes += message.body.readableBytes
        self.messages.append(message)
    }

    /// A message was left out before the library saw it.
    func left(out omission: MQTTOmission) {
        self.omissions.append(omission)
        if omission.identifier != nil { self.acknowledgements += 1 }
    }

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

    /// Calls `body` for each answer to PUBLISH since the last call.
    func drainPublished(_ body: (_ identifier: Int32, _ reason: Int32) throws -> Void) rethrows {
        defer { self.publishAnswers.removeAll(keepingCapacity: true) }
        for (identifier, reason) in self.publishAnswers { try body(identifier, reason) }
    }
}
