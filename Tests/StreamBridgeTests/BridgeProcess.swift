import BridgeTesting
import FoundationEssentials
import Glibc
import NIOCore
import Testing

/// The built program, run with a file.
///
/// Ends with the last reference to it.
final class BridgeProcess: Sendable {
    /// Where its HTTP server listens.
    let port: Int
    /// Holds the file, and what the program keeps between runs.
    let directory: TemporaryDirectory
    let process: ChildProcess

    /// Starts the program and waits until it is ready.
    ///
    /// - Parameters:
    ///   - yaml: the file but for `service` and `http`, which are added; `{directory}` is replaced.
    ///   - host: the address to listen on, one that can also be reached at 127.0.0.1.
    ///   - http: further keys of `http`, in one line.
    ///   - directory: that of an earlier run, to go on where that one ended.
    ///   - isReady: whether to wait for `/readyz`, or only until it answers.
    static func start(
        _ yaml: String, host: String = "127.0.0.1", http: String = "", directory: TemporaryDirectory? = nil,
        drain: String = "20s",
        waitingForReadiness isReady: Bool = true
    ) async throws -> BridgeProcess {
        let directory = try directory ?? TemporaryDirectory()
        let port = try freePort()
        let file = """
            service: { name: tested, state_dir: \(directory.path), drain: \(drain) }
            http: { listen: "\(host):\(port)"\(http.isEmpty ? "" : ", " + http) }

            """
        try directory.write((file + yaml).split(separator: "{directory}").joined(separator: directory.path), to: "bridges.yaml")
        let process = try ChildProcess(Self.executable, ["run", directory.file("bridges.yaml")])
        let bridge = BridgeProcess(port: port, directory: directory, process: process)
        var last = "no answer"
        try await eventually(within: .seconds(30), "the program is ready, not \(last); it says: \(process.standardError)") {
            if let ending = process.ended { throw PeerError("it ended with \(ending): \(process.standardError)") }
            guard let answer = try? await bridge.get("/readyz") else { return false }
            last = answer.text
            return !isReady || answer.status == 200
        }
        return bridge
    }

    private init(port: Int, directory: TemporaryDirectory, process: ChildProcess) {
        self.port = port
        self.directory = directory
        self.process = process
    }

    /// Runs one command of the program to its end.
    static func command(_ arguments: String...) async throws -> (code: Int32, output: String, error: String) {
        try await self.command(arguments)
    }

    /// Runs one command of the program to its end.
    static func command(_ arguments: [String]) async throws -> (code: Int32, output: String, error: String) {
        let process = try ChildProcess(self.executable, arguments)
        guard case .exited(let code) = try await process.untilEnded() else {
            throw PeerError("\(process.command) crashed: \(process.standardError)")
        }
        return (code, process.standardOutput, process.standardError)
    }

    /// Asks it to end and waits for that.
    func stop(within limit: Duration = .seconds(30)) async throws -> ChildProcess.Ending {
        self.process.signal(SIGTERM)
        return try await self.process.untilEnded(within: limit)
    }

    func get(_ path: String) async throws -> HTTPRequestPeer.Answer {
        try await HTTPRequestPeer.send("GET", path, port: self.port)
    }

    func post(
        _ path: String, _ body: ByteBuffer, type: String? = nil, headers: [(name: String, value: String)] = []
    ) async throws -> HTTPRequestPeer.Answer {
        let headers = headers + (type.map { [("Content-Type", $0)] } ?? [])
        return try await HTTPRequestPeer.send("POST", path, port: self.port, headers: headers, body: body)
    }

    /// Reads a stream of its own.
    func stream(_ name: String, headers: [(name: String, value: String)] = []) async throws -> SSEClientPeer {
        let client = try await SSEClientPeer.connect(port: self.port, path: "/api/stream/\(name)", headers: headers)
        #expect(client.status == 200)
        return client
    }

    /// The sum of all figures of a name whose labels contain a text.
    func metric(_ name: String, _ label: String = "") async throws -> Double {
        try await self.get("/metrics").text.split(separator: "\n")
            .filter { ($0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ")) && (label.isEmpty || $0.contains(label)) }
            .compactMap { $0.split(separator: " ").last.flatMap { Double($0) } }
            .reduce(0, +)
    }

    /// The lines of a file in its directory.
    func lines(of name: String) -> [String] {
        self.directory.read(name).split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The program lies beside the tests.
    private static let executable: String = {
        let maps = String(decoding: TemporaryDirectory.contents(of: "/proc/self/maps"), as: UTF8.self)
        let bundle = maps.split(separator: "\n").first { $0.hasSuffix(".xctest") }?.split(separator: " ").last ?? ""
        return bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)] + "/streambridge"
    }()
}

/// The model's JSON as a client of the program decodes it.
struct ReceivedEvent: Decodable, Equatable {
    var id: String
    var title: String?
    var message: String
    var priority: Int?
    var tags: [String]?
    var timestamp: String
    var payload: Payload?

    /// What the tests put in; anything else is taken as a payload without a number.
    struct Payload: Decodable, Equatable {
        var number: Int?

        init(from decoder: any Decoder) {
            self.number = try? decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .number)
        }

        private enum CodingKeys: CodingKey {
            case number
        }
    }

    static func all(_ texts: [String]) throws -> [ReceivedEvent] {
        let decoder = JSONDecoder()
        return try texts.map { try decoder.decode(ReceivedEvent.self, from: Data($0.utf8)) }
    }
}
