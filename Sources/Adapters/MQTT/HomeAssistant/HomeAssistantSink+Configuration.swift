package import BridgeCore
import Mosquitto

extension HomeAssistantSink {
    /// The settings of the block `home_assistant`, and of a sink of this type.
    package struct Configuration: SinkConfiguration {
        /// How entities are announced: `discovery`.
        enum Form: String, CaseIterable, Sendable {
            /// One message for the device with all its entities; since Home Assistant 2024.11.
            case device
            /// One message for each entity.
            case entity
        }

        var connection = MQTTConnectionSettings()
        var form = Form.device
        var prefix = "homeassistant"
        var statusTopic: String?
        var topic: String?
        var deviceID: String?
        var deviceName: String?
        var area: String?
        var pageURL: String?
        var interval = Duration.seconds(10)
        var showsComponents = true
        var hasControls = false
        private var givenEntities: [String: HomeAssistantEntity]?
        /// The entities that a route's events go to; `nil` for all.
        var entity: [String]?
        var window = 100

        /// The most entities of the file.
        static let mostEntities = 100
        /// Keys of the connection that the sink decides itself.
        private static let own: Set<String> = ["will", "birth", "session_expiry"]

        /// The keys; a route can override `entity`.
        package static let settings = Settings<Self> {
            MQTTConnectionSettings.settings.within(\.connection).filter { !Self.own.contains($0.declaration.name) }
            Setting(
                "discovery", \.form, .choice,
                "Form of the announcement: device has one message for all entities, entity one for each")
            Setting("discovery_prefix", \.prefix, .constantTopic, "Topic below which Home Assistant looks for devices")
            Setting(
                "status_topic", \.statusTopic, .constantTopic, default: "discovery_prefix and /status",
                "Topic at which Home Assistant reports that it has started"
            ).example("homeassistant/status")
            Setting(
                "topic", \.topic, .constantTopic, default: "streambridge/ and the name of the bridge",
                "Topic below which states are published and commands are received"
            ).example("streambridge/home")
            Setting(
                "device_id", \.deviceID,
                .text.checked {
                    HomeAssistantNames.isIdentifier($0) && $0.utf8.count <= 64
                        ? nil : "'\($0.prefix(64))' is not an identifier; use 1 to 64 letters, digits, '_' and '-'"
                },
                default: "made of the name of the bridge", "Identifier of the device, the same after a restart"
            ).example("streambridge")
            Setting("device_name", \.deviceName, .shown, default: "streambridge and the name of the bridge", "Name of the device")
                .example("Bridge")
            Setting("area", \.area, .shown, "Area that Home Assistant suggests for the device").example("Hall")
            Setting(
                "configuration_url", \.pageURL,
                .text("URL").checked {
                    ($0.hasPrefix("http://") || $0.hasPrefix("https://")) && $0.utf8.count <= 500
                        ? nil : "is not a URL; write one with http:// or https://"
                },
                "Page that the device links to"
            ).example("'http://bridge.local:8080'")
            Setting(
                "interval", \.interval, .duration(in: .seconds(1) ... .seconds(3600)),
                "How often changed figures are published")
            Setting("components", \.showsComponents, .flag, "Whether each source and each sink is an entity")
            Setting(
                "controls", \.hasControls, .flag,
                "Whether there are switches for routes and a button that replays dead letters")
            Setting(
                "entities", \.givenEntities, .mapping(of: .group), default: "an event and a sensor",
                "Entities that show events, by name"
            ).example("{ events: { platform: event } }")
            Setting(
                "entity", \.entity, .oneOrMore(of: .text), default: "all", "Entities that the events of a route go to"
            ).example("events").perRoute()
            Setting("in_flight", \.window, .integer(in: 1...65_535), "How many messages may wait for their acknowledgements")
        }

        /// Makes settings in which every key has its default; the address is empty.
        package init() {}

        /// The entities of the file, by key.
        var entities: [String: HomeAssistantEntity] { self.givenEntities ?? [:] }

        /// The entities, with those of a file that has none.
        var shownEntities: [(key: String, entity: HomeAssistantEntity)] {
            guard self.entities.isEmpty else { return self.entities.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
            var sensor = HomeAssistantEntity()
            sensor.platform = .sensor
            sensor.name = "Last message"
            var event = HomeAssistantEntity()
            event.name = "Event"
            return [("event", event), ("last_message", sensor)]
        }

        /// The entities that events with these settings go to.
        var targets: [(key: String, entity: HomeAssistantEntity)] {
            guard let entity else { return self.shownEntities }
            return self.shownEntities.filter { entity.contains($0.key) }
        }

        /// See ``MQTTConnectionSettings/secrets``.
        package var secrets: SecretTexts { self.connection.secrets }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.connection.validate()
            guard self.entities.count <= Self.mostEntities else {
                throw SettingError(
                    at: "entities", because: "has \(self.entities.count) entities; at most \(Self.mostEntities) are allowed")
            }
            for key in self.entities.keys.sorted() {
                guard HomeAssistantNames.slug(key) == key, key.utf8.count <= HomeAssistantNames.longest else {
                    throw SettingError(
                        at: "entities",
                        because:
                            "'\(key)' is not a name; use 1 to \(HomeAssistantNames.longest) lower-case letters, digits and '_'")
                }
                guard !HomeAssistantComponent.isReserved(key) else {
                    throw SettingError(
                        at: "entities", because: "'\(key)' is an entity of the bridge itself; choose another name")
                }
            }
            let names = self.shownEntities.map(\.key)
            for name in self.entity ?? [] where !names.contains(name) {
                throw SettingError(
                    at: "entity", because: "no entity is called '\(name)'\(NearestName.hint(for: name, among: names))")
            }
            if self.entity?.isEmpty == true {
                throw SettingError(at: "entity", because: "is empty; name an entity, or leave it out for all")
            }
        }

        /// The client identifier if configured, and the device.
        package var exclusiveResources: [Resource] {
            let device = self.deviceID.map { "'\($0)'" } ?? "named after the bridge"
            return self.connection.exclusiveResources
                + [Resource("Home Assistant device", "\(device) at \(self.connection.address)")]
        }
    }
}

extension SettingCodec where Value == String {
    /// A topic without wildcards, spaces and empty levels.
    fileprivate static var constantTopic: Self {
        .text("topic").checked { topic in
            let levels = topic.split(separator: "/", omittingEmptySubsequences: false)
            return MQTTPropertySettings.isTopic(topic) && MQTTText.isHarmless(topic) && topic.utf8.count <= 200
                && !levels.contains("") && !topic.hasPrefix("$")
                ? nil
                : "'\(MQTTText.harmless(String(topic.prefix(100))))' is not a topic; write one such as home/bridge, without '+' and '#'"
        }
    }
}
