package import BridgeCore

extension MQTTSink {
    /// The settings of an MQTT sink.
    package struct Configuration: SinkConfiguration {
        /// What is published: `format`.
        enum Format: String, CaseIterable, Sendable {
            /// The event's JSON.
            case json
            /// The upstream body as it arrived.
            case raw
            /// What `body` or `json` makes of the event.
            case template
        }

        /// `retain`: a boolean, `as_published`, or a template that makes `true` or something else.
        enum Retain: Sendable {
            case always(Bool)
            /// As the message was that the event is made of.
            case asPublished
            case when(Template)
        }

        let connection: MQTTConnectionSettings
        /// `topic` and `keep_slashes` (false when left out).
        let topic: MQTTTopicTemplate
        /// `any_topic`; false when left out.
        let mayBeAnyTopic: Bool
        /// `qos`; 1 when left out.
        let qos: Int
        /// False when left out.
        let retain: Retain
        /// `template` when there is a `body` or `json`, else `json`.
        let format: Format
        /// `body`; with ``Format/template`` only.
        let body: Template?
        /// `json`, a body that is always valid JSON; with ``Format/template`` only, instead of ``body``.
        let structure: JSONTemplate?
        /// MQTT 5 only.
        let properties: MQTTPropertySettings
        /// `in_flight`: how many messages may wait for their PUBACK; 100 when left out.
        ///
        /// The broker may allow fewer.
        let window: Int

        /// Every template among them.
        var templates: [Template] {
            var templates = [self.topic.template] + self.properties.templates
            if let body { templates.append(body) }
            if let structure { templates += structure.templates }
            if case .when(let template) = self.retain { templates.append(template) }
            return templates
        }

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url
            case clientID = "client_id"
            case version = "protocol"
            case user, password, tls
            case keepAlive = "keep_alive"
            case sessionExpiry = "session_expiry"
            case will, birth, topic
            case keepsSlashes = "keep_slashes"
            case mayBeAnyTopic = "any_topic"
            case qos, retain, format, body
            case structure = "json"
            case contentType = "content_type"
            case responseTopic = "response_topic"
            case correlationData = "correlation_data"
            case expiry = "message_expiry"
            case userProperties = "user_properties"
            case window = "in_flight"
        }

        package static let perRouteKeys: [CodingKeys] = [
            .topic, .keepsSlashes, .mayBeAnyTopic, .qos, .retain, .format, .body, .structure, .contentType, .responseTopic,
            .correlationData, .expiry, .userProperties,
        ]

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.connection = try MQTTConnectionSettings(from: decoder)
            self.topic = MQTTTopicTemplate(
                template: try container.required(.topic), keepsSlashes: try container.value(.keepsSlashes, default: false)
            )
            self.mayBeAnyTopic = try container.value(.mayBeAnyTopic, default: false)
            self.qos = try container.qos(.qos, default: 1)
            if let always = try? container.optional(.retain, as: Bool.self) {
                self.retain = .always(always)
            } else {
                self.retain = try Self.retain(container.optional(.retain), at: decoder.codingPath)
            }
            self.body = try container.optional(.body)
            self.structure = try container.optional(.structure)
            if self.structure != nil, self.body != nil || container.contains(.format) {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.structure],
                    "json, body and format exclude each other; json says all of the body")
            }
            self.format = try container.choice(.format, default: self.body == nil && self.structure == nil ? .json : .template)
            self.properties = try MQTTPropertySettings(from: container)
            self.window = try container.integer(.window, in: 1...65_535, default: 100)
        }

        private static func retain(_ template: Template?, at path: [any CodingKey]) throws -> Retain {
            guard let template else { return .always(false) }
            guard let constant = template.constant else { return .when(template) }
            guard constant == "as_published" else {
                throw SettingError(
                    path: path + [CodingKeys.retain],
                    "'\(constant)' is not one of true, false, as_published, or a template such as {{ .payload.keep }}"
                )
            }
            return .asPublished
        }

        package func validate() throws {
            try self.connection.validate()
            do {
                try self.topic.validate(mayBeAny: self.mayBeAnyTopic)
            } catch let error as MQTTTextError {
                throw SettingError(path: [CodingKeys.topic], error.description)
            }
            if self.connection.sessionExpiry != nil {
                throw SettingError(
                    path: [CodingKeys.sessionExpiry], "a sink keeps no session: what is not confirmed is sent anew")
            }
            if self.format == .template, self.body == nil, self.structure == nil {
                throw SettingError(path: [CodingKeys.format], "format: template needs a body")
            }
            if self.format != .template, self.body != nil {
                throw SettingError(path: [CodingKeys.body], "a body is used with format: template only; leave one of the two out")
            }
            try self.properties.validate(version: self.connection.version)
        }

        package var warnings: [SettingError] { [self.body?.jsonWarning(at: [CodingKeys.body])].compactMap { $0 } }

        package var exclusiveResources: [Resource] { self.connection.exclusiveResources }
    }
}
