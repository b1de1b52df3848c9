package import BridgeCore
import NIOCore

/// Appends to Redis streams (`type: redis-stream`).
///
/// Confirmed when the server has answered.
package final class RedisStreamSink: Sink {
    /// The `type:` of the sink.
    package static let kind: ComponentKind = "redis-stream"

    /// Settings of the sink.
    package struct Configuration: SinkConfiguration {
        /// The keys of its mapping, as the file writes them.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, user, password, tls, sentinel, connectTimeout = "connect_timeout", stream, maxlen, maximumAge = "max_age"
            case format, fields, json
        }

        /// Keys that a route may set for its own events.
        package static let perRouteKeys: [CodingKeys] = [.stream, .maxlen, .maximumAge, .format, .fields, .json]

        enum Format: String, CaseIterable {
            /// One field `event` with the event's JSON.
            case json
            /// One field `data` with the upstream body as it came.
            case raw
        }

        var redis: RedisSettings
        let stream: Template
        /// The stream is trimmed to about this many entries; absent means never.
        let maxlen: Int?
        /// Entries older than about this are trimmed; absent means never.
        let maximumAge: Duration?
        let format: Format
        /// The entry's fields instead of ``format``, in alphabetical order.
        let fields: [(name: String, value: Template)]?
        /// One field `data` with this JSON instead of ``format``; excludes ``fields``.
        let structure: JSONTemplate?

        /// Every template among them.
        var templates: [Template] { [self.stream] + (self.fields ?? []).map(\.value) + (self.structure?.templates ?? []) }

        /// What is allowed and probably not meant, each with its key.
        package var warnings: [SettingError] {
            (self.fields ?? []).compactMap { $0.value.jsonWarning(at: [CodingKeys.fields, SettingKey($0.name)]) }
        }

        /// Reads the keys and fills in defaults.
        ///
        /// - Throws: `SettingError` with the place of a key that is missing, of the wrong kind or out of range.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.redis = try RedisSettings(container) { CodingKeys(rawValue: $0)! }
            self.stream = try container.required(.stream)
            self.maxlen = container.contains(.maxlen) ? try container.integer(.maxlen, in: 1...Int.max, default: 1) : nil
            self.maximumAge = container.contains(.maximumAge) ? try container.duration(.maximumAge, default: .zero) : nil
            self.format = try container.choice(.format, default: Format.json)
            let fields: [String: Template]? = try container.optional(.fields)
            if fields != nil, container.contains(.format) {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.fields], "format and fields exclude each other; leave one out")
            }
            self.fields = fields?.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
            self.structure = try container.optional(.json)
            if self.structure != nil, fields != nil || container.contains(.format) {
                throw SettingError(
                    path: container.codingPath + [CodingKeys.json],
                    "json, fields and format exclude each other; json says all of the field data")
            }
        }

        /// Checks what no single key shows.
        ///
        /// - Throws: `SettingError` with the key, the mistake and the remedy.
        package func validate() throws {
            if self.stream.constant?.isEmpty == true {
                throw SettingError(path: [CodingKeys.stream], "is empty; name a stream")
            }
            if self.maxlen != nil, self.maximumAge != nil {
                throw SettingError(path: [CodingKeys.maximumAge], "maxlen and max_age exclude each other; leave one out")
            }
            if self.redis.location.isCluster, self.stream.constant == nil {
                throw SettingError(
                    path: [CodingKeys.stream],
                    "a stream of a cluster lies on one node, so its name cannot be a template; name one stream"
                )
            }
            if self.fields?.isEmpty == true { throw SettingError(path: [CodingKeys.fields], "is empty; an entry needs a field") }
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
    package var templates: [[Template]] { self.variants.map(\.templates) }

    /// Connects and sends each batch as one write of XADD commands, until stopping.
    ///
    /// - Throws: `ComponentError` when the connection cannot be made or ends; the sink is then run again after its back-off. One that
    ///   cannot be retried when constant streams lie on several nodes of a cluster.
    package func run(_ inlet: SinkInlet) async throws {
        let variants = self.variants
        let keys = variants.compactMap(\.stream.constant)
        if variants[0].redis.location.isCluster, Set(keys.map { RedisSlot.of($0) }).count != 1 {
            throw ComponentError(
                .settings,
                "the streams \(Set(keys).sorted().joined(separator: ", ")) lie on several nodes of \(variants[0].redis.location); "
                    + "give them one {hash tag} or a sink each", isRetryable: false
            )
        }
        try await RedisPublisher(
            settings: variants[0].redis, context: self.context, poison: self.poison,
            hasConstantKey: variants.map { $0.stream.constant != nil }, refusals: self.refusals, key: keys.first
        ).run(inlet) {
            delivery, reader, buffer in
            reader.load(delivery.event)
            try Self.encode(delivery, variants[delivery.variant], reader, &buffer)
        }
    }

    private static func encode(
        _ delivery: Delivery, _ settings: Configuration, _ reader: EventReader, _ buffer: inout ByteBuffer
    ) throws {
        let event = delivery.event
        let stream = try RedisContent.name(settings.stream, reader)
        var fields = try settings.fields.map { try $0.map { ($0.name, ByteBuffer(string: try $0.value.render(reader))) } }
        if fields == nil {
            if let structure = settings.structure {
                fields = [("data", try structure.render(reader))]
            } else {
                fields = settings.format == .json ? [("event", event.json)] : [("data", event.raw)]
            }
            fields?.append(("event-id", ByteBuffer(string: event.id)))
            for attribute in event.passage.attributes { fields?.append((attribute.name, ByteBuffer(string: attribute.value))) }
        }
        let pairs = fields ?? []
        let trimming: (way: String, limit: String)? =
            if let maxlen = settings.maxlen {
                ("MAXLEN", String(maxlen))
            } else if let age = settings.maximumAge {
                ("MINID", String(max(0, Timestamp.now().milliseconds - age.milliseconds)))
            } else {
                nil
            }
        RedisCommand.begin(3 + (trimming == nil ? 0 : 3) + pairs.count * 2, in: &buffer)
        RedisCommand.word("XADD", to: &buffer)
        RedisCommand.word(stream, to: &buffer)
        if let trimming {
            RedisCommand.word(trimming.way, to: &buffer)
            RedisCommand.word("~", to: &buffer)
            RedisCommand.word(trimming.limit, to: &buffer)
        }
        RedisCommand.word("*", to: &buffer)
        for (name, value) in pairs {
            RedisCommand.word(name, to: &buffer)
            RedisCommand.word(value, to: &buffer)
        }
    }
}

extension RedisStreamSink: ReachableComponent {
    /// The servers, sentinels or nodes that the file names, without user and password.
    package var peers: [PeerAddress] { self.variants[0].redis.peers }
}
