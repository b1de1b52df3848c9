package import BridgeCore
import NIOCore

/// Publishes to Redis channels (`type: redis`).
///
/// Confirmed when the server has answered.
package final class RedisSink: Sink {
    /// The `type:` of the sink.
    package static let kind: ComponentKind = "redis"

    /// Settings of the sink.
    package struct Configuration: SinkConfiguration {
        var redis = RedisSettings()
        var channel = Template()
        var content = RedisContent()

        /// The keys of a sink of channels; a route can override the message, not the server.
        package static let settings = Settings<Self> {
            RedisSettings.settings.within(\.redis)
            Setting(
                required: "channel", \.channel,
                .template.checked { $0.constant?.isEmpty == true ? "is empty; name a channel" : nil }, "Channel to publish to"
            ).example("'rooms:{{ .payload.room }}'").perRoute()
            RedisContent.settings.within(\.content)
        }

        /// Makes settings of a server on this machine.
        package init() {}

        /// See ``RedisSettings/secrets``.
        package var secrets: SecretTexts { self.redis.secrets }

        /// Validates the connection.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws { try self.redis.validate() }

        /// A template within a JSON string of `body`.
        package var warnings: [SettingError] {
            [self.content.body?.jsonWarning(at: [SettingKey("body")])].compactMap { $0 }
        }
    }

    private let variants: [Configuration]
    private let context: ComponentContext
    private let poison = PoisonMessageDetector()
    private let refusals = RefusalStreak()
    private let recovery: RecoveryLog

    /// Makes a sink that connects when it runs.
    ///
    /// - Parameter variants: the configured settings first, then those changed by routes; never empty.
    package init(variants: [Configuration], context: ComponentContext) {
        self.variants = variants
        self.context = context
        self.recovery = RecoveryLog(logger: context.logger)
    }

    /// The templates of each variant, in the order of the variants.
    package var templates: [[Template]] { self.variants.map { [$0.channel] + $0.content.templates } }

    /// Connects and sends each batch as one write of PUBLISH commands, until stopping.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or ends; the sink is then run again after its back-off.
    package func run(_ inlet: SinkInlet) async throws {
        let variants = self.variants
        try await RedisPublisher(
            settings: variants[0].redis, context: self.context, poison: self.poison,
            hasConstantKey: variants.map { $0.channel.constant != nil }, refusals: self.refusals, recovery: self.recovery
        ).run(inlet) {
            delivery, reader, buffer in
            try Self.encode(delivery, variants[delivery.variant], reader, &buffer)
        }
    }

    static func encode(
        _ delivery: Delivery, _ settings: Configuration, _ reader: EventReader, _ buffer: inout ByteBuffer
    ) throws {
        reader.load(delivery.event)
        let channel = try RedisContent.name(settings.channel, reader)
        let body = try settings.content.bytes(reader, delivery.event)
        RedisCommand.begin(3, in: &buffer)
        RedisCommand.word("PUBLISH", to: &buffer)
        RedisCommand.word(channel, to: &buffer)
        RedisCommand.word(body, to: &buffer)
    }
}

/// The body of a message: `format`, `body` and `json`.
struct RedisContent: SettingGroup {
    enum Format: String, CaseIterable {
        /// The event's JSON.
        case json
        /// The unchanged upstream body.
        case raw
    }

    var format = Format.json
    var body: Template?
    /// Always valid JSON.
    var structure: JSONTemplate?

    static let settings = Settings<Self> {
        Setting("format", \.format, .choice, "What a message holds: the event's JSON, or the body as it arrived").perRoute()
        Setting("body", \.body, .template, "The text of a message").example("'{{ .message }}'")
            .excluding("format", else: "format and body exclude each other; leave one out").perRoute()
        Setting("json", \.structure, .json, "The structure of a message, which is always valid JSON")
            .excluding("body", "format", else: "json, body and format exclude each other; json is the whole body").perRoute()
    }

    var templates: [Template] { [self.body].compactMap { $0 } + (self.structure?.templates ?? []) }

    func bytes(_ reader: EventReader, _ event: Event) throws -> ByteBuffer {
        if let structure { return try structure.render(reader) }
        if let body { return ByteBuffer(string: try body.render(reader)) }
        return self.format == .json ? event.json : event.raw
    }

    /// Renders a channel or key for the event that the reader holds.
    ///
    /// - Throws: ``ExpressionError`` that names the template.
    static func name(_ template: Template, _ reader: EventReader) throws -> String {
        do {
            return try template.renderAddress(reader, escape: self.line)
        } catch {
            throw ExpressionError("\(template.text) has no result: \(error)")
        }
    }

    /// Removes control characters, which an event's content must not add to a channel or key.
    static func line(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        return String(text.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "_" : $0 })
    }
}

extension RedisSink: ReachableComponent {
    /// The configured servers, sentinels or nodes, without user and password.
    package var peers: [PeerAddress] { self.variants[0].redis.peers }
}
