import BridgeCore
import Mosquitto

extension MQTTPublication {
    /// The properties of the message; empty with MQTT 3.1.1.
    ///
    /// Call it after ``message(of:_:)`` with the same event. Empty properties are omitted, except user properties.
    /// Failing ones are omitted and reported.
    func properties(of delivery: Delivery, _ reader: EventReader) throws -> MosquittoProperties {
        var properties = MosquittoProperties()
        try self.write(delivery, reader, to: &properties)
        return properties
    }

    /// Writes the properties that ``properties(of:_:)`` returns.
    func write<Target: MQTTPropertyTarget & ~Copyable>(
        _ delivery: Delivery, _ reader: EventReader, to properties: inout Target
    ) throws {
        guard self.configuration.connection.version == .five else { return }
        let event = delivery.event
        let settings = self.configuration.properties
        let isUnchanged = self.configuration.format == .raw && event.kind == .message
        if let template = settings.contentType {
            let type = self.optional("content_type", event) { try template.render(reader) } ?? ""
            try self.require(
                properties.append(.contentType, text: type), "the content type has more than 65535 bytes")
        } else if self.configuration.format == .json || self.configuration.structure != nil {
            _ = properties.append(.contentType, text: "application/json")
        } else if isUnchanged, let type = event.attributes["content-type"] {
            _ = properties.append(.contentType, text: type)
        }
        if let template = settings.responseTopic {
            let topic =
                self.optional("response_topic", event) {
                    // If the whole topic is missing, no answer is wanted; if only a part is missing, the topic is
                    // wrong.
                    try template.renderOptional(reader) == nil ? "" : try template.renderAddress(reader)
                } ?? ""
            try self.require(
                (topic.isEmpty || MQTTPropertySettings.isTopic(topic))
                    && properties.append(.responseTopic, text: topic),
                "the response topic rendered from \(template.text) is not a topic"
            )
        } else if isUnchanged, let topic = event.attributes["response_topic"], MQTTPropertySettings.isTopic(topic) {
            _ = properties.append(.responseTopic, text: topic)
        }
        if let template = settings.correlationData {
            try self.require(
                properties.append(
                    .correlationData,
                    binary: Array((self.optional("correlation_data", event) { try template.render(reader) } ?? "").utf8)
                ),
                "the correlation data has more than 65535 bytes"
            )
        } else if isUnchanged, let data = event.attributes["correlation_data"].flatMap({ [UInt8](base64: $0) }) {
            _ = properties.append(.correlationData, binary: data)
        }
        if let expiry = settings.expiry {
            properties.append(.messageExpiry, number: UInt32(clamping: expiry.components.seconds))
        } else if isUnchanged, let seconds = event.attributes["message_expiry"].flatMap({ UInt32($0) }) {
            properties.append(.messageExpiry, number: seconds)
        }
        if isUnchanged, event.attributes["payload_format"] == "utf-8" {
            properties.append(.payloadFormat, byte: 1)
        }
        _ = properties.append(user: MQTTSink.idempotencyProperty, event.id)
        for (name, value) in event.provenance.attributes { _ = properties.append(user: name, value) }
        for (name, template) in settings.user {
            guard let value = self.optional(name, event, { try template.render(reader) }) else { continue }
            try self.require(properties.append(user: name, value), "the user property \(name) has more than 65535 bytes")
        }
    }

    /// - Returns: `nil` for a template that fails, which is reported.
    private func optional(_ name: String, _ event: Event, _ render: () throws -> String) -> String? {
        do {
            return try render()
        } catch {
            self.omissions.note(name, event, error)
            return nil
        }
    }

    /// Why a message cannot be made, for the dead letter; `nil` for errors that are not about the event.
    static func refusal(_ error: any Error) -> String? {
        switch error {
        case let refusal as MQTTTopicTemplate.Refusal: refusal.reason
        case let error as ExpressionError: "a template of the sink failed for this event: \(error)"
        default: nil
        }
    }

    private func require(_ isTaken: Bool, _ reason: String) throws {
        guard isTaken else { throw MQTTTopicTemplate.Refusal(reason: reason) }
    }
}
