import BridgeCore
import Mosquitto

/// One entry of `subscribe:`: a topic filter and its options.
struct MQTTSubscription: SettingGroup {
    /// How retained messages are handled: `retained:`.
    enum Retained: String, CaseIterable, Sendable {
        /// They arrive at every new subscription.
        case accept
        /// They are dropped.
        case ignore
        /// They arrive once, and again after a change.
        case firstTime = "first_time"
    }

    /// When a message carries the retain flag: `retain:`.
    enum RetainFlag: String, CaseIterable, Sendable {
        /// Only a message that the broker had stored.
        case stored
        /// Every message that its publisher asked to retain (Retain As Published, MQTT 5 §3.8.3.1).
        case asPublished = "as_published"
    }

    // A filter of one level is always valid.
    var filter = try! MQTTTopicFilter("#")
    /// 0 or 1.
    var qos = 1
    /// The group of a shared subscription (MQTT 5 §4.8.2).
    var share: String?
    var retained = Retained.accept
    var retainFlag = RetainFlag.stored

    static let settings = Settings<Self> {
        Setting(required: "topic", \.filter, Self.filterCodec, "Topic filter")
        Setting("qos", \.qos, .qos, "Requested quality of service")
        Setting(
            "share", \.share,
            .text.checked { share in
                if share.isEmpty || share.utf8.contains(where: { "/+#".utf8.contains($0) }) {
                    return "a group name must not be empty or contain '/', '+' or '#'"
                }
                return MQTTText.isHarmless(share) ? nil : "a group name must not contain control characters"
            },
            "Group of a shared subscription"
        ).example("bridges")
        Setting("retained", \.retained, .choice, "How retained messages are handled")
        Setting("retain", \.retainFlag, .retainFlag, "Which messages are marked as retained")
    }

    /// A filter as text with the other settings at their defaults, or a mapping.
    static let codec = SettingCodec<Self>(.either([Self.filterCodec.type, .group(Self.settings.declarations)])) { decoder in
        guard (try? decoder.singleValueContainer().decode(String.self)) != nil else { return try Self(settings: decoder) }
        var subscription = Self()
        subscription.filter = try Self.filterCodec.read(decoder)
        return subscription
    }

    private static var filterCodec: SettingCodec<MQTTTopicFilter> {
        SettingCodec<String>.text("topic filter").map { text in
            do {
                return try MQTTTopicFilter(text)
            } catch let error as MQTTTextError {
                throw SettingError(error.description)
            }
        }
    }

    func validate() throws {
        if self.retainFlag == .asPublished, self.retained == .firstTime {
            throw SettingError(
                at: "retained",
                because:
                    "retained: first_time cannot distinguish stored messages from new ones with retain: as_published; write accept or ignore"
            )
        }
    }

    /// The filter in the broker's form.
    var wireFilter: String { self.share.map { "$share/\($0)/\(self.filter.text)" } ?? self.filter.text }

    /// The subscription options of MQTT 5 §3.8.3.1, without the QoS.
    ///
    /// - Parameter isGranted: whether the broker's session should have this subscription: its retained messages then
    ///   arrive only if the broker has lost it.
    func options(noLocal: Bool, isGranted: Bool = false) -> Int32 {
        var options: Int32 = 0
        // No Local on a shared subscription is a protocol error.
        if noLocal, self.share == nil { options |= 0x04 }
        if self.retainFlag == .asPublished { options |= 0x08 }
        switch self.retained {
        case .accept: if isGranted { options |= 0x10 }
        case .firstTime: options |= 0x10
        case .ignore: options |= 0x20
        }
        return options
    }
}

extension SettingCodec where Value == MQTTSubscription.RetainFlag {
    /// A choice; a value of the other key is recognised.
    fileprivate static var retainFlag: Self {
        Self(Self.choice.type, write: \.rawValue) { decoder in
            if let text = try? decoder.singleValueContainer().decode(String.self),
                MQTTSubscription.Retained(rawValue: text) != nil
            {
                throw SettingError(
                    path: decoder.codingPath,
                    "retained messages are handled by retained: \(text); retain is stored or as_published"
                )
            }
            return try Self.choice.read(decoder)
        }
    }
}
