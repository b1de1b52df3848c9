import Glibc
package import NIOCore
import Synchronization
import Testing

/// The built program, running with a configuration file.
///
/// Killed with its last reference.
package final class BridgeProcess: Sendable {
    /// The port of its HTTP server; the same after ``restart()``.
    package var port: Int { self.reservation.number }
    /// The directory of the configuration file and the program's state.
    package let directory: TemporaryDirectory
    private let command: [String]
    /// The file's part before the test's own.
    private let header: Header
    private let reservation: LastingPort
    /// Every run, the current one last.
    private let runs: Mutex<[ChildProcess]>

    /// The keys `service` and `http`.
    private struct Header {
        let directory: TemporaryDirectory
        let host: String
        let log: String
        let drain: String

        /// Writes the configuration file.
        ///
        /// - Parameters:
        ///   - rest: the file without these keys; `{directory}` is replaced.
        ///   - port: the port to listen on.
        ///   - http: more keys of `http`.
        ///   - service: keys of `service` that replace those of the test.
        func write(_ rest: String, port: Int, http: String, service: [String: String] = [:]) throws {
            var keys = ["name": "tested", "state_dir": self.directory.path, "drain": self.drain, "log": self.log]
            keys.merge(service) { $1 }
            let file = """
                service: { \(keys.map { "\($0.key): \($0.value)" }.sorted().joined(separator: ", ")) }
                http: { listen: "\(self.host):\(port)"\(http.isEmpty ? "" : ", " + http) }

                """
            let parts = (file + rest).split(separator: "{directory}", omittingEmptySubsequences: false)
            try self.directory.write(parts.joined(separator: self.directory.path), to: "bridges.yaml")
        }
    }

    /// Starts the program and waits until it is ready.
    ///
    /// - Parameters:
    ///   - yaml: the file without `service` and `http`, which are added; `{directory}` is replaced.
    ///   - host: the address to listen on; must also be reachable at 127.0.0.1.
    ///   - http: more keys of `http`, in one line.
    ///   - log: `service.log`, in one line.
    ///   - directory: the directory of an earlier run, to resume from its state.
    ///   - drain: `service.drain`.
    ///   - port: the port to listen on, when a test needs it before the start.
    ///   - wrapper: a command that executes the program, its last argument.
    ///   - arguments: more arguments of `run`.
    ///   - isReady: whether to wait for a 200 of `/readyz`, or only for any answer.
    /// - Throws: ``PeerError`` with standard error when the program ends early.
    package static func start(
        _ yaml: String, host: String = "127.0.0.1", http: String = "", log: String = "{}", directory: TemporaryDirectory? = nil,
        drain: String = "20s", port: LastingPort? = nil, wrapper: [String] = [], arguments: [String] = [],
        waitingForReadiness isReady: Bool = true
    ) async throws -> BridgeProcess {
        let directory = try directory ?? TemporaryDirectory()
        let port = try port ?? LastingPort()
        let header = Header(directory: directory, host: host, log: log, drain: drain)
        try header.write(yaml, port: port.number, http: http)
        let command = wrapper + [Self.executable, "run", directory.file("bridges.yaml")] + arguments
        let bridge = BridgeProcess(
            port: port, header: header, command: command, process: try ChildProcess(command[0], Array(command.dropFirst()))
        )
        try await bridge.untilReady(answersOnly: !isReady)
        return bridge
    }

    private init(port: LastingPort, header: Header, command: [String], process: ChildProcess) {
        self.reservation = port
        self.header = header
        self.directory = header.directory
        self.command = command
        self.runs = Mutex([process])
    }

    /// The current process; another one after ``restart()``.
    package var process: ChildProcess { self.runs.withLock { $0.last! } }

    /// The standard error of all runs.
    package var log: String { self.runs.withLock { $0 }.map(\.standardError).joined() }

    /// Waits up to 30 s until the program is ready, or only until it answers requests.
    package func untilReady(answersOnly: Bool = false) async throws {
        let process = self.process
        var last = "no answer"
        try await eventually(within: .seconds(30), "the program is ready, not \(last); it says: \(process.standardError)") {
            if let ending = process.ended { throw PeerError("it ended with \(ending): \(process.standardError)") }
            guard let answer = try? await self.get("/readyz") else { return false }
            last = answer.text
            return answersOnly || answer.status == 200
        }
    }

    /// Kills the process as a crash would and starts the program again with the same file, port and directory.
    ///
    /// Returns before the new process is ready.
    package func restart() async throws {
        let process = self.process
        process.kill()
        _ = try await process.untilEnded()
        let next = try ChildProcess(self.command[0], Array(self.command.dropFirst()))
        self.runs.withLock { $0.append(next) }
    }

    /// Replaces the configuration file of the running program; ``reload()`` has it loaded.
    ///
    /// - Parameters:
    ///   - yaml: as in ``start(_:host:http:log:directory:drain:port:wrapper:arguments:waitingForReadiness:)``.
    ///   - http: more keys of `http`, in one line.
    ///   - service: values of `service` by their keys; the others stay.
    ///   - port: another port to listen on; requests of this class still go to ``port``.
    package func rewrite(_ yaml: String, http: String = "", service: [String: String] = [:], port: Int? = nil) throws {
        try self.header.write(yaml, port: port ?? self.port, http: http, service: service)
    }

    /// Makes the program load its file again, and waits for its answer.
    package func reload() async throws -> HTTPRequestPeer.Answer {
        try await self.post("/-/reload", ByteBuffer())
    }

    /// Runs a command of the program to its end; see ``command(_:)-([String])``.
    package static func command(_ arguments: String...) async throws -> (code: Int32, output: String, error: String) {
        try await self.command(arguments)
    }

    /// Runs a command of the program to its end.
    ///
    /// - Returns: the exit code, standard output and standard error.
    /// - Throws: ``PeerError`` when a signal ends the program.
    package static func command(_ arguments: [String]) async throws -> (code: Int32, output: String, error: String) {
        let process = try ChildProcess(self.executable, arguments)
        guard case .exited(let code) = try await process.untilEnded() else {
            throw PeerError("\(process.command) crashed: \(process.standardError)")
        }
        return (code, process.standardOutput, process.standardError)
    }

    /// Sends SIGTERM and waits for the end.
    package func stop(within limit: Duration = .seconds(30)) async throws -> ChildProcess.Ending {
        self.process.signal(SIGTERM)
        return try await self.process.untilEnded(within: limit)
    }

    /// Sends a GET request.
    ///
    /// - Throws: ``PeerError`` when the program does not answer.
    package func get(_ path: String) async throws -> HTTPRequestPeer.Answer {
        try await HTTPRequestPeer.send("GET", path, port: self.port)
    }

    /// Sends a POST request.
    ///
    /// - Parameter type: the `Content-Type`; `nil` sends none.
    @discardableResult
    package func post(
        _ path: String, _ body: ByteBuffer, type: String? = nil, headers: [(name: String, value: String)] = []
    ) async throws -> HTTPRequestPeer.Answer {
        let headers = headers + (type.map { [("Content-Type", $0)] } ?? [])
        // On a busy machine a debug build may evaluate expressions of a large body for half a minute.
        return try await HTTPRequestPeer.send(
            "POST", path, port: self.port, headers: headers, body: body, timeout: .seconds(90))
    }

    /// Connects a new client to the stream of a name, and expects status 200.
    package func stream(_ name: String, headers: [(name: String, value: String)] = []) async throws -> SSEClientPeer {
        let client = try await SSEClientPeer.connect(port: self.port, path: "/api/stream/\(name)", headers: headers)
        #expect(client.status == 200)
        return client
    }

    /// The sum of all series of a metric whose labels contain a text; 0 when there are none.
    package func metric(_ name: String, _ label: String = "") async throws -> Double {
        try await self.get("/metrics").text.split(separator: "\n")
            .filter { ($0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ")) && (label.isEmpty || $0.contains(label)) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    /// The complete lines of a file in ``directory``, without a last line that has no LF.
    package func lines(of name: String) -> [String] {
        let bytes = self.directory.read(name)
        let end = bytes.lastIndex(of: 10) ?? bytes.startIndex
        return bytes[..<end].split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The path of the program: `STREAMBRIDGE_PROGRAM`, else the one next to the test bundle.
    package static let executable: String = {
        if let path = getenv("STREAMBRIDGE_PROGRAM") { return String(cString: path) }
        let maps = String(decoding: TemporaryDirectory.contents(of: "/proc/self/maps"), as: UTF8.self)
        let bundle = maps.split(separator: "\n").first { $0.hasSuffix(".xctest") }?.split(separator: " ").last ?? ""
        return bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)] + "/streambridge"
    }()
}
