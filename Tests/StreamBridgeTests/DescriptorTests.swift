import BridgeTesting
import NIOCore
import Testing

/// The program knows how many descriptors it has, keeps some back, and stays alive when clients take the rest.
@Suite(.timeLimit(.minutes(3)))
struct DescriptorTests {
    private static let file = """
        sources:
          in: { type: webhook, id: in }
        sinks:
          out: { type: sse, stream: out }
        routes:
          - { from: [in], to: [out] }
        """

    @Test func `more clients than descriptors leave the program idle, alive and able to deliver`() async throws {
        let bridge = try await BridgeProcess.start(Self.file, wrapper: Self.limited(to: 256))
        #expect(bridge.log.contains("max_connections=144"), "\(bridge.log)")
        let script = """
            attackers = []
            for number in range(600):
                try:
                    attacker = connect()
                    attacker.sendall(b'GET /api/stream/out HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n')
                    attackers.append(attacker)
                except OSError:
                    pass
            done()
            """
        let strain = try await Strain.watch(bridge) {
            try await Attacker.run(bridge.port, script) {
                let before = Strain.processorTime(of: bridge.process.pid)
                // A connection that the kernel queued among the attackers' may be reset; the next one is answered.
                try await eventually("the operations page answers") { (try? await bridge.get("/readyz").status) == 200 }
                let files = TemporaryDirectory.names(in: "/proc/\(bridge.process.pid)/fd").count
                #expect(files < 256 - 16, "\(files) descriptors are open")
                try await Self.pass(.seconds(2))
                let spent = Strain.processorTime(of: bridge.process.pid) - before
                #expect(spent < .seconds(1), "\(spent) of processor time in two seconds")
            }
        }
        #expect(strain.latency < .milliseconds(200), "\(strain)")
        #expect(bridge.log.split(separator: "\n").count { $0.contains("HTTP connection limit reached") } == 1)
        try await eventually("there is room again") {
            (try? await bridge.post("/n/in", ByteBuffer(string: "again"), type: "text/plain").status) == 201
        }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `while no connection can be accepted, the program waits, reports it once, and serves open connections`()
        async throws
    {
        let bridge = try await BridgeProcess.start(Self.file)
        let pid = bridge.process.pid
        let pulse = Array("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        let kept = try RawConnection(port: bridge.port)
        try await kept.send(pulse)
        _ = try await kept.receive(through: "alive")
        // Whatever the program reserves for itself, the kernel has no more than these.
        try await Self.limit(pid, to: TemporaryDirectory.names(in: "/proc/\(pid)/fd").count + 2)
        let clients = try (0..<8).map { _ in try RawConnection(port: bridge.port) }
        for client in clients { try await client.send(pulse) }
        let complaint = "Failed to accept connections; retrying every 100 ms"
        try await eventually("it is logged") { bridge.log.contains(complaint) }
        let before = Strain.processorTime(of: pid)
        let end = ContinuousClock.now + .seconds(2)
        while ContinuousClock.now < end {
            try await kept.send(pulse)
            _ = try await kept.receive(through: "alive")
            try await Self.pass(.milliseconds(50))
        }
        let spent = Strain.processorTime(of: pid) - before
        #expect(spent < .seconds(1), "\(spent) of processor time in two seconds")
        #expect(bridge.log.split(separator: "\n").count { $0.contains(complaint) } == 1)
        try await Self.limit(pid, to: 1024)
        for client in clients { _ = try await client.receive(through: "alive") }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `the soft limit is raised to the hard one`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.file, wrapper: ["bash", "-c", "ulimit -Sn 128; ulimit -Hn 4096; exec \"$0\" \"$@\""])
        let limits = String(decoding: TemporaryDirectory.contents(of: "/proc/\(bridge.process.pid)/limits"), as: UTF8.self)
        let line = limits.split(separator: "\n").first { $0.hasPrefix("Max open files") } ?? ""
        #expect(line.split(separator: " ").map(String.init).dropFirst(3).first == "4096", "\(line)")
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a limit of connections that is too high is reported`() async throws {
        let bridge = try await BridgeProcess.start(Self.file, http: "max_connections: 5000", wrapper: Self.limited(to: 256))
        #expect(bridge.log.contains("http.max_connections exceeds what the limit of open files allows"), "\(bridge.log)")
        #expect(bridge.log.contains("configured=5000"), "\(bridge.log)")
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `too few descriptors are refused at the start`() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write("http: { listen: \"127.0.0.1:0\" }\n" + Self.file, to: "bridges.yaml")
        let command = Self.limited(to: 40) + [BridgeProcess.executable, "run", path]
        let process = try ChildProcess(command[0], Array(command.dropFirst()))
        let ending = try await process.untilEnded()
        #expect([.exited(1), .exited(78)].contains(ending), "\(ending)")
        #expect(
            process.standardError.contains("the limit of open files is 40, and this configuration needs at least 76"),
            "\(process.standardError)")
    }

    private static func limited(to count: Int) -> [String] {
        ["bash", "-c", "ulimit -n \(count); exec \"$0\" \"$@\""]
    }

    /// Changes the soft limit of open files of a process that runs.
    private static func limit(_ pid: Int32, to count: Int) async throws {
        try await ChildProcess.with("prlimit", ["--pid", "\(pid)", "--nofile=\(count):"]) { prlimit in
            let ending = try await prlimit.untilEnded()
            guard ending == .exited(0) else { throw PeerError("\(ending): \(prlimit.standardError)") }
        }
    }

    /// Lets time pass while something else is measured.
    private static func pass(_ time: Duration) async throws {
        let end = ContinuousClock.now + time
        try await eventually("the time is over") { ContinuousClock.now >= end }
    }
}
