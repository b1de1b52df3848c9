import BridgeCore

/// The sink's settings for properties of MQTT 5 (§3.3.2.3).
///
/// Where one is left out, `format: raw` sends on what the message came with; that is what its source put among the attributes.
struct MQTTPropertySettings: Sendable {
    /// `content_type`.
    let contentType: Template?
    /// `response_topic`.
    let responseTopic: Template?
    /// `correlation_data`; sent as the text's bytes.
    let correlationData: Template?
    /// `message_expiry`: how long the broker keeps the message for a subscriber that is away.
    let expiry: Duration?
    /// `user_properties` by name.
    let user: [(name: String, value: Template)]

    /// Every template among them.
    var templates: [Template] {
        [self.contentType, self.responseTopic, self.correlationData].compactMap { $0 } + self.user.map(\.value)
    }

    init(from container: KeyedDecodingContainer<MQTTSink.Configuration.CodingKeys>) throws {
        self.contentType = try container.optional(.contentType)
        self.responseTopic = try container.optional(.responseTopic)
        self.correlationData = try container.optional(.correlationData)
        self.expiry = try container.seconds(.expiry)
        self.user = try container.value(.userProperties, default: [String: Template]())
            .sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    func validate(version: MQTTConnectionSettings.Version) throws {
        typealias Key = MQTTSink.Configuration.CodingKeys
        if version == .three {
            let written: [(Key, Bool)] = [
                (.userProperties, !self.user.isEmpty), (.contentType, self.contentType != nil),
                (.responseTopic, self.responseTopic != nil), (.correlationData, self.correlationData != nil),
                (.expiry, self.expiry != nil),
            ]
            let keys = written.filter(\.1).map(\.0)
            if let first = keys.first {
                let names = keys.map(\.stringValue).joined(separator: ", ")
                throw SettingError(path: [first], "\(names) \(keys.count > 1 ? "need" : "needs") protocol: 5")
            }
        }
        if let topic = self.responseTopic?.constant, !Self.isTopic(topic) {
            throw SettingError(path: [Key.responseTopic], "'\(topic)' is not a topic; it has characters, and no '+' and '#'")
        }
        if let expiry, !(1...Int64(UInt32.max)).contains(expiry.components.seconds) {
            throw SettingError(path: [Key.expiry], "a message can expire after 1s or more; leave the key out for never")
        }
    }

    /// Whether a broker would take it: one that does not ends the connection, and the message would be tried for ever.
    static func isTopic(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") || $0 == 0 }
    }
}
