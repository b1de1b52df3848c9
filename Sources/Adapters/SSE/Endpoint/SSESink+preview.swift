package import BridgeCore
import NIOCore

extension SSESink: PreviewingSink {
    /// Renders events as subscribers get them: `stream`, `event` and `data`.
    package static func preview(variants: [SSESinkConfiguration], context: ComponentContext) throws -> SinkPreview {
        let stream = SSEStream(
            number: 0, settings: variants[0], metrics: SSEMetrics(context.metrics, logger: context.logger))
        var sequence: UInt64 = 0
        return SinkPreview { delivery, reader in
            let event = delivery.event
            let labels: (name: String?, type: String?)
            do throws(SSERequestError) {
                labels = try SSELabels.labels(of: event, stream, reader)
            } catch {
                throw PreviewRefusal(error.message)
            }
            sequence += 1
            let type = stream.hasTypes ? labels.type : stream.fixedType
            var frame = ByteBuffer()
            SSEFormat.events.write(
                SSEItem(event: event, sequence: sequence, type: type, content: stream.content), epoch: "test", into: &frame)
            // Read back as a subscriber does.
            var parser = SSEParser()
            var items: [SSEParser.Item] = []
            parser.feed(frame, into: &items)
            guard case .event(let received)? = items.first else { throw PreviewRefusal("the event has no data") }
            return SentMessage([
                ("stream", .text(labels.name ?? stream.prefix)),
                ("event", received.type == "message" ? nil : .text(received.type)), ("data", .body(received.data)),
            ])
        }
    }
}
