package import BridgeCore
import Logging
import NIOCore
import NIOPosix

/// Appends events to a file or to standard output, one line each, and rotates the file above a size.
///
/// A line is written completely or not at all: a partial line, as on a full disk, is removed before the retry. Writes
/// block, so they run on NIO's thread pool for files.
package struct FileSink: Sink {
    /// `file`.
    package static let kind: ComponentKind = "file"

    private let variants: [Configuration]
    private let context: ComponentContext
    private let recovery: RecoveryLog

    /// Makes the sink; opens nothing.
    package init(variants: [Configuration], context: ComponentContext) throws {
        self.variants = variants
        self.context = context
        self.recovery = RecoveryLog("File writes recovered", key: "path", logger: context.logger)
    }

    /// The templates of `body` and `json` of each variant.
    package var templates: [[Template]] { self.variants.map(\.templates) }

    /// Opens the file and appends batches of up to 512 events; confirms each write.
    ///
    /// - Throws: ``ComponentError`` when the file cannot be opened or written.
    package func run(_ inlet: SinkInlet) async throws {
        try await self.recovery.track { try await self.open(inlet) }
    }

    private func open(_ inlet: SinkInlet) async throws {
        let settings = self.variants[0]
        let file = try await Self.blocking { try FileAppender(settings.destination) }
        if file.hasEndedLine {
            self.context.logger.warning(
                "File ended within a line; a line break was added", metadata: ["path": "\(settings.destination.path)"]
            )
        }
        inlet.connected()
        self.recovery.passed(.connected, at: settings.destination.path)
        let reader = EventReader()
        // The bytes of one write: bounds the memory, and keeps the file within its largest size.
        let most = min(1 << 20, settings.destination.largestSize ?? .max)
        while true {
            let batch = try await inlet.next(atMost: 512)
            guard !batch.isEmpty else { return }
            var portion = ByteBuffer()
            var previous: Delivery?
            reader.begin(batch)
            defer { reader.endBatch() }
            for delivery in batch {
                let lineStart = portion.writerIndex
                do {
                    try self.variants[delivery.variant].write(delivery.event, reader: reader, to: &portion)
                } catch {
                    portion.moveWriterIndex(to: lineStart)
                    inlet.refuse(delivery, Configuration.refusal(error))
                    continue
                }
                if portion.readableBytes > most, lineStart > 0, let last = previous {
                    let line = portion.getSlice(at: lineStart, length: portion.writerIndex - lineStart)!
                    portion.moveWriterIndex(to: lineStart)
                    try await self.append(portion, to: file, confirming: last, of: inlet)
                    portion = line
                }
                previous = delivery
            }
            if let last = previous { try await self.append(portion, to: file, confirming: last, of: inlet) }
        }
    }

    private func append(
        _ lines: ByteBuffer, to file: FileAppender, confirming delivery: Delivery, of inlet: SinkInlet
    ) async throws {
        try await Self.blocking { try file.append(lines) }
        inlet.confirm(through: delivery)
        self.recovery.passed(.working, at: self.variants[0].destination.path)
    }

    private static func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        do {
            return try await NIOThreadPool.singleton.runIfActive(body)
        } catch let failure as FileFailure {
            throw failure.componentError
        }
    }
}
