package import BridgeCore
import NIOCore

extension FileSink: PreviewingSink {
    /// Renders lines as the sink appends them: `path` and `line`.
    package static func preview(variants: [Configuration], context: ComponentContext) throws -> SinkPreview {
        SinkPreview { delivery, reader in
            var line = ByteBuffer()
            do {
                try variants[delivery.variant].write(delivery.event, reader: reader, to: &line)
            } catch {
                throw PreviewRefusal(Configuration.refusal(error))
            }
            // Without its line break.
            line.moveWriterIndex(to: line.writerIndex - 1)
            return SentMessage([("path", .text(variants[0].destination.path)), ("line", .body(line))])
        }
    }
}

extension FileSink.Configuration {
    /// Why the line of an event cannot be made, for the dead letter.
    static func refusal(_ error: any Error) -> String { "the line cannot be rendered: \(error)" }
}

extension FileSource: RehearsableSource {
    /// A line as a test writes it: its body.
    package struct Sample: SettingGroup {
        /// A line has no other keys.
        package static let settings = Settings<Self> {}

        /// Makes a line.
        package init() {}
    }

    /// Reads lines as the source does.
    package static func reading(
        configuration: Configuration, context: ComponentContext, opening: NormaliseSettings.Opening
    ) throws -> SampleReading<Sample> {
        SampleReading { _, body in
            var splitter = LineSplitter(longest: configuration.longestLine, isAtBeginning: false)
            var lines = body.bytes.withUnsafeReadableBytes { splitter.feed($0) }
            if let last = splitter.finish() { lines.append(last) }
            return SampleReception(lines.map { FileTail.message(of: $0, configuration) })
        }
    }
}
