import BridgeTesting
import Glibc

extension SecurityCheck {
    /// Clients that take their time (slow loris), and those that promise much and send little.
    static let slowClients =
        [
            ("a request head", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: ", "a"),
            ("a request body", "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n", "b"),
            ("a chunked body", "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nc\r\n"),
            ("the preface of HTTP/2", "PRI * HTTP/2.0\r", ""),
        ].map { name, beginning, drop in
            SecurityCheck("clients that send \(name) a drop at a time hold nothing up") { stage in
                let bridge = try await stage.start(
                    sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
                try await Self.drip(beginning, drop, clients: 100, rounds: 10 * stage.scale, port: bridge.port)
                stage.note("100 clients")
            }
        } + [
            SecurityCheck("TLS handshakes that are begun and left hold nothing up") { stage in
                // Honest traffic needs a listener without TLS, so the one that is attacked belongs to a second program.
                let secure = try await SecureProgram.start()
                try await stage.start()
                let before = ProcessFigures(pid: secure.process.pid)
                let port = secure.port
                try await OwnThread.run {
                    var sockets: [AttackSocket] = []
                    for index in 0..<200 * AttackSettings.scale {
                        let socket = try AttackSocket(port: port)
                        socket.send(Self.handshakes[index % Self.handshakes.count])
                        sockets.append(socket)
                        if sockets.count > 400 { sockets.removeFirst(200) }
                    }
                }
                let status = try await secure.status(of: "/livez")
                stage.expect(status == "200", "/livez over TLS was answered with \(status)")
                let after = ProcessFigures(pid: secure.process.pid)
                stage.expect(
                    (after?.memory ?? .max) <= (before?.memory ?? 0) + AttackStage.memory,
                    "memory rose to \(after?.memory ?? 0) KiB")
                secure.process.signal(SIGTERM)
                let ending = try await secure.process.untilEnded()
                stage.expect(ending == .exited(0), "the program with TLS ended with \(ending)")
            }
        ]

    /// Takes longer than the test suite should: the first head must come within ten seconds.
    static let silentClients = [
        SecurityCheck("a client that is silent behind its head is closed in time") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"], routes: ["{ from: [in], to: [honest] }"])
            let port = bridge.port
            let stays = try await OwnThread.run {
                // The first head must come within 10 s.
                let sockets = try ["", "GET / HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"].map { beginning in
                    let socket = try AttackSocket(port: port, patience: .seconds(20))
                    socket.send(beginning)
                    return socket
                }
                return sockets.count { !$0.isClosedByPeer() }
            }
            stage.expect(stays == 0, "\(stays) of 3 silent connections stayed open for 20 s")
        }
    ]

    /// Opens connections that send a beginning and then, round by round, one drop each; then leaves them.
    private static func drip(_ beginning: String, _ drop: String, clients: Int, rounds: Int, port: Int) async throws {
        try await OwnThread.run {
            let sockets = try (0..<clients).map { _ in
                let socket = try AttackSocket(port: port, patience: .milliseconds(100))
                socket.send(beginning)
                return socket
            }
            for _ in 0..<rounds {
                for socket in sockets where !drop.isEmpty { socket.send(drop) }
                usleep(100_000)
            }
        }
    }

    /// First bytes of handshakes that are cut, too long, empty, of another protocol or of another time.
    private static let handshakes: [[UInt8]] = [
        [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3], [0x16, 3, 1, 0xFF, 0xFF], [0x16, 3, 1, 0, 0],
        Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8),
        [0x80, 0x2E, 1, 3, 1], [UInt8](repeating: 0x15, count: 5000), [0x16, 3, 3, 0, 4, 0, 0, 0, 0],
        [0x17, 3, 3, 0x40, 0x00] + [UInt8](repeating: 7, count: 16_384),
    ]
}
