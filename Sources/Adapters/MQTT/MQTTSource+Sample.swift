package import BridgeCore
import Mosquitto
import NIOCore

extension MQTTSource: RehearsableSource {
    /// A message as a test writes it.
    package struct Sample: SettingGroup {
        var topic = ""
        var qos: Int?
        var isRetained = false
        var properties = MQTTSampleProperties()

        /// The keys of a message.
        package static let settings = Settings<Self> {
            Setting(required: "topic", \.topic, .text, "Topic of the message")
            Setting("qos", \.qos, .qos, default: "that of the filter", "Quality of service")
            Setting("retained", \.isRetained, .flag, "Whether the broker had stored the message")
            Setting("properties", \.properties, .group, "Properties of MQTT 5")
        }

        /// Makes a message without a topic, which is not valid.
        package init() {}
    }

    /// Reads messages as ``MQTTMessageReader`` does; the filters decide whether one arrives.
    package static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        let ignored = context.metrics.counter("mqtt_retained_ignored", help: "Retained messages that were ignored.")
        let policy = MQTTRetainedPolicy(configuration.subscriptions, memory: MQTTRetainedMemory(), ignored: ignored)
        return SampleReading { sample, body in
            guard MQTTPropertySettings.isTopic(sample.topic) else {
                throw SampleRefusal("'\(sample.topic)' is not a topic; write one without '+' and '#'")
            }
            guard let subscription = configuration.subscriptions.first(where: { $0.filter.matches(sample.topic) }) else {
                let filters = configuration.subscriptions.map(\.filter.text)
                throw SampleRefusal(
                    "the topic \(sample.topic) matches no filter of subscribe, which has \(filters.joined(separator: ", "))")
            }
            let isWanted = body.bytes.withUnsafeReadableBytes {
                policy.wants(topic: sample.topic, body: $0, isRetained: sample.isRetained)
            }
            guard isWanted else { return SampleReception([], notes: ["the source ignores this retained message, see retained"]) }
            let attributes = MQTTMessageReader.attributes(
                qos: sample.qos ?? subscription.qos, isRetained: sample.isRetained)
            var message = MQTTMessageReader.message(topic: sample.topic, body: body.bytes, attributes)
            for property in sample.properties.all { MQTTMessageReader.read(property, into: &message) }
            return SampleReception([message])
        }
    }
}

/// The properties of a message as a test writes them (MQTT 5 §3.3.2.3).
struct MQTTSampleProperties: SettingGroup {
    private var contentType: String?
    private var responseTopic: String?
    private var correlationData: String?
    private var user: [String: String] = [:]

    static let settings = Settings<Self> {
        Setting("content_type", \.contentType, .text, "Content type of the payload")
        Setting("response_topic", \.responseTopic, .text, "Topic for an answer")
        Setting("correlation_data", \.correlationData, .text, "Data that an answer repeats")
        Setting("user", \.user, .mapping(of: .text), "User properties")
    }

    init() {}

    /// The properties in the order of the declaration.
    var all: [MosquittoMessage.Property] {
        [
            self.contentType.map { .contentType($0) }, self.responseTopic.map { .responseTopic($0) },
            self.correlationData.map { .correlationData(Array($0.utf8)) },
        ].compactMap { $0 } + self.user.sorted { $0.key < $1.key }.map { .user(name: $0.key, value: $0.value) }
    }
}
