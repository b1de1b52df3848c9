import BridgeCore
import NIOCore

/// Renders one event as a message, with one variant of the sink's settings.
struct MQTTPublication {
    /// The arguments of the library's publish call, without the properties.
    struct Message {
        let topic: String
        let payload: ByteBuffer
        let isRetained: Bool
    }

    let qos: Int
    let configuration: MQTTSink.Configuration
    /// Reports properties whose templates fail.
    let omissions: OmissionReport
    private let needsReader: Bool

    init(_ configuration: MQTTSink.Configuration, omissions: OmissionReport) {
        self.omissions = omissions
        self.configuration = configuration
        self.qos = configuration.qos
        self.needsReader = !configuration.templates.allSatisfy { $0.constant != nil }
    }

    /// - Throws: ``MQTTTopicTemplate/Refusal``, or an ``ExpressionError`` of a template.
    func message(of event: Event, _ reader: EventReader) throws -> Message {
        if self.needsReader { reader.load(event) }
        let payload: ByteBuffer
        switch self.configuration.format {
        case .json: payload = event.json
        // An event of the bridge itself, such as a gap or a dead letter, has no upstream body.
        case .raw: payload = event.kind == .message ? event.raw : event.json
        case .template:
            payload =
                try self.configuration.structure?.render(reader)
                ?? ByteBuffer(string: self.configuration.body?.render(reader) ?? "")
        }
        let isRetained =
            switch self.configuration.retain {
            case .always(let value): value
            case .asPublished: event.attributes["retained"] == "true"
            case .when(let template): try template.render(reader) == "true"
            }
        return Message(topic: try self.configuration.topic.render(reader), payload: payload, isRetained: isRetained)
    }
}
