package import BridgeCore
import Mosquitto

extension MQTTSource {
    /// The settings of an MQTT source.
    package struct Configuration: ComponentConfiguration {
        var connection = MQTTConnectionSettings()
        /// At least one.
        var subscriptions: [MQTTSubscription] = []
        /// Does not receive messages that this client publishes; `nil` means true with MQTT 5.
        var noLocal: Bool?

        /// The keys of an MQTT source.
        package static let settings = Settings<Self> {
            MQTTConnectionSettings.settings.within(\.connection)
            Setting(
                required: "subscribe", \.subscriptions,
                .oneOrMore(of: MQTTSubscription.codec).checked {
                    $0.isEmpty ? "at least one topic filter is needed, such as zigbee2mqtt/#" : nil
                },
                "Topic filters to subscribe to"
            ).example("[{ topic: 'home/#', qos: 1 }]")
            Setting(
                "no_local", \.noLocal, .flag, default: "true with protocol: 5",
                "Whether messages that this client publishes are left out")
        }

        /// Makes settings in which every key has its default; required ones are empty.
        package init() {}

        /// See ``MQTTConnectionSettings/secrets``.
        package var secrets: SecretTexts { self.connection.secrets }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.connection.validate()
            var filters: Set<ExactText> = []
            for subscription in self.subscriptions where !filters.insert(ExactText(subscription.wireFilter)).inserted {
                throw SettingError(at: "subscribe", because: "\(subscription.wireFilter) is subscribed to twice")
            }
            try self.refuseOverlappingShares()
            if self.connection.version == .three, self.noLocal == true {
                throw SettingError(at: "no_local", because: "no_local needs protocol: 5")
            }
            try self.refuseMixedRetainFlags()
        }

        /// Valid filters that most likely match nothing.
        package var warnings: [SettingError] {
            self.subscriptions.enumerated().compactMap { index, subscription in
                subscription.filter.doubt.map {
                    SettingError(path: [SettingKey("subscribe"), SettingKey(index), SettingKey("topic")], $0)
                }
            }
        }

        /// Each group gets its own copy, and nothing identifies two copies as one message.
        private func refuseOverlappingShares() throws {
            let shared = self.tree { $0.share != nil }
            guard let pair = try self.overlap(of: shared, with: self.tree { _ in true }) else { return }
            let first = self.subscriptions[min(pair.0, pair.1)]
            let second = self.subscriptions[max(pair.0, pair.1)]
            throw SettingError(
                at: "subscribe",
                because:
                    "\(first.wireFilter) and \(second.wireFilter) overlap, so messages would arrive twice; a shared subscription that"
                    + " overlaps another needs a source of its own"
            )
        }

        /// The indices of two subscriptions that overlap, one of each tree; `nil` when none do.
        private func overlap(of tree: MQTTFilterTree, with other: MQTTFilterTree) throws -> (Int, Int)? {
            let comparison = tree.compare(with: other)
            guard comparison.isComplete else {
                throw SettingError(
                    at: "subscribe",
                    because:
                        "too many filters with '+' at several levels to check for overlaps; divide them among several sources"
                )
            }
            return comparison.overlap
        }

        /// The filters of some subscriptions, each with the index of its subscription.
        private func tree(_ isMeant: (MQTTSubscription) -> Bool) -> MQTTFilterTree {
            MQTTFilterTree(
                self.subscriptions.enumerated().filter { isMeant($0.element) }.map {
                    (value: $0.offset, filter: $0.element.filter)
                }
            )
        }

        /// A message that matches two filters has one flag.
        private func refuseMixedRetainFlags() throws {
            let asPublished = self.subscriptions.filter { $0.retainFlag == .asPublished }
            if let first = asPublished.first, self.connection.version == .three {
                throw SettingError(
                    at: "subscribe", because: "retain: as_published needs protocol: 5, at \(first.wireFilter)"
                )
            }
            let others = self.tree { $0.retainFlag != .asPublished }
            guard let pair = try self.overlap(of: others, with: self.tree { $0.retainFlag == .asPublished }) else { return }
            throw SettingError(
                at: "subscribe",
                because: "\(self.subscriptions[pair.0].wireFilter) and \(self.subscriptions[pair.1].wireFilter) overlap;"
                    + " write retain: as_published at both or at neither"
            )
        }

        /// A message that is acknowledged later needs a session that outlives the connection.
        package func acknowledgeConflict(with policy: AcknowledgePolicy) -> SettingError? {
            guard policy != .received, self.wantsSession, self.sessionExpiry == .zero else { return nil }
            return SettingError(
                at: "session_expiry",
                because:
                    "ack: \(policy.rawValue) at qos 1 needs a session that outlives a lost connection; write 1m or more, qos: 0 at every topic,"
                    + " or ack: received"
            )
        }

        /// The client identifier at the broker, if configured.
        package var exclusiveResources: [Resource] { self.connection.exclusiveResources }

        /// Whether the broker needs a session for this source.
        var wantsSession: Bool { self.subscriptions.contains { $0.qos > 0 } }

        /// By default one hour if any subscription has QoS 1, else none.
        var sessionExpiry: Duration {
            self.connection.sessionExpiry ?? (self.wantsSession ? .seconds(3600) : .zero)
        }
    }
}
