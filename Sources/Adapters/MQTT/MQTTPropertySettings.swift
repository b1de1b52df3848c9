import BridgeCore
import Mosquitto

/// The sink's settings for properties of MQTT 5 (§3.3.2.3).
///
/// Without a setting, `format: raw` forwards the property of the received message, which its source stored in the
/// attributes.
struct MQTTPropertySettings: SettingGroup {
    var contentType: Template?
    var responseTopic: Template?
    /// Sent as the text's bytes.
    var correlationData: Template?
    /// How long the broker keeps the message for a disconnected subscriber.
    var expiry: Duration?
    /// By name.
    var user: [(name: String, value: Template)] = []

    static let settings = Settings<Self> {
        Setting("content_type", \.contentType, .template, "Content type of the messages").example("application/json").perRoute()
        Setting(
            "response_topic", \.responseTopic,
            .template.checked { template in
                guard let topic = template.constant, !Self.isTopic(topic) else { return nil }
                return "'\(topic)' is not a topic; write one without '+' and '#'"
            },
            "Topic for answers"
        ).example("answers/home").perRoute()
        Setting("correlation_data", \.correlationData, .template, "Data that an answer repeats").example("'{{ .id }}'").perRoute()
        Setting(
            "message_expiry", \.expiry,
            .wholeSeconds(in: .seconds(1) ... .seconds(Int64(UInt32.max))).checked { expiry in
                (.seconds(1) ... .seconds(Int64(UInt32.max))).contains(expiry)
                    ? nil : "a message can expire after 1s or more; leave the key out for never"
            },
            default: "never", "How long the broker keeps a message for a subscriber that is away"
        ).perRoute()
        Setting(
            "user_properties", \.user,
            SettingCodec<[String: Template]>.mapping(of: .template).map { properties in
                properties.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
            },
            "User properties of the messages"
        ).example("{ room: '{{ .payload.room }}' }").perRoute()
    }

    /// All templates.
    var templates: [Template] {
        [self.contentType, self.responseTopic, self.correlationData].compactMap { $0 } + self.user.map(\.value)
    }

    /// - Throws: ``SettingError`` when the version has no properties.
    func validate(version: MQTTVersion) throws {
        guard version == .three else { return }
        let written: [(String, Bool)] = [
            ("user_properties", !self.user.isEmpty), ("content_type", self.contentType != nil),
            ("response_topic", self.responseTopic != nil), ("correlation_data", self.correlationData != nil),
            ("message_expiry", self.expiry != nil),
        ]
        let keys = written.filter(\.1).map(\.0)
        guard let first = keys.first else { return }
        throw SettingError(
            at: first, because: "\(keys.joined(separator: ", ")) \(keys.count > 1 ? "need" : "needs") protocol: 5")
    }

    /// Whether a broker would accept a topic.
    ///
    /// Otherwise it would close the connection, and the message would be retried forever.
    static func isTopic(_ text: String) -> Bool {
        !text.isEmpty && !text.utf8.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "#") || $0 == 0 }
    }
}
