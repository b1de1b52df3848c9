import BridgeCore
import CMosquitto
import Glibc
import NIOCore

/// Makes a ``ReceivedMessage`` of what libmosquitto received: the payload is copied once, the rest is shared where it can be.
///
/// Attributes are `qos` and `retained`, then with MQTT 5 `response_topic`, `correlation_data` (base64), `message_expiry`
/// (seconds) and the user properties, in the order they came in. The content type and the idempotency key become fields of their
/// own. (libmosquitto 2.0 does not tell its callbacks of the DUP flag.)
struct MQTTMessageReader {
    /// Those whose retained messages are ignored, and those whose are not.
    private let ignoring: [MQTTTopicFilter]
    private let accepting: [MQTTTopicFilter]
    private let ignored: Counter
    /// The four cases of quality of service and retained.
    private let common: [Attributes]

    init(subscriptions: [MQTTSubscription], ignored: Counter) {
        self.ignoring = subscriptions.filter { $0.retained == .ignore }.map(\.filter)
        self.accepting = subscriptions.filter { $0.retained != .ignore }.map(\.filter)
        self.ignored = ignored
        self.common = (0..<4).map { index in
            Attributes([("qos", String(index & 1)), ("retained", index & 2 == 0 ? "false" : "true")])
        }
    }

    /// - Returns: `nil` for a retained message that is to be ignored.
    func read(_ message: mosquitto_message, _ properties: OpaquePointer?) -> ReceivedMessage? {
        let topic = String(cString: message.topic)
        if message.retain, self.isIgnored(topic) {
            self.ignored.increment()
            return nil
        }
        let body = ByteBuffer(bytes: UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen)))
        let index = (message.qos > 0 ? 1 : 0) | (message.retain ? 2 : 0)
        var result = ReceivedMessage(subject: topic, body: body, attributes: self.common[index])
        if let properties { Self.read(properties, into: &result) }
        return result
    }

    /// Retained messages are ignored where no other filter wants them.
    private func isIgnored(_ topic: String) -> Bool {
        guard !self.ignoring.isEmpty else { return false }
        return self.accepting.isEmpty || !self.accepting.contains { $0.matches(topic) }
    }

    /// MQTT 5 §3.3.2.3.
    private static func read(_ properties: OpaquePointer, into message: inout ReceivedMessage) {
        var next: OpaquePointer? = properties
        while let property = next {
            let identifier = mosquitto_property_identifier(property)
            switch UInt32(identifier) {
            case MQTT_PROP_CONTENT_TYPE.rawValue:
                message.contentType = Self.text(property, identifier)
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
