package import BridgeCore

extension MQTTSource {
    /// The settings of an MQTT source.
    package struct Configuration: ComponentConfiguration {
        let connection: MQTTConnectionSettings
        /// `subscribe`; at least one.
        let subscriptions: [MQTTSubscription]
        /// `no_local`: does not receive what this very client publishes; true when left out, MQTT 5 only.
        let noLocal: Bool?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url
            case clientID = "client_id"
            case version = "protocol"
            case user, password, tls
            case keepAlive = "keep_alive"
            case sessionExpiry = "session_expiry"
            case will, birth, subscribe
            case noLocal = "no_local"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.connection = try MQTTConnectionSettings(from: decoder)
            self.subscriptions = try container.required(.subscribe, as: MQTTSubscriptions.self).elements
            self.noLocal = try container.optional(.noLocal)
        }

        package func validate() throws {
            try self.connection.validate()
            guard !self.subscriptions.isEmpty else {
                throw SettingError(path: [CodingKeys.subscribe], "at least one topic filter is needed, such as zigbee2mqtt/#")
            }
            var filters: Set<ExactText> = []
            for subscription in self.subscriptions where !filters.insert(ExactText(subscription.wireFilter)).inserted {
                throw SettingError(path: [CodingKeys.subscribe], "\(subscription.wireFilter) is subscribed to twice")
            }
            try self.refuseOverlappingShares()
            if self.connection.version == .three, self.noLocal == true {
                throw SettingError(path: [CodingKeys.noLocal], "no_local needs protocol: 5")
            }
            try self.refuseMixedRetainFlags()
        }

        /// Filters that are right, and most likely match nothing.
        package var warnings: [SettingError] {
            self.subscriptions.enumerated().compactMap { index, subscription in
                subscription.filter.doubt.map {
                    SettingError(path: [CodingKeys.subscribe, SettingKey(index), SettingKey("topic")], $0)
                }
            }
        }

        /// Each group gets a copy of its own, and nothing tells that two copies are of one message.
        private func refuseOverlappingShares() throws {
            for (index, one) in self.subscriptions.enumerated() {
                for other in self.subscriptions[..<index]
                where one.share != nil && other.filter.overlaps(one.filter)
                    || other.share != nil && one.filter.overlaps(other.filter)
                {
                    throw SettingError(
                        path: [CodingKeys.subscribe],
                        "\(other.wireFilter) and \(one.wireFilter) overlap, so messages would come twice; a shared subscription that"
                            + " overlaps another needs a source of its own"
                    )
                }
            }
        }

        /// A message that comes for two filters has one flag.
        private func refuseMixedRetainFlags() throws {
            let asPublished = self.subscriptions.filter { $0.retainFlag == .asPublished }
            if let first = asPublished.first, self.connection.version == .three {
                throw SettingError(
                    path: [CodingKeys.subscribe], "retain: as_published needs protocol: 5, at \(first.wireFilter)"
                )
            }
            for one in asPublished {
                for other in self.subscriptions where other.retainFlag != .asPublished && other.filter.overlaps(one.filter) {
                    throw SettingError(
                        path: [CodingKeys.subscribe],
                        "\(other.wireFilter) and \(one.wireFilter) overlap; write retain: as_published at both or at neither"
                    )
                }
            }
        }

        package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
            guard policy != .received, self.wantsSession, self.sessionExpiry == .zero else { return nil }
            return SettingError(
                path: [CodingKeys.sessionExpiry],
                "ack: \(policy.rawValue) at qos 1 needs a session that outlives a lost connection; write 1m or more, qos: 0 at every topic,"
                    + " or ack: received"
            )
        }

        package var exclusiveResources: [Resource] { self.connection.exclusiveResources }

        /// Whether the broker has anything to keep for us.
        var wantsSession: Bool { self.subscriptions.contains { $0.qos > 0 } }

        /// One hour when left out and any subscription has QoS 1, else none.
        var sessionExpiry: Duration {
            self.connection.sessionExpiry ?? (self.wantsSession ? .seconds(3600) : .zero)
        }
    }
}
