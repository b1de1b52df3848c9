package import BridgeCore
import NIOCore

extension RedisSink: PreviewingSink {
    /// Renders commands as the sink writes them: `command`, `channel` and `message`.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        SinkPreview { delivery, reader in
            let words = try RedisCommand.words { try Self.encode(delivery, variants[delivery.variant], reader, &$0) }
            return SentMessage([("command", .body(words[0])), ("channel", .body(words[1])), ("message", .body(words[2]))])
        }
    }
}

extension RedisStreamSink: PreviewingSink {
    /// Renders commands as the sink writes them: `command`, `stream`, its trimming and the `fields`.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        SinkPreview { delivery, reader in
            let settings = variants[delivery.variant]
            let words = try RedisCommand.words { try Self.encode(delivery, settings, reader, &$0) }
            let isTrimmed = settings.maxlen != nil || settings.maximumAge != nil
            // XADD, the stream, three words that trim it, and the star of a new id.
            let fields = words.dropFirst(isTrimmed ? 6 : 3)
            let pairs = stride(from: fields.startIndex, to: fields.endIndex - 1, by: 2).map { index in
                (name: String(buffer: fields[index]), value: PlainValue.body(fields[index + 1]))
            }
            return SentMessage([
                ("command", .body(words[0])), ("stream", .body(words[1])),
                ("trim", isTrimmed ? .text(words[2...4].map { String(buffer: $0) }.joined(separator: " ")) : nil),
                ("fields", .object(pairs)),
            ])
        }
    }
}

extension RedisCommand {
    /// Why no command can be made of an event, for the dead letter.
    static func refusal(_ error: any Error) -> String { "the message cannot be rendered: \(error)" }

    /// The words of the one command that a sink writes.
    ///
    /// - Throws: ``PreviewRefusal`` for an event of which no command can be made.
    fileprivate static func words(_ write: (inout ByteBuffer) throws -> Void) throws -> [ByteBuffer] {
        var buffer = ByteBuffer()
        do {
            try write(&buffer)
        } catch {
            throw PreviewRefusal(Self.refusal(error))
        }
        func number() -> Int {
            buffer.moveReaderIndex(forwardBy: 1)
            let digits = buffer.readableBytesView.prefix { $0 != 0x0D }
            buffer.moveReaderIndex(forwardBy: digits.count + 2)
            return Int(String(decoding: digits, as: UTF8.self)) ?? 0
        }
        return (0..<number()).map { _ in
            let word = buffer.readSlice(length: number()) ?? ByteBuffer()
            buffer.moveReaderIndex(forwardBy: 2)
            return word
        }
    }
}
