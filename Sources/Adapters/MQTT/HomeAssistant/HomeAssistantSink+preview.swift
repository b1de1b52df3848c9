package import BridgeCore

extension HomeAssistantSink: PreviewingSink {
    /// Renders the states that a delivery changes: a list of `messages` with `topic`, `payload` and `retain`.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        let names = HomeAssistantNames(variants[0], bridge: context.bridge)
        let control = try context.shared.find(BridgeControl.self) { BridgeControl() }
        let catalog = HomeAssistantCatalog(variants[0], names, control, sink: context.name)
        let writer = HomeAssistantEventWriter(names: names, types: catalog.types)
        return SinkPreview { delivery, reader in
            do {
                let messages = try writer.messages(for: delivery, variants[delivery.variant].targets, reader) { _ in }
                return SentMessage([
                    (
                        "messages",
                        .list(
                            messages.map {
                                .object([
                                    ("topic", .text($0.topic)), ("payload", .body($0.payload)), ("retain", .flag($0.isRetained)),
                                ])
                            })
                    )
                ])
            } catch let error as ExpressionError {
                throw PreviewRefusal(Self.refusal(error))
            }
        }
    }

    /// Why the states of an event cannot be made, for the dead letter.
    static func refusal(_ error: ExpressionError) -> String { "a template of an entity failed for this event: \(error)" }
}
