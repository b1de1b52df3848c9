import Glibc
import Synchronization

/// A real mosquitto or redis-server on loopback, with a free port and its own directory.
///
/// Thread-safe. Killed with its last reference.
package final class BrokerProcess: Sendable {
    /// The port; the same after ``restart()``.
    package var port: Int { self.reservation.number }
    /// The directory of its data; the same after ``restart()``.
    package let directory: TemporaryDirectory
    private let program: Program
    private let reservation: LastingPort
    private let process: Mutex<ChildProcess>

    private init(program: Program, port: LastingPort, directory: TemporaryDirectory, process: ChildProcess) {
        self.program = program
        self.reservation = port
        self.directory = directory
        self.process = Mutex(process)
    }

    /// Starts mosquitto: anonymous clients, unlimited queues and no persistence, unless the lines change that.
    ///
    /// - Parameter lines: of its configuration, after `listener`; `{port}` and `{directory}` are replaced. For
    ///   persistence: `persistence true` and `autosave_interval 1`.
    package static func mosquitto(_ lines: String...) async throws -> BrokerProcess {
        try await self.start(.mosquitto(lines))
    }

    /// Starts redis-server without persistence, unless the arguments change that.
    ///
    /// - Parameter arguments: `{port}` and `{directory}` are replaced. For persistence across a kill:
    ///   `--appendonly yes` and `--appendfsync always`, each as two arguments.
    package static func redis(_ arguments: String...) async throws -> BrokerProcess {
        try await self.start(.redis(arguments))
    }

    /// Starts redis-server; see ``redis(_:)``.
    package static func redis(arguments: [String]) async throws -> BrokerProcess {
        try await self.start(.redis(arguments))
    }

    /// Kills the process, as a crash would, and waits for its end.
    package func kill() async throws {
        let process = self.process.withLock { $0 }
        process.signal(SIGKILL)
        _ = try await process.untilEnded()
    }

    /// Sends SIGTERM and waits for the end.
    package func stop() async throws {
        let process = self.process.withLock { $0 }
        process.signal(SIGTERM)
        _ = try await process.untilEnded()
    }

    /// Stops the process if it runs, starts it on the same port and directory, and waits until it is ready.
    package func restart() async throws {
        try await self.stop()
        let process = try self.program.start(port: self.port, directory: self.directory)
        self.process.withLock { $0 = process }
        try await Self.untilReady(self.program, process, port: self.port)
    }

    /// Suspends the process (SIGSTOP): connections stay open and nothing answers.
    ///
    /// ``thaw()`` resumes it.
    package func freeze() {
        self.process.withLock { $0 }.signal(SIGSTOP)
    }

    /// Resumes the process (SIGCONT) after ``freeze()``.
    package func thaw() {
        self.process.withLock { $0 }.signal(SIGCONT)
    }

    /// The standard output and standard error of the current process.
    package var log: String {
        let process = self.process.withLock { $0 }
        return process.standardOutput + process.standardError
    }

    private static func start(_ program: Program) async throws -> BrokerProcess {
        var last: any Error = PeerError("not started")
        // A process that reserves no port may take this one between the choice and the listen.
        for _ in 0..<5 {
            let directory = try TemporaryDirectory()
            let port = try LastingPort()
            let process = try program.start(port: port.number, directory: directory)
            do {
                try await self.untilReady(program, process, port: port.number)
                return BrokerProcess(program: program, port: port, directory: directory, process: process)
            } catch {
                last = error
            }
        }
        throw last
    }

    private static func untilReady(_ program: Program, _ process: ChildProcess, port: Int) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            if let ending = process.ended {
                throw PeerError("\(process.command) ended with \(ending): \(process.standardOutput)\(process.standardError)")
            }
            if try await OwnThread.run({ program.isReady(port: port) }) { return }
            guard ContinuousClock.now < deadline else { throw PeerError("\(process.command) does not listen on \(port)") }
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    private enum Program: Sendable {
        case mosquitto([String])
        case redis([String])

        func start(port: Int, directory: TemporaryDirectory) throws -> ChildProcess {
            func filled(_ text: String) -> String {
                text.replacing("{port}", with: String(port)).replacing("{directory}", with: directory.path)
            }
            switch self {
            case .mosquitto(let lines):
                var file = [
                    "user root", "max_queued_messages 0", "set_tcp_nodelay true", "persistence_location \(directory.path)/",
                    "log_type all",
                ]
                file.append("listener \(port) 127.0.0.1")
                if !lines.contains(where: { $0.hasPrefix("allow_anonymous") }) { file.append("allow_anonymous true") }
                file += lines.map(filled)
                let path = try directory.write(file.joined(separator: "\n") + "\n", to: "mosquitto.conf")
                return try ChildProcess("mosquitto", ["-c", path])
            case .redis(let arguments):
                var all = ["--bind", "127.0.0.1", "--dir", directory.path, "--daemonize", "no"]
                if !arguments.contains("--port") { all += ["--port", String(port)] }
                if !arguments.contains("--save") { all += ["--save", ""] }
                return try ChildProcess("redis-server", all + arguments.map(filled))
            }
        }

        /// Whether the server accepts clients now.
        ///
        /// Blocks for up to 2 s.
        func isReady(port: Int) -> Bool {
            guard let socket = try? BlockingSocket(port: port) else { return false }
            guard case .redis(let arguments) = self, !arguments.contains("--tls-port") else { return true }
            let answer = try? socket.exchange(Array("PING\r\n".utf8), timeout: .seconds(2))
            // While the server loads its append-only file it answers -LOADING; -NOAUTH is an answer of a ready server.
            return answer.map { !$0.isEmpty && !$0.starts(with: "-LOADING".utf8) } ?? false
        }
    }
}

extension String {
    fileprivate func replacing(_ mark: String, with text: String) -> String {
        var result = ""
        var rest = self[...]
        while let start = rest.firstRange(of: mark) {
            result += rest[..<start.lowerBound]
            result += text
            rest = rest[start.upperBound...]
        }
        return result + rest
    }
}
