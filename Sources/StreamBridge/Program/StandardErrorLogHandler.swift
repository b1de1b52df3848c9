import BridgeCore
import JSON
import Logging
import NIOCore

#if canImport(Glibc)
import Glibc
#endif

/// Writes log lines to standard error, as text for people or as one JSON object a line for machines.
///
/// A line is one `write`, so lines of several threads do not mix; what cannot be written is lost, which is all a log can do.
struct StandardErrorLogHandler: LogHandler {
    /// The format of log lines: `service.log.format`.
    enum Format: Sendable {
        /// `2026-01-15T10:00:00.000Z warning home: Component failed error=…`
        case text
        /// `{"time":…,"level":…,"component":…,"message":…,…}`
        case json
    }

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let label: String
    private let format: Format

    init(label: String, level: Logger.Level, format: Format) {
        self.label = label
        self.logLevel = level
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let facts = self.metadata.merging(event.metadata ?? [:]) { $1 }.sorted { $0.key < $1.key }
        let time = Timestamp.now().description
        var line = ByteBuffer()
        switch self.format {
        case .text:
            line.writeString("\(time) \(event.level) \(self.label): \(event.message)")
            for (key, value) in facts {
                line.writeString(" \(key)=")
                LogText.write("\(value)", to: &line)
            }
        case .json:
            line.writeString("{\"time\":\"\(time)\",\"level\":\"\(event.level)\",\"component\":")
            JSONWriter.write(self.label, to: &line)
            line.writeString(",\"message\":")
            JSONWriter.write("\(event.message)", to: &line)
            for (key, value) in facts {
                line.writeString(",")
                JSONWriter.write(key, to: &line)
                line.writeString(":")
                LogText.write(quoted: "\(value)", to: &line)
            }
            line.writeString("}")
        }
        line.writeString("\n")
        line.withUnsafeReadableBytes { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}
