import BridgeCore
import CMosquitto
import Glibc
import NIOCore

/// Makes a ``ReceivedMessage`` of what libmosquitto received: the payload is copied once, the rest is shared where it can be.
///
/// Attributes are `qos` and `retained`, then with MQTT 5 `content-type`, `payload_format` (`utf-8` or `bytes`), `response_topic`,
/// `correlation_data` (base64), `message_expiry` (seconds) and the user properties, in the order they came in. The content type and
/// the idempotency key become fields of their own too.
struct MQTTMessageReader {
    private let retained: MQTTRetainedPolicy
    private var copies: MQTTCopies
    private let seesCopies: Bool
    private let identifiers: MQTTPacketIdentifiers
    private let dropped: Counter
    /// The four cases of quality of service and retained.
    private let common: [Attributes]

    /// - Parameter dropped: counts copies that came for a second subscription.
    init(
        retained: MQTTRetainedPolicy, plan: MQTTSubscriptionPlan, identifiers: MQTTPacketIdentifiers, dropped: Counter
    ) {
        self.retained = retained
        self.copies = MQTTCopies(plan)
        self.seesCopies = self.copies.isNeeded
        self.identifiers = identifiers
        self.dropped = dropped
        self.common = (0..<4).map { index in
            Attributes([("qos", String(index & 1)), ("retained", index & 2 == 0 ? "false" : "true")])
        }
    }

    /// - Parameters:
    ///   - identifier: the packet identifier; `nil` at QoS 0. The library says 0 of every message.
    ///   - isRepeated: whether the broker may have sent it before.
    /// - Returns: `nil` for a retained message that is not wanted, and for a copy of another message.
    mutating func read(
        _ message: mosquitto_message, identifier: Int32?, _ properties: OpaquePointer?, isRepeated: Bool
    ) -> ReceivedMessage? {
        let topic = String(cString: message.topic)
        let bytes = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
        // What is dropped below has an identifier too.
        let key = identifier.map { self.identifiers.key($0, topic: topic, body: bytes, isRepeated: isRepeated) }
        if self.seesCopies {
            let identifiers = Self.subscriptionIdentifiers(properties)
            if self.copies.isCopy(topic: topic, body: bytes, isRetained: message.retain, identifiers: identifiers) {
                self.dropped.increment()
                return nil
            }
        }
        guard self.retained.wants(topic: topic, body: bytes, isRetained: message.retain) else { return nil }
        let index = (identifier != nil ? 1 : 0) | (message.retain ? 2 : 0)
        var result = ReceivedMessage(subject: topic, body: ByteBuffer(bytes: bytes), attributes: self.common[index])
        if let properties { Self.read(properties, into: &result) }
        if let key { (result.repeatKey, result.mayBeRepeated) = key }
        return result
    }

    private static func subscriptionIdentifiers(_ properties: OpaquePointer?) -> [UInt32] {
        var result: [UInt32] = []
        var next = properties
        while let property = next {
            if mosquitto_property_identifier(property) == Int32(MQTT_PROP_SUBSCRIPTION_IDENTIFIER.rawValue) {
                var value: UInt32 = 0
                mosquitto_property_read_varint(property, Int32(MQTT_PROP_SUBSCRIPTION_IDENTIFIER.rawValue), &value, false)
                result.append(value)
            }
            next = mosquitto_property_next(property)
        }
        return result
    }

    /// MQTT 5 §3.3.2.3.
    private static func read(_ properties: OpaquePointer, into message: inout ReceivedMessage) {
        var next: OpaquePointer? = properties
        while let property = next {
            let identifier = mosquitto_property_identifier(property)
            switch UInt32(identifier) {
            case MQTT_PROP_CONTENT_TYPE.rawValue:
                let type = Self.text(property, identifier)
                message.contentType = type
                message.attributes.append("content-type", type)
            case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR.rawValue:
                var format: UInt8 = 0
                mosquitto_property_read_byte(property, identifier, &format, false)
                message.attributes.append("payload_format", format == 1 ? "utf-8" : "bytes")
            case MQTT_PROP_RESPONSE_TOPIC.rawValue:
                message.attributes.append("response_topic", Self.text(property, identifier))
            case MQTT_PROP_CORRELATION_DATA.rawValue:
                var data: UnsafeMutableRawPointer?
                var length: UInt16 = 0
                mosquitto_property_read_binary(property, identifier, &data, &length, false)
                message.attributes.append(
                    "correlation_data", String(base64: UnsafeRawBufferPointer(start: data, count: Int(length)))
                )
                free(data)
            case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue:
                var seconds: UInt32 = 0
                mosquitto_property_read_int32(property, identifier, &seconds, false)
                message.attributes.append("message_expiry", String(seconds))
            case MQTT_PROP_USER_PROPERTY.rawValue:
                var name: UnsafeMutablePointer<CChar>?
                var value: UnsafeMutablePointer<CChar>?
                mosquitto_property_read_string_pair(property, identifier, &name, &value, false)
                defer {
                    free(name)
                    free(value)
                }
                guard let name, let value else { break }
                let key = String(cString: name).lowercased()
                if key == MQTTSink.idempotencyProperty {
                    message.upstreamID = String(cString: value)
                } else {
                    message.attributes.append(key, String(cString: value))
                }
            default: break
            }
            next = mosquitto_property_next(property)
        }
    }

    private static func text(_ property: OpaquePointer, _ identifier: Int32) -> String {
        var text: UnsafeMutablePointer<CChar>?
        mosquitto_property_read_string(property, identifier, &text, false)
        defer { free(text) }
        return text.map { String(cString: $0) } ?? ""
    }
}
