import BridgeTesting
import Glibc
import NIOCore
import Testing

/// What ships in `deploy`: the service unit and the container image.
@Suite(.timeLimit(.minutes(2)))
struct DeploymentTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    private static func text(_ path: String) -> String {
        String(decoding: TemporaryDirectory.contents(of: "\(self.root)/\(path)"), as: UTF8.self)
    }

    /// The unit with the built program in the place where it is installed.
    private static func unit(in directory: TemporaryDirectory) throws -> String {
        let unit = self.text("deploy/streambridge.service").replacing(
            "/usr/local/bin/streambridge", with: BridgeProcess.executable)
        return try directory.write(unit, to: "streambridge.service")
    }

    private static func output(_ executable: String, _ arguments: [String]) async throws -> (
        ending: ChildProcess.Ending, text: String
    ) {
        let process = try ChildProcess(executable, arguments)
        let ending = try await process.untilEnded()
        return (ending, process.standardOutput + process.standardError)
    }

    @Test func `systemd finds nothing wrong with the unit`() async throws {
        let directory = try TemporaryDirectory()
        let found = try await Self.output("systemd-analyze", ["verify", try Self.unit(in: directory)])
        // The documentation is where a package would put it.
        #expect(found.ending == .exited(0), "\(found.text)")
        #expect(found.text.isEmpty, "\(found.text)")
    }

    @Test func `the unit has a low exposure`() async throws {
        let directory = try TemporaryDirectory()
        let found = try await Self.output("systemd-analyze", ["security", "--offline=true", try Self.unit(in: directory)])
        let line = try #require(found.text.split(separator: "\n").first { $0.contains("Overall exposure level") })
        let level = try #require(line.split(separator: " ").compactMap { Double($0) }.first)
        #expect(level < 2, "\(line)")
    }

    @Test func `the unit restarts the program slowly and without a limit, but not for a wrong file`() {
        let lines = Set(Self.text("deploy/streambridge.service").split(separator: "\n").map(String.init))
        for line in [
            "Restart=on-failure", "RestartSec=5", "StartLimitIntervalSec=0", "RestartPreventExitStatus=64 78",
            "StateDirectory=streambridge", "WorkingDirectory=%S/streambridge",
        ] {
            #expect(lines.contains(line))
        }
    }

    @Test(.enabled(if: geteuid() == 0, "another user is needed")) func `the shipped configuration works for the unit's user`()
        async throws
    {
        let place = try Place()
        let process = try place.run("bridges.yaml", ["LISTEN": "127.0.0.1:\(place.port.number)"])
        try await place.answers("/livez", process)
        try await eventually("the files are below the state directory") {
            TemporaryDirectory.names(in: place.state).contains("events.ndjson")
        }
        #expect(try await HTTPRequestPeer.send("GET", "/api/stream/demo?format=json", port: place.port.number).status == 200)
        process.signal(SIGTERM)
        #expect(try await process.untilEnded() == .exited(0), "\(process.standardError)")
        // Without the brokers that it names it takes events in, and streams them.
        let second = try place.run("bridges.yaml", ["LISTEN": "127.0.0.1:\(place.port.number)"])
        try await place.answers("/livez", second)
        let client = try await SSEClientPeer.connect(port: place.port.number, path: "/api/stream/demo")
        try await eventually("it is taken") {
            try await HTTPRequestPeer.send("POST", "/n/demo", port: place.port.number, body: ByteBuffer(string: "hello")).status
                == 201
        }
        try await eventually("it is streamed") { client.messages.contains { $0.data.contains("hello") } }
        second.kill()
    }

    @Test(.enabled(if: geteuid() == 0, "another user is needed"))
    func `the image's configuration works with the image's environment`()
        async throws
    {
        let lines = Self.text("deploy/Dockerfile").split(separator: "\n").map(String.init)
        #expect(lines.contains("COPY deploy/starter.yaml /etc/streambridge/bridges.yaml"))
        #expect(lines.contains("WORKDIR /var/lib/streambridge") && lines.contains("USER 65534:65534"))
        let declared = try #require(lines.first { $0.hasPrefix("ENV ") }).dropFirst(4).split(separator: " ")
        #expect(declared == ["LISTEN=0.0.0.0:8080", "STATE_DIRECTORY=/var/lib/streambridge"])

        let place = try Place()
        let environment = ["LISTEN": "0.0.0.0:\(place.port.number)", "STATE_DIRECTORY": place.state]
        let process = try place.run("deploy/starter.yaml", environment)
        try await place.answers("/readyz", process)
        let client = try await SSEClientPeer.connect(port: place.port.number, path: "/api/stream/demo")
        let answer = try await HTTPRequestPeer.send(
            "POST", "/n/demo", port: place.port.number, body: ByteBuffer(string: "hello"))
        #expect(answer.status == 201)
        try await eventually("it is streamed") { client.messages.contains { $0.data.contains("hello") } }
        #expect(TemporaryDirectory.names(in: place.state).contains("events.db"))

        let check = try #require(lines.first { $0.hasPrefix("HEALTHCHECK") })
        #expect(check.contains(#"CMD ["/usr/local/bin/streambridge", "healthcheck", "/etc/streambridge/bridges.yaml"]"#))
        let file = "\(Self.root)/deploy/starter.yaml"
        for arguments in [[file], ["--ready", file]] {
            let asked = try ChildProcess(BridgeProcess.executable, ["healthcheck"] + arguments, environment: environment)
            #expect(try await asked.untilEnded() == .exited(0), "\(asked.standardError)")
        }
        process.signal(SIGTERM)
        #expect(try await process.untilEnded() == .exited(0), "\(process.standardError)")
        let asked = try ChildProcess(BridgeProcess.executable, ["healthcheck", file], environment: environment)
        #expect(try await asked.untilEnded() == .exited(1))
        #expect(asked.standardError.contains("does not answer"), "\(asked.standardError)")
    }

    @Test func `a health check needs only the address`() async throws {
        let directory = try TemporaryDirectory()
        let port = try LastingPort()
        let path = try directory.write(
            "http: { listen: '127.0.0.1:\(port.number)', access: { tokens: [{ token: '${env:NO_SUCH_SECRET}' }] } }\n",
            to: "b.yaml")
        let (code, _, error) = try await BridgeProcess.command("healthcheck", path)
        #expect(code == 1)
        #expect(error.contains("http://127.0.0.1:\(port.number)/livez does not answer"), "\(error)")
        let wrong = try directory.write("http: { listen: here }\n", to: "wrong.yaml")
        #expect(try await BridgeProcess.command("healthcheck", wrong).code == 78)
        let any = try directory.write("http: { listen: ':0' }\n", to: "any.yaml")
        #expect(try await BridgeProcess.command("healthcheck", any).error.contains("port 0, which the system chooses"))
        #expect(try await BridgeProcess.command("healthcheck", "--timeout", "0", path).code == 64)
    }

    /// A state directory that belongs to a user without rights, and a port.
    private struct Place {
        let directory: TemporaryDirectory
        let port: LastingPort

        init() throws {
            self.directory = try TemporaryDirectory()
            self.port = try LastingPort()
            chmod(self.directory.path, 0o755)
            guard mkdir(self.state, 0o750) == 0, chown(self.state, 65_534, 65_534) == 0 else {
                throw PeerError.system("making a state directory")
            }
        }

        var state: String { self.directory.file("state") }

        /// Runs the program with a file of the repository as the unit and the image do: without rights, in the state directory.
        func run(_ file: String, _ environment: [String: String]) throws -> ChildProcess {
            let command = """
                cd '\(self.state)' && exec setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs --bounding-set=-all \
                '\(BridgeProcess.executable)' run '\(DeploymentTests.root)/\(file)'
                """
            return try ChildProcess("sh", ["-c", command], environment: environment)
        }

        func answers(_ path: String, _ process: ChildProcess) async throws {
            try await eventually("\(path) answers 200: \(process.standardError)") {
                if let ending = process.ended { throw PeerError("it ended with \(ending): \(process.standardError)") }
                return (try? await HTTPRequestPeer.send("GET", path, port: self.port.number).status) == 200
            }
        }
    }
}
