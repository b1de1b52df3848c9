import BridgeCore
import Mosquitto
import NIOCore

/// Makes a ``ReceivedMessage`` of an MQTT message: the payload is copied once, the rest is shared where possible.
///
/// Attributes are `qos` and `retained`, then with MQTT 5 `content-type`, `payload_format` (`utf-8` or `bytes`),
/// `response_topic`, `correlation_data` (base64), `message_expiry` (seconds) and the user properties, in the order of
/// the packet. The content type and the idempotency key become fields too.
struct MQTTMessageReader {
    private let retained: MQTTRetainedPolicy
    private var copies: MQTTOverlapDeduplicator
    private let seesCopies: Bool
    private let identifiers: MQTTDuplicateDetector
    private let dropped: Counter
    /// The four cases of quality of service and retained.
    private let common: [Attributes]

    /// - Parameter dropped: counts copies for a second subscription.
    init(
        retained: MQTTRetainedPolicy, plan: MQTTSubscriptionPlan, identifiers: MQTTDuplicateDetector, dropped: Counter
    ) {
        self.retained = retained
        self.copies = MQTTOverlapDeduplicator(plan)
        self.seesCopies = self.copies.isNeeded
        self.identifiers = identifiers
        self.dropped = dropped
        self.common = (0..<4).map { Self.attributes(qos: $0 & 1, isRetained: $0 & 2 != 0) }
    }

    /// The attributes that every message has.
    static func attributes(qos: Int, isRetained: Bool) -> Attributes {
        Attributes([("qos", String(qos)), ("retained", isRetained ? "true" : "false")])
    }

    /// A message without properties.
    static func message(topic: String, body: ByteBuffer, _ attributes: Attributes) -> ReceivedMessage {
        ReceivedMessage(subject: topic, body: body, attributes: attributes)
    }

    /// - Parameter isRepeated: whether the broker may have sent it before.
    /// - Returns: `nil` for a retained message that is not wanted, and for a copy of another message.
    mutating func read(_ message: MosquittoMessage, isRepeated: Bool) -> ReceivedMessage? {
        let (topic, bytes) = (message.topic, message.payload)
        // A dropped message has an identifier too.
        let key = message.identifier.map { self.identifiers.key($0, topic: topic, body: bytes, isRepeated: isRepeated) }
        if self.seesCopies {
            let identifiers = Self.subscriptionIdentifiers(message)
            if self.copies.isCopy(topic: topic, body: bytes, isRetained: message.isRetained, identifiers: identifiers) {
                self.dropped.increment()
                return nil
            }
        }
        guard self.retained.wants(topic: topic, body: bytes, isRetained: message.isRetained) else { return nil }
        let index = (message.identifier != nil ? 1 : 0) | (message.isRetained ? 2 : 0)
        var result = Self.message(topic: topic, body: ByteBuffer(bytes: bytes), self.common[index])
        if message.hasProperties { message.forEachProperty { Self.read($0, into: &result) } }
        if let key { (result.repeatKey, result.mayBeRepeated) = key }
        return result
    }

    private static func subscriptionIdentifiers(_ message: MosquittoMessage) -> [UInt32] {
        var result: [UInt32] = []
        message.forEachProperty { if case .subscriptionIdentifier(let value) = $0 { result.append(value) } }
        return result
    }

    /// MQTT 5 §3.3.2.3.
    static func read(_ property: MosquittoMessage.Property, into message: inout ReceivedMessage) {
        switch property {
        case .contentType(let type):
            message.contentType = type
            message.attributes.append("content-type", type)
        case .payloadFormat(let isText): message.attributes.append("payload_format", isText ? "utf-8" : "bytes")
        case .responseTopic(let topic): message.attributes.append("response_topic", topic)
        case .correlationData(let data):
            message.attributes.append("correlation_data", data.withUnsafeBytes { String(base64: $0) })
        case .messageExpiry(let seconds): message.attributes.append("message_expiry", String(seconds))
        case .subscriptionIdentifier: break
        case .user(let name, let value):
            let key = name.lowercased()
            if key == MQTTSink.idempotencyProperty {
                message.upstreamID = value
            } else {
                message.attributes.append(key, value)
            }
        }
    }
}
