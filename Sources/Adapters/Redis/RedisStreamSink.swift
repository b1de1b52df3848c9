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
        enum Format: String, CaseIterable {
            /// One field `event` with the event's JSON.
            case json
            /// One field `data` with the unchanged upstream body.
            case raw
        }

        var redis = RedisSettings()
        var stream = Template()
        /// The stream is trimmed to about this many entries; `nil` for never.
        var maxlen: Int?
        /// Entries older than about this are trimmed; `nil` for never.
        var maximumAge: Duration?
        var format = Format.json
        /// The entry's fields instead of ``format``, in alphabetical order.
        var fields: [(name: String, value: Template)]?
        /// One field `data` with this JSON instead of ``format``.
        var structure: JSONTemplate?

        /// The keys of a sink of streams; a route can override the entry, not the server.
        package static let settings = Settings<Self> {
            RedisSettings.settings.within(\.redis)
            Setting(
                required: "stream", \.stream,
                .template.checked { $0.constant?.isEmpty == true ? "is empty; name a stream" : nil }, "Stream to append to"
            ).example("events").perRoute()
            Setting(
                "maxlen", \.maxlen, .integer(in: 1...), default: "no limit", "Approximate number of entries that the stream keeps"
            )
            .perRoute()
            Setting(
                "max_age", \.maximumAge, .duration, default: "no limit", "Approximate time for which the stream keeps entries"
            )
            .excluding("maxlen", else: "maxlen and max_age exclude each other; leave one out").perRoute()
            Setting(
                "format", \.format, .choice,
                "What an entry holds: the field event with the event's JSON, or the field data with the body as it arrived"
            ).perRoute()
            Setting(
                "fields", \.fields,
                SettingCodec<[String: Template]>.mapping(of: .template)
                    .checked { $0.isEmpty ? "is empty; add at least one field" : nil }
                    .map { fields in fields.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) } },
                "The fields of an entry"
            ).example("{ text: '{{ .message }}' }").excluding(
                "format", else: "format and fields exclude each other; leave one out"
            ).perRoute()
            Setting("json", \.structure, .json, "The structure of the field data, which is always valid JSON")
                .excluding("fields", "format", else: "json, fields and format exclude each other; json is the whole field data")
                .perRoute()
        }

        /// Makes settings of a server on this machine.
        package init() {}

        /// All templates.
        var templates: [Template] { [self.stream] + (self.fields ?? []).map(\.value) + (self.structure?.templates ?? []) }

        /// A template within a JSON string of a field.
        package var warnings: [SettingError] {
            (self.fields ?? []).compactMap { $0.value.jsonWarning(at: [SettingKey("fields"), SettingKey($0.name)]) }
        }

        /// See ``RedisSettings/secrets``; Redis may quote the fields too.
        package var secrets: SecretTexts {
            var secrets = self.redis.secrets
            for text in (self.fields ?? []).map(\.value.text) + (self.structure?.texts ?? []) { secrets.add(sent: text) }
            return secrets
        }

        /// Validates the connection, and that a stream of a cluster has one name.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.redis.validate()
            if self.redis.location.isCluster, self.stream.constant == nil {
                throw SettingError(
                    at: "stream",
                    because: "a stream of a cluster is on one node, so its name cannot be a template; name one stream")
            }
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
    package var templates: [[Template]] { self.variants.map(\.templates) }

    /// Connects and sends each batch as one write of XADD commands, until stopping.
    ///
    /// - Throws: `ComponentError` when the connection fails; the sink then runs again after its back-off. The error is
    ///   not retryable when constant streams are on several nodes of a cluster.
    package func run(_ inlet: SinkInlet) async throws {
        let variants = self.variants
        let keys = variants.compactMap(\.stream.constant)
        if variants[0].redis.location.isCluster, Set(keys.map { RedisSlot.of($0) }).count != 1 {
            throw ComponentError(
                .settings,
                "the streams \(Set(keys).sorted().joined(separator: ", ")) are on several nodes of \(variants[0].redis.location); "
                    + "give them one {hash tag} or a sink each", isRetryable: false
            )
        }
        try await RedisPublisher(
            settings: variants[0].redis, context: self.context, poison: self.poison,
            hasConstantKey: variants.map { $0.stream.constant != nil }, refusals: self.refusals, recovery: self.recovery,
            key: keys.first
        ).run(inlet) {
            delivery, reader, buffer in
            try Self.encode(delivery, variants[delivery.variant], reader, &buffer)
        }
    }

    static func encode(
        _ delivery: Delivery, _ settings: Configuration, _ reader: EventReader, _ buffer: inout ByteBuffer
    ) throws {
        let event = delivery.event
        reader.load(event)
        let stream = try RedisContent.name(settings.stream, reader)
        var fields = try settings.fields.map { try $0.map { ($0.name, ByteBuffer(string: try $0.value.render(reader))) } }
        if fields == nil {
            if let structure = settings.structure {
                fields = [("data", try structure.render(reader))]
            } else {
                fields = settings.format == .json ? [("event", event.json)] : [("data", event.raw)]
            }
            fields?.append(("event-id", ByteBuffer(string: event.id)))
            for attribute in event.provenance.attributes { fields?.append((attribute.name, ByteBuffer(string: attribute.value))) }
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
    /// The configured servers, sentinels or nodes, without user and password.
    package var peers: [PeerAddress] { self.variants[0].redis.peers }
}
