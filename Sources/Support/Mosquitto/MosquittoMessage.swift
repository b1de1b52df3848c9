import CMosquitto
import Glibc

/// A received message.
///
/// Valid only while its receiver runs: the payload and the properties belong to the library.
package struct MosquittoMessage {
    /// Without NUL; at most 65535 bytes.
    package let topic: String
    /// May be empty.
    package let payload: UnsafeRawBufferPointer
    /// Whether the broker had kept it, or sends the flag of the publisher (MQTT 5 §3.3.1.3).
    package let isRetained: Bool
    /// The packet identifier; `nil` at QoS 0.
    package let identifier: Int32?
    /// The broker may have sent it before (MQTT 5 §3.3.1.1).
    package let isDuplicate: Bool
    /// Bytes of its packet without the fixed header.
    package let size: Int
    private let list: OpaquePointer?

    init(_ message: mosquitto_message, _ properties: OpaquePointer?, delivery: MQTTDeliveries.Delivery?) {
        self.topic = String(cString: message.topic)
        self.payload = UnsafeRawBufferPointer(start: message.payload, count: Int(message.payloadlen))
        self.isRetained = message.retain
        self.identifier = delivery.flatMap { $0.identifier == 0 ? nil : Int32($0.identifier) }
        self.isDuplicate = delivery?.isDuplicate ?? false
        self.size = delivery?.size ?? self.payload.count
        self.list = properties
    }

    /// One property (MQTT 5 §3.3.2.3).
    package enum Property {
        /// The type of the payload.
        case contentType(String)
        /// Whether the payload is UTF-8, else unspecified bytes.
        case payloadFormat(isText: Bool)
        /// The topic for an answer.
        case responseTopic(String)
        /// The correlation data for an answer.
        case correlationData([UInt8])
        /// In seconds.
        case messageExpiry(UInt32)
        /// The identifier of the matching subscription.
        case subscriptionIdentifier(UInt32)
        /// A pair of the publisher's own.
        case user(name: String, value: String)
    }

    /// Whether there are any properties.
    package var hasProperties: Bool { self.list != nil }

    /// The properties in the order of the packet.
    package func forEachProperty(_ body: (Property) -> Void) {
        var next = self.list
        while let property = next {
            if let value = Self.property(property) { body(value) }
            next = mosquitto_property_next(property)
        }
    }

    private static func property(_ property: OpaquePointer) -> Property? {
        let identifier = mosquitto_property_identifier(property)
        switch UInt32(identifier) {
        case MQTT_PROP_CONTENT_TYPE.rawValue: return .contentType(self.text(property, identifier))
        case MQTT_PROP_PAYLOAD_FORMAT_INDICATOR.rawValue:
            var format: UInt8 = 0
            mosquitto_property_read_byte(property, identifier, &format, false)
            return .payloadFormat(isText: format == 1)
        case MQTT_PROP_RESPONSE_TOPIC.rawValue: return .responseTopic(self.text(property, identifier))
        case MQTT_PROP_CORRELATION_DATA.rawValue:
            var data: UnsafeMutableRawPointer?
            var length: UInt16 = 0
            mosquitto_property_read_binary(property, identifier, &data, &length, false)
            defer { free(data) }
            return .correlationData(Array(UnsafeRawBufferPointer(start: data, count: Int(length))))
        case MQTT_PROP_MESSAGE_EXPIRY_INTERVAL.rawValue:
            var seconds: UInt32 = 0
            mosquitto_property_read_int32(property, identifier, &seconds, false)
            return .messageExpiry(seconds)
        case MQTT_PROP_SUBSCRIPTION_IDENTIFIER.rawValue:
            var value: UInt32 = 0
            mosquitto_property_read_varint(property, identifier, &value, false)
            return .subscriptionIdentifier(value)
        case MQTT_PROP_USER_PROPERTY.rawValue:
            var name: UnsafeMutablePointer<CChar>?
            var value: UnsafeMutablePointer<CChar>?
            mosquitto_property_read_string_pair(property, identifier, &name, &value, false)
            defer {
                free(name)
                free(value)
            }
            guard let name, let value else { return nil }
            return .user(name: String(cString: name), value: String(cString: value))
        default: return nil
        }
    }

    private static func text(_ property: OpaquePointer, _ identifier: Int32) -> String {
        var text: UnsafeMutablePointer<CChar>?
        mosquitto_property_read_string(property, identifier, &text, false)
        defer { free(text) }
        return text.map { String(cString: $0) } ?? ""
    }
}
