import BridgeCore
import BridgeTesting
import NIOCore

/// A file that grows line by line.
struct FileSourceFixture: SourceFixture {
    static let kind: ComponentKind = "file"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce, .resumesAfterReconnect, .pushesBack]
    /// A line holds every byte but LF; zeros count within it, not before it.
    static let hardestPayload = ByteBuffer(bytes: [1, 0] + (2...UInt8.max).filter { $0 != 10 })

    private let directory: TemporaryDirectory

    static func start() async throws -> FileSourceFixture {
        FileSourceFixture(directory: try TemporaryDirectory())
    }

    func yaml(subject: String) -> String {
        // The file is there before the source is: it is opened when the source runs.
        _ = try? self.directory.write(bytes: [], to: subject, appending: true)
        return "path: \(self.directory.file(subject))"
    }

    func publish(_ payloads: [ByteBuffer], on subject: String, headers: [(name: String, value: String)]) async throws {
        var bytes: [UInt8] = []
        for payload in payloads { bytes += Array(payload.readableBytesView) + [10] }
        try self.directory.write(bytes: bytes, to: subject, appending: true)
    }
}

/// A file that the sink appends to.
struct FileSinkFixture: SinkFixture {
    static let kind: ComponentKind = "file"
    static let guarantees: Guarantees = [.ordered, .atLeastOnce]
    static let hardestPayload = FileSourceFixture.hardestPayload

    private let directory: TemporaryDirectory

    static func start() async throws -> FileSinkFixture {
        FileSinkFixture(directory: try TemporaryDirectory())
    }

    func yaml(subject: String, body: SinkBody) -> String {
        "path: \(self.directory.file(subject))\nformat: \(body == .raw ? "raw" : "json")"
    }

    func yamlRefusing(subject: String) -> String? {
        "path: \(self.directory.file(subject))\nbody: '{{ if .message == \"refuse me\" then error(\"no\") else tojson end }}'"
    }

    func received(on subject: String) async throws -> [SinkReceipt] {
        self.directory.read(subject).split(separator: 10, omittingEmptySubsequences: false).dropLast()
            .map { SinkReceipt(ByteBuffer(bytes: $0)) }
    }
}
