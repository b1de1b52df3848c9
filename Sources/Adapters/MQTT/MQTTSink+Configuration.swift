package import BridgeCore

extension MQTTSink {
    /// The settings of an MQTT sink.
    package struct Configuration: SinkConfiguration {
        /// The content of a message: `format`.
        enum Format: String, CaseIterable, Sendable {
            /// The event's JSON.
            case json
            /// The upstream body as it arrived.
            case raw
            /// The rendered `body` or `json`.
            case template
        }

        /// `retain`: a boolean, `as_published`, or a template that renders `true` or anything else.
        enum Retain: Sendable {
            case always(Bool)
            /// The flag of the received message.
            case asPublished
            case when(Template)
        }

        var connection = MQTTConnectionSettings()
        var topic = MQTTTopicTemplate(template: Template(), keepsSlashes: false)
        var mayBeAnyTopic = false
        var qos = 1
        var retain = Retain.always(false)
        private var givenFormat: Format?
        /// With ``Format/template`` only.
        var body: Template?
        /// A body that is always valid JSON; with ``Format/template`` only, instead of ``body``.
        var structure: JSONTemplate?
        /// MQTT 5 only.
        var properties = MQTTPropertySettings()
        /// How many messages may wait for their PUBACK; the broker may allow fewer.
        var window = 100

        /// The keys of an MQTT sink; a route can override the message, not the connection.
        package static let settings = Settings<Self> {
            MQTTConnectionSettings.settings.within(\.connection)
            Setting(required: "topic", \.topic.template, .template, "Topic to publish to").example("'alarms/{{ .payload.room }}'")
                .perRoute()
            Setting("keep_slashes", \.topic.keepsSlashes, .flag, "Whether a value in the topic may add levels to it").perRoute()
            Setting("any_topic", \.mayBeAnyTopic, .flag, "Whether an event may choose the beginning of the topic").perRoute()
            Setting("qos", \.qos, .qos, "Quality of service of the messages").perRoute()
            Setting("retain", \.retain, .retain, "Whether the broker retains a message for new subscribers").perRoute()
            Setting(
                "format", \.givenFormat, .choice, default: "json, or template with body or json",
                "What a message holds: the event's JSON, the body as it arrived, or the text of body"
            ).perRoute()
            Setting("body", \.body, .template, "The text of a message").example("'{{ .message }}'").perRoute()
            Setting("json", \.structure, .json, "The structure of a message, which is always valid JSON")
                .excluding("body", "format", else: "json, body and format exclude each other; json is the whole body").perRoute()
            MQTTPropertySettings.settings.within(\.properties)
            Setting("in_flight", \.window, .integer(in: 1...65_535), "How many messages may wait for their acknowledgements")
        }

        /// Makes settings in which every key has its default; required ones are empty.
        package init() {}

        /// The configured format; otherwise ``Format/template`` when there is a ``body`` or a ``structure``, else
        /// ``Format/json``.
        var format: Format { self.givenFormat ?? (self.body == nil && self.structure == nil ? .json : .template) }

        /// All templates.
        var templates: [Template] {
            var templates = [self.topic.template] + self.properties.templates
            if let body { templates.append(body) }
            if let structure { templates += structure.templates }
            if case .when(let template) = self.retain { templates.append(template) }
            return templates
        }

        /// See ``MQTTConnectionSettings/secrets``.
        package var secrets: SecretTexts { self.connection.secrets }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.connection.validate()
            do {
                try self.topic.validate(mayBeAny: self.mayBeAnyTopic)
            } catch let error as MQTTTextError {
                throw SettingError(at: "topic", because: error.description)
            }
            if self.connection.sessionExpiry != nil {
                throw SettingError(
                    at: "session_expiry",
                    because: "a sink keeps no session, because it sends unconfirmed events again; leave it out")
            }
            if self.format == .template, self.body == nil, self.structure == nil {
                throw SettingError(at: "format", because: "format: template needs a body")
            }
            if self.format != .template, self.body != nil {
                throw SettingError(
                    at: "body", because: "a body is used with format: template only; leave one of the two out")
            }
            try self.properties.validate(version: self.connection.version)
        }

        /// A template within a JSON string of `body`.
        package var warnings: [SettingError] {
            [self.body?.jsonWarning(at: [SettingKey("body")])].compactMap { $0 }
        }

        /// The client identifier at the broker, if configured.
        package var exclusiveResources: [Resource] { self.connection.exclusiveResources }
    }
}

extension SettingCodec where Value == MQTTSink.Configuration.Retain {
    /// A boolean, `as_published` or a template.
    fileprivate static var retain: Self {
        Self(.either([.flag, .choice(["as_published"]), .template]), write: { _ in "false" }) { decoder in
            let container = try decoder.singleValueContainer()
            if let always = try? container.decode(Bool.self) { return .always(always) }
            let template = try container.decode(Template.self)
            guard let constant = template.constant else { return .when(template) }
            guard constant == "as_published" else {
                throw SettingError(
                    path: decoder.codingPath,
                    "'\(constant)' is not one of true, false, as_published, or a template such as {{ .payload.keep }}"
                )
            }
            return .asPublished
        }
    }
}
