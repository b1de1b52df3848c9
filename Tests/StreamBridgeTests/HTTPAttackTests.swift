import BridgeTesting
import NIOCore
import Testing

/// Hostile clients take a bounded amount of memory, and delay no other client.
@Suite(.timeLimit(.minutes(3)))
struct HTTPAttackTests {
    private static let allowed = 64 << 20

    @Test(arguments: ["/nope", "/metrics", "/api/stream/out?format=json&since=earliest"])
    func `requests whose answers are not read`(_ path: String) async throws {
        let bridge = try await Self.bridge()
        try await Self.fill(bridge, bytes: 2 << 20)
        let script = """
            data = b'GET \(path) HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n\\r\\n' * 300000
            attackers = [connect() for _ in range(4)]
            # The kernel takes some, the server next to nothing.
            assert max(send(attacker, data) for attacker in attackers) < len(data)
            done()
            """
        try await Self.expectBounded(bridge, script)
    }

    @Test func `pages of a history that are not read, over HTTP 2`() async throws {
        let bridge = try await Self.bridge()
        try await Self.fill(bridge, bytes: 12 << 20)
        let script = """
            attackers = [open2(window=0) for _ in range(8)]
            for attacker in attackers:
                for stream in range(1, 81, 2):
                    send(attacker, request(stream, 'GET', '/api/stream/out?format=json&since=earliest&limit=10000'))
            done()
            """
        try await Self.expectBounded(bridge, script)
    }

    @Test func `answers without a body that are not read, over HTTP 2`() async throws {
        let bridge = try await Self.bridge()
        let script = """
            attackers = [open2() for _ in range(4)]
            for attacker in attackers:
                send(attacker, b''.join(request(stream, 'HEAD', '/nope') for stream in range(1, 400001, 2)))
            done()
            """
        try await Self.expectBounded(bridge, script)
    }

    @Test(arguments: [true, false])
    func `endless bodies, over HTTP 2`(_ hasAccess: Bool) async throws {
        let access = "access: { tokens: [{ token: secret-token-of-a-test, publish: [in] }] }"
        let bridge = try await Self.bridge(http: hasAccess ? access : "")
        let script = """
            attackers = [open2() for _ in range(4)]
            body = b'x' * 16000
            for attacker in attackers:
                for stream in range(1, 401, 2):
                    send(attacker, request(stream, 'POST', '/n/in', end=False), 1)
                    send(attacker, b''.join(frame(0, 0, stream, body) for _ in range(4)), 1)
                for _ in range(15):
                    # Windows that were opened are used.
                    for stream in range(1, 401, 2):
                        send(attacker, b''.join(frame(0, 0, stream, body) for _ in range(4)), 0.2)
            done()
            """
        try await Self.expectBounded(bridge, script)
    }

    @Test func `endless bodies, over many connections`() async throws {
        let bridge = try await Self.bridge()
        let script = """
            attackers = [connect() for _ in range(200)]
            for attacker in attackers:
                send(attacker, b'POST /n/in HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nContent-Length: 1000000\\r\\n\\r\\n' + b'x' * 999000, 1)
            done()
            """
        try await Self.expectBounded(bridge, script) {
            // Small requests of others find room.
            let answer = try await bridge.post("/n/in", ByteBuffer(string: "short"), type: "text/plain")
            #expect(answer.status == 201, "\(answer.text)")
        }
    }

    @Test func `endless heads`() async throws {
        let bridge = try await Self.bridge()
        let script = """
            attackers = [connect() for _ in range(1000)]
            head = b'GET / HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n' + b''.join(b'X-%d: ' % n + b'x' * 1000 + b'\\r\\n' for n in range(30))
            for attacker in attackers:
                send(attacker, head, 1)
            done()
            """
        try await Self.expectBounded(bridge, script)
    }

    @Test func `long polls whose connections end free their slots at once`() async throws {
        let bridge = try await Self.bridge(sink: "max_connections: 2000")
        let script = """
            attackers = [open2() for _ in range(20)]
            for attacker in attackers:
                send(attacker, b''.join(request(s, 'GET', '/api/stream/out?poll=1&timeout=120') for s in range(1, 241, 2)))
            while True:
                # Until the places are taken, ask once a moment.
                other = connect()
                other.sendall(b'GET /api/stream/out?format=json HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nConnection: close\\r\\n\\r\\n')
                if b' 429 ' in other.recv(4096):
                    break
                time.sleep(0.05)
            for attacker in attackers:
                attacker.close()
            done()
            """
        try await Self.expectBounded(bridge, script) {
            try await eventually("the places are free") {
                try await bridge.get("/api/stream/out?format=json").status == 200
            }
        }
    }

    /// Runs the attack and checks memory and `/livez` all the time, and the effects of `body` during it.
    private static func expectBounded(
        _ bridge: BridgeProcess, _ script: String, _ body: () async throws -> Void = {}
    ) async throws {
        let strain = try await Strain.watch(bridge) {
            try await Attacker.run(bridge.port, script) { try await body() }
        }
        #expect(strain.growth < Self.allowed, "\(strain)")
        #expect(strain.latency < .milliseconds(200), "\(strain)")
        #expect(strain.failures == 0, "\(strain)")
        #expect(try await bridge.stop() == .exited(0))
    }

    /// Publishes events of 10 kB until the stream's history has this many bytes.
    private static func fill(_ bridge: BridgeProcess, bytes: Int) async throws {
        for _ in 0..<(bytes / 10_000) {
            let answer = try await bridge.post(
                "/n/in", ByteBuffer(repeating: UInt8(ascii: "e"), count: 10_000), type: "text/plain")
            #expect(answer.status == 201)
        }
    }

    private static func bridge(http: String = "", sink: String = "replay: { bytes: 32MiB }") async throws -> BridgeProcess {
        try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: in }
            sinks:
              out: { type: sse, stream: out, \(sink) }
            routes:
              - { from: [in], to: [out] }
            """,
            http: http
        )
    }
}
