import BridgeTesting
import Testing

/// The program with a TLS listener on its own port.
///
/// Ends with the last reference to it.
final class SecureProgram: Sendable {
    var port: Int { self.reservation.number }
    let process: ChildProcess
    private let files: TLSFiles
    private let directory: TemporaryDirectory
    private let reservation: LastingPort

    private init(process: ChildProcess, files: TLSFiles, directory: TemporaryDirectory, reservation: LastingPort) {
        self.process = process
        self.files = files
        self.directory = directory
        self.reservation = reservation
    }

    /// Starts it and waits until it answers.
    static func start() async throws -> SecureProgram {
        let files = try await TLSFiles.make()
        let directory = try TemporaryDirectory()
        let port = try LastingPort()
        let yaml = """
            service: { state_dir: \(directory.path), drain: 1s }
            http: { listen: "127.0.0.1:\(port.number)", tls: { cert_file: "\(files.certificate)", key_file: "\(files.key)" } }
            sources: { in: { type: webhook, id: in } }
            sinks: { out: { type: sse, stream: out } }
            routes: [{ to: out }]

            """
        let path = try directory.write(yaml, to: "bridges.yaml")
        let process = try ChildProcess(BridgeProcess.executable, ["run", path])
        let program = SecureProgram(process: process, files: files, directory: directory, reservation: port)
        try await eventually(within: .seconds(30), "the program answers over TLS: \(process.standardError)") {
            try await program.status(of: "/livez") == "200"
        }
        return program
    }

    /// What curl gets for a path.
    func status(of path: String, _ arguments: [String] = []) async throws -> String {
        let address = "https://127.0.0.1:\(self.port)\(path)"
        let curl = try ChildProcess("curl", ["-sk", "-m", "10", "-o", "/dev/null", "-w", "%{http_code}"] + arguments + [address])
        _ = try await curl.untilEnded()
        return curl.standardOutput
    }
}
