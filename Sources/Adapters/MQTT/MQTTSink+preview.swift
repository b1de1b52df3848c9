package import BridgeCore
import Logging
import Mosquitto
import NIOCore

extension MQTTSink: PreviewingSink {
    /// Renders messages as the session publishes them: `topic`, `qos`, `retain`, `payload` and the `properties` of MQTT 5.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        let omissions = Self.omissions(context)
        let publications = variants.map { MQTTPublication($0, omissions: omissions) }
        return SinkPreview { delivery, reader in
            let publication = publications[delivery.variant]
            do {
                let message = try publication.message(of: delivery.event, reader)
                var properties = MQTTShownProperties()
                try publication.write(delivery, reader, to: &properties)
                return SentMessage([
                    ("topic", .text(message.topic)), ("qos", .number("\(publication.qos)")),
                    ("retain", .flag(message.isRetained)),
                    ("payload", .body(message.payload)), ("properties", properties.value),
                ])
            } catch {
                throw PreviewRefusal(MQTTPublication.refusal(error) ?? "\(error)")
            }
        }
    }

    /// Reports properties whose templates fail.
    static func omissions(_ context: ComponentContext) -> OmissionReport {
        OmissionReport(
            context, counter: "mqtt_properties_failed", help: "Properties omitted because their templates failed.",
            message: "Property omitted because its template failed")
    }
}

/// Where the properties of a message are written.
protocol MQTTPropertyTarget: ~Copyable {
    /// Adds a text; an empty one is left out.
    ///
    /// - Returns: false when it is too long.
    mutating func append(_ identifier: MosquittoProperties.Identifier, text value: String) -> Bool
    /// Adds bytes; none are left out.
    ///
    /// - Returns: false when there are too many.
    mutating func append(_ identifier: MosquittoProperties.Identifier, binary value: [UInt8]) -> Bool
    /// Adds a number of 32 bits.
    mutating func append(_ identifier: MosquittoProperties.Identifier, number value: UInt32)
    /// Adds a byte.
    mutating func append(_ identifier: MosquittoProperties.Identifier, byte value: UInt8)
    /// Adds a user property.
    ///
    /// - Returns: false when it is too long.
    mutating func append(user name: String, _ value: String) -> Bool
}

extension MosquittoProperties: MQTTPropertyTarget {}

/// The properties of a message for people.
struct MQTTShownProperties: MQTTPropertyTarget {
    private var own: [(name: String, value: PlainValue)] = []
    private var user: [(name: String, value: PlainValue)] = []

    /// `nil` without any.
    var value: PlainValue? {
        let user: [(name: String, value: PlainValue)] = self.user.isEmpty ? [] : [("user", .object(self.user))]
        let all = self.own + user
        return all.isEmpty ? nil : .object(all)
    }

    private static let limit = 65_535

    mutating func append(_ identifier: MosquittoProperties.Identifier, text value: String) -> Bool {
        if !value.isEmpty { self.own.append((identifier.name, .text(value))) }
        return value.utf8.count <= Self.limit
    }

    mutating func append(_ identifier: MosquittoProperties.Identifier, binary value: [UInt8]) -> Bool {
        if !value.isEmpty { self.own.append((identifier.name, .body(ByteBuffer(bytes: value)))) }
        return value.count <= Self.limit
    }

    mutating func append(_ identifier: MosquittoProperties.Identifier, number value: UInt32) {
        self.own.append((identifier.name, .number("\(value)")))
    }

    mutating func append(_ identifier: MosquittoProperties.Identifier, byte value: UInt8) {
        self.own.append((identifier.name, .number("\(value)")))
    }

    mutating func append(user name: String, _ value: String) -> Bool {
        self.user.append((name, .text(value)))
        return max(name.utf8.count, value.utf8.count) <= Self.limit
    }
}

extension MosquittoProperties.Identifier {
    /// The name of the setting.
    fileprivate var name: String {
        switch self {
        case .payloadFormat: "payload_format"
        case .messageExpiry: "message_expiry"
        case .contentType: "content_type"
        case .responseTopic: "response_topic"
        case .correlationData: "correlation_data"
        case .subscriptionIdentifier: "subscription_identifier"
        case .sessionExpiry: "session_expiry"
        case .receiveMaximum: "receive_maximum"
        }
    }
}
