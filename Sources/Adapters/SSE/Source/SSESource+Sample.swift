package import BridgeCore
import NIOCore

extension SSESource: RehearsableSource {
    /// An event as a test writes it; its data is the body.
    package struct Sample: SettingGroup {
        var event: String?
        var id: String?

        /// The keys of an event.
        package static let settings = Settings<Self> {
            Setting("event", \.event, .text.checked(Self.problem), default: "message", "Type of the event")
            Setting("id", \.id, .text.checked(Self.problem), "Id of the event")
        }

        /// Makes an event without type and id.
        package init() {}

        private static func problem(_ text: String) -> String? {
            text.utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 } ? "has a line break, which no event of a stream can have" : nil
        }
    }

    /// Reads events as the source does: written as a stream, and parsed.
    package static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        let reading = SSEReading(configuration, metrics: context.metrics)
        var parser = SSEParser(limit: reading.maximumEvent)
        return SampleReading { sample, body in
            var stream = ByteBuffer()
            if let event = sample.event { stream.writeString("event: \(event)\n") }
            if let id = sample.id { stream.writeString("id: \(id)\n") }
            stream.writeString(":")
            stream.writeDataLines(body.bytes)
            stream.writeString("\n\n")
            var items: [SSEParser.Item] = []
            parser.feed(stream, into: &items)
            var messages: [ReceivedMessage] = []
            var notes: [String] = []
            for item in items {
                switch item {
                case .event(let event):
                    switch reading.meaning(of: event) {
                    case .message: messages.append(reading.message(of: event))
                    case .nothing: notes.append("the source does not take events of the type '\(event.type)', see events")
                    case .gap(let reason): notes.append("the source reports a gap: \(reason)")
                    }
                case .tooLarge(_, let bytes): notes.append("the event has \(bytes) bytes, more than max_event, and is skipped")
                case .cursor, .retry: break
                }
            }
            return SampleReception(messages, notes: notes)
        }
    }
}
