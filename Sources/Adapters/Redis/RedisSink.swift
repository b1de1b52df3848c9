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
        /// The keys of its mapping, as the file writes them.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, user, password, tls, sentinel, connectTimeout = "connect_timeout", channel, format, body,
                json
        }

        /// Keys that a route may set for its own events.
        package static let perRouteKeys: [CodingKeys] = [.channel, .format, .body, .json]

        var redis: RedisSettings
        let channel: Template
        let content: RedisContent

        /// Reads the keys and fills in defaults.
        ///
        /// - Throws: `SettingError` with the place of a key that is missing, of the wrong kind or out of range.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.redis = try RedisSettings(container) { CodingKeys(rawValue: $0)! }
            self.channel = try container.required(.channel)
            self.content = try RedisContent(container, format: .format, body: .body, json: .json)
        }

        /// What is allowed and probably not meant, each with its key.
        package var warnings: [SettingError] {
            guard case .template(let template) = self.content else { return [] }
            return [template.jsonWarning(at: [CodingKeys.body])].compactMap { $0 }
        }

        /// Checks what no single key shows.
        ///
        /// - Throws: `SettingError` with the key, the mistake and the remedy.
        package func validate() throws {
            if self.channel.constant?.isEmpty == true {
                throw SettingError(path: [CodingKeys.channel], "is empty; name a channel")
            }
        }
    }

    private let variants: [Configuration]
    private let context: ComponentContext
    private let poison = PoisonMessageDetector()
    private let refusals = RefusalStreak()

    /// Makes a sink that connects when it runs.
    ///
    /// - Parameter variants: the settings of the file first, then those that routes have changed; never empty.
    package init(variants: [Configuration], context: ComponentContext) {
        self.variants = variants
        self.context = context
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
            hasConstantKey: variants.map { $0.channel.constant != nil }, refusals: self.refusals
        ).run(inlet) {
            delivery, reader, buffer in
            let settings = variants[delivery.variant]
            reader.load(delivery.event)
            let channel = try RedisContent.name(settings.channel, reader)
            let body = try settings.content.bytes(reader, delivery.event)
            RedisCommand.begin(3, in: &buffer)
            RedisCommand.word("PUBLISH", to: &buffer)
            RedisCommand.word(channel, to: &buffer)
            RedisCommand.word(body, to: &buffer)
        }
    }
}

/// What goes as the body of a message: `format:` or `body:`.
enum RedisContent: Sendable {
    enum Format: String, CaseIterable {
        /// The event's JSON.
        case json
        /// The upstream body as it came.
        case raw
    }

    case json
    case raw
    case template(Template)
    case structure(JSONTemplate)

    init<Keys: CodingKey>(
        _ container: KeyedDecodingContainer<Keys>, format: Keys, body: Keys, json: Keys
    ) throws {
        if let structure: JSONTemplate = try container.optional(json) {
            guard !container.contains(format), !container.contains(body) else {
                throw SettingError(
                    path: container.codingPath + [json], "json, body and format exclude each other; json says all of the body")
            }
            self = .structure(structure)
        } else if let template: Template = try container.optional(body) {
            guard !container.contains(format) else {
                throw SettingError(path: container.codingPath + [body], "format and body exclude each other; leave one out")
            }
            self = .template(template)
        } else {
            self = try container.choice(format, default: Format.json) == .json ? .json : .raw
        }
    }

    var templates: [Template] {
        switch self {
        case .json, .raw: []
        case .template(let template): [template]
        case .structure(let json): json.templates
        }
    }

    func bytes(_ reader: EventReader, _ event: Event) throws -> ByteBuffer {
        switch self {
        case .json: event.json
        case .raw: event.raw
        case .template(let template): ByteBuffer(string: try template.render(reader))
        case .structure(let json): try json.render(reader)
        }
    }

    /// The channel or key that a template makes of the event that the reader holds.
    ///
    /// - Throws: ``ExpressionError`` that names the template.
    static func name(_ template: Template, _ reader: EventReader) throws -> String {
        do {
            return try template.renderAddress(reader, escape: self.line)
        } catch {
            throw ExpressionError("\(template.text) has no result: \(error)")
        }
    }

    /// What an event's content may put into a channel or key: no control characters.
    static func line(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return text }
        return String(text.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "_" : $0 })
    }
}

extension RedisSink: ReachableComponent {
    /// The servers, sentinels or nodes that the file names, without user and password.
    package var peers: [PeerAddress] { self.variants[0].redis.peers }
}
