import BridgeCore
import JSON
import NIOCore

/// Renders events as the states of Home Assistant's entities.
struct HomeAssistantEventWriter: Sendable {
    /// The most bytes of an event in attributes: Home Assistant does not record more than 16 KiB of them.
    static let largest = 12 << 10
    /// The most characters of the message, and the most tags and characters of a tag, of an event that is larger.
    private static let cut = (message: 2000, tags: 20, tag: 64)

    /// An event that a sensor or binary sensor cannot show.
    struct Unknown: Sendable {
        let entity: String
        /// `nil` when the event does not have it.
        let value: String?
    }

    let names: HomeAssistantNames
    let types: [String: [String]]

    /// The messages for one event, one for each entity.
    ///
    /// - Parameters:
    ///   - delivery: loaded into the reader by this function.
    ///   - unknown: receives a value that is absent or means neither on nor off; the entity then keeps its state.
    /// - Throws: `ExpressionError` of a template.
    func messages(
        for delivery: Delivery, _ targets: [(key: String, entity: HomeAssistantEntity)], _ reader: EventReader,
        unknown: (Unknown) -> Void
    ) throws -> [HomeAssistantMessage] {
        let event = delivery.event
        reader.load(event)
        let shown = Self.bounded(event)
        var messages: [HomeAssistantMessage] = []
        for (key, entity) in targets {
            switch entity.platform {
            case .event:
                var object = HomeAssistantObject()
                object.add("event_type", try self.type(of: delivery, key, entity, reader))
                var payload = object.buffer
                payload.moveWriterIndex(to: payload.writerIndex - 1)
                payload.writeString(",")
                payload.writeImmutableBuffer(shown.getSlice(at: shown.readerIndex + 1, length: shown.readableBytes - 1)!)
                messages.append(HomeAssistantMessage(self.names.event(key), payload, isRetained: false))
            case .sensor:
                guard let value = try entity.value?.renderOptional(reader) ?? Self.standard(event, entity) else {
                    unknown(Unknown(entity: key, value: nil))
                    continue
                }
                messages.append(self.state(key, entity, HomeAssistantStates.state(value), shown))
            case .binarySensor:
                let value = try entity.value?.renderOptional(reader)
                guard let value, let isOn = entity.isOn(value) else {
                    unknown(Unknown(entity: key, value: value.map(HomeAssistantStates.state)))
                    continue
                }
                messages.append(self.state(key, entity, isOn ? "ON" : "OFF", shown))
            }
        }
        return messages
    }

    /// The state of a sensor without `value`: the message, or else the title.
    private static func standard(_ event: Event, _ entity: HomeAssistantEntity) -> String? {
        guard entity.value == nil else { return nil }
        return event.message.isEmpty ? event.title ?? "" : event.message
    }

    private func state(
        _ key: String, _ entity: HomeAssistantEntity, _ value: String, _ attributes: ByteBuffer
    ) -> HomeAssistantMessage {
        var object = HomeAssistantObject()
        object.add("state", value)
        if entity.hasAttributes { object.add("attributes", json: attributes) }
        return HomeAssistantMessage(self.names.state(key), object.buffer)
    }

    private func type(
        of delivery: Delivery, _ key: String, _ entity: HomeAssistantEntity, _ reader: EventReader
    ) throws -> String {
        let types = self.types[key] ?? []
        let wanted =
            if let template = entity.type {
                try template.render(reader)
            } else if entity.types == nil {
                delivery.route
            } else {
                delivery.event.tags.first(where: types.contains) ?? ""
            }
        return types.contains(wanted) ? wanted : HomeAssistantEntity.otherType
    }

    /// The event's JSON; that of its most important parts when it is large.
    static func bounded(_ event: Event) -> ByteBuffer {
        guard event.json.readableBytes > Self.largest else { return event.json }
        var object = HomeAssistantObject()
        object.add("id", event.id)
        object.add("title", event.title.map(HomeAssistantStates.state))
        object.add("message", String(String.UnicodeScalarView(event.message.unicodeScalars.prefix(Self.cut.message))))
        if let priority = event.priority { object.add("priority", priority) }
        let tags = event.tags.prefix(Self.cut.tags).map {
            String(String.UnicodeScalarView($0.unicodeScalars.prefix(Self.cut.tag)))
        }
        if !tags.isEmpty { object.add("tags", tags) }
        object.add("timestamp", event.timestamp.description)
        object.add("truncated", true)
        return object.buffer
    }
}

extension HomeAssistantEntity {
    /// Whether a text means on; `nil` when it means neither on nor off.
    func isOn(_ text: String) -> Bool? {
        let text = text.lowercased()
        if self.onValues.contains(where: { $0.lowercased() == text }) { return true }
        return self.offValues.contains { $0.lowercased() == text } ? false : nil
    }
}
