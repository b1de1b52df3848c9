import BridgeCore

/// One entry of `subscribe:`: a topic filter and how it is asked for.
struct MQTTSubscription: Sendable {
    /// What becomes of messages that the broker had kept: `retained:`.
    enum Retained: String, CaseIterable, Sendable {
        /// They come at every new subscription.
        case accept
        /// They never come.
        case ignore
        /// They come once, and again when they have changed meanwhile.
        case firstTime = "first_time"
    }

    /// How a message says whether it is retained: `retain:`.
    enum RetainFlag: String, CaseIterable, Sendable {
        /// Only what the broker had kept says so.
        case stored
        /// Every message says what its publisher asked for (Retain As Published, MQTT 5 §3.8.3.1).
        case asPublished = "as_published"
    }

    let filter: MQTTTopicFilter
    /// 0 or 1; 1 when left out.
    var qos: Int
    /// The group of a shared subscription (MQTT 5 §4.8.2).
    let share: String?
    /// ``Retained/accept`` when left out.
    var retained: Retained
    /// ``RetainFlag/stored`` when left out.
    let retainFlag: RetainFlag

    /// The filter as the broker reads it.
    var wireFilter: String { self.share.map { "$share/\($0)/\(self.filter.text)" } ?? self.filter.text }

    /// The subscription options of MQTT 5 §3.8.3.1, without the QoS.
    ///
    /// - Parameter isGranted: whether the broker's session should have this subscription: its retained messages then come only if it
    ///   has lost it.
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

extension MQTTSubscription: Decodable {
    private enum CodingKeys: String, CodingKey, CaseIterable {
        case topic, qos, share, retained, retain
    }

    /// A plain text is the filter with everything else at its default.
    init(from decoder: any Decoder) throws {
        if let text = try? decoder.singleValueContainer().decode(String.self) {
            self.filter = try Self.filter(text, at: decoder.codingPath)
            self.qos = 1
            self.share = nil
            self.retained = .accept
            self.retainFlag = .stored
            return
        }
        let container = try decoder.container(refusingOthersThan: CodingKeys.self)
        self.filter = try Self.filter(container.required(.topic), at: decoder.codingPath + [CodingKeys.topic])
        self.qos = try container.qos(.qos, default: 1)
        self.share = try container.optional(.share)
        self.retained = try container.choice(.retained, default: .accept)
        if let text = try? container.optional(.retain, as: String.self), Retained(rawValue: text) != nil {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.retain],
                "what becomes of messages that the broker had kept is written retained: \(text); retain is stored or as_published"
            )
        }
        self.retainFlag = try container.choice(.retain, default: .stored)
        if self.retainFlag == .asPublished, self.retained == .firstTime {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.retained],
                "retained: first_time cannot tell what was kept from what is new with retain: as_published; write accept or ignore"
            )
        }
        if let share, share.isEmpty || share.contains(where: { "/+#".contains($0) }) {
            throw SettingError(path: decoder.codingPath + [CodingKeys.share], "a group has a name without '/', '+' and '#'")
        }
    }

    private static func filter(_ text: String, at path: [any CodingKey]) throws -> MQTTTopicFilter {
        do {
            return try MQTTTopicFilter(text)
        } catch let error as MQTTTextError {
            throw SettingError(path: path, error.description)
        }
    }
}

/// `subscribe:`: one filter, one mapping, or a list of both.
struct MQTTSubscriptions: Decodable, Sendable {
    let elements: [MQTTSubscription]

    init(from decoder: any Decoder) throws {
        guard var list = try? decoder.unkeyedContainer() else {
            self.elements = [try MQTTSubscription(from: decoder)]
            return
        }
        var elements: [MQTTSubscription] = []
        while !list.isAtEnd { elements.append(try list.decode(MQTTSubscription.self)) }
        self.elements = elements
    }
}
