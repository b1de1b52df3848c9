package import BridgeCore
import NIOCore

extension RedisSource: RehearsableSource {
    /// A message as a test writes it.
    package struct Sample: SettingGroup {
        var channel: String?
        var list: String?

        /// The keys of a message.
        package static let settings = Settings<Self> {
            Setting("channel", \.channel, .text, "Channel that the message is published to")
                .excluding("list", else: "channel and list exclude each other; leave one out")
            Setting("list", \.list, .text, "List that the message is taken from")
        }

        /// Makes a message of the only channel or list.
        package init() {}
    }

    /// Reads messages as the subscriber and the reader of lists do; the channels, patterns and lists decide whether one
    /// arrives.
    package static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        let patterns = configuration.patterns.map { (text: $0, names: ReadPlace.Names($0, syntax: .glob)) }
        return SampleReading { sample, body in
            if let list = sample.list ?? Self.only(configuration.lists, unless: sample.channel) {
                guard configuration.lists.contains(list) else {
                    throw SampleRefusal("the source does not read the list \(list); it reads \(Self.words(configuration.lists))")
                }
                return SampleReception([Self.message(subject: list, body: body.bytes)])
            }
            guard let channel = sample.channel ?? Self.only(configuration.channels, unless: configuration.patterns.first) else {
                throw SampleRefusal("'channel' is missing; name the channel of the message")
            }
            if configuration.channels.contains(channel) {
                return SampleReception([Self.message(subject: channel, body: body.bytes)])
            }
            guard let pattern = patterns.first(where: { $0.names.contains(channel) }) else {
                let all = configuration.channels + configuration.patterns
                throw SampleRefusal(
                    "the source does not subscribe to the channel \(channel); it subscribes to \(Self.words(all))")
            }
            return SampleReception([Self.message(subject: channel, pattern: pattern.text, body: body.bytes)])
        }
    }

    private static func words(_ names: [String]) -> String { names.isEmpty ? "none" : names.joined(separator: ", ") }

    /// The only name of a list, unless another key says where the message comes from.
    private static func only(_ names: [String], unless other: String?) -> String? {
        names.count == 1 && other == nil ? names[0] : nil
    }

    /// The message of a channel or a list.
    static func message(subject: String, pattern: String? = nil, body: ByteBuffer) -> ReceivedMessage {
        ReceivedMessage(
            subject: subject, body: body, attributes: pattern.map { Attributes([("pattern", $0)]) } ?? Attributes())
    }
}

extension RedisStreamSource: RehearsableSource {
    /// An entry as a test writes it.
    package struct Sample: SettingGroup {
        var id: String?
        var fields: [String: String] = [:]

        /// The keys of an entry.
        package static let settings = Settings<Self> {
            Setting(
                "id", \.id,
                .text.checked {
                    RedisStreamID($0) == nil ? "'\($0)' is not the id of an entry; write one such as 1700000000000-0" : nil
                },
                "Id of the entry, milliseconds and a number")
            Setting("fields", \.fields, .mapping(of: .scalarText), "Fields of the entry; a body alone is its field data")
        }

        /// Makes an entry without fields.
        package init() {}
    }

    /// Reads entries as the source does.
    package static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        let stream = configuration.stream
        let suffix = RedisStreamEntry.idSuffix(source: context.name, stream: stream)
        var count = 0
        return SampleReading { sample, body in
            count += 1
            var fields = sample.fields.sorted { $0.key < $1.key }.map {
                (ByteBuffer(string: $0.key), ByteBuffer(string: $0.value))
            }
            if body.bytes.readableBytes > 0 || fields.isEmpty { fields.append((ByteBuffer(string: "data"), body.bytes)) }
            // Without an id of its own, an entry has no time; the event then has that of its receipt.
            let entry = RedisStreamEntry(id: sample.id ?? "entry-\(count)", fields: fields)
            guard var message = entry.message(stream: stream, idSuffix: suffix) else { return SampleReception([]) }
            message.repeatKey = entry.repeatKey(stream: stream)
            return SampleReception([message])
        }
    }
}

extension SettingCodec where Value == String {
    /// A text that may also be written as a number or as `true`.
    fileprivate static var scalarText: Self { Self(.text("")) { try $0.singleValueContainer().decode(String.self) } }
}
