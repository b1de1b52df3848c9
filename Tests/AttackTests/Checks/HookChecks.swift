import BridgeTesting

extension SecurityCheck {
    /// The access hook: what it has allowed one client holds for that client only, and an answer that cannot be read allows nothing.
    static let hooks = [
        SecurityCheck("what the hook allows one client is not given to another") { stage in
            let hook = try await HTTPPeer.start()
            hook.answer { request in
                let isAllowed =
                    request.headers["X-Forwarded-For"] == "127.0.0.2" && request.headers["User-Agent"] == "a"
                    && request.headers["Cookie"] == "b" && request.headers["Origin"] == "c"
                    && request.headers["Authorization"] == "Bearer d"
                return HTTPPeer.Answer(isAllowed ? 204 : 403)
            }
            let bridge = try await Self.start(stage, hook)
            let right = ["User-Agent: a", "Cookie: b", "Origin: c", "Authorization: Bearer d"]
            let others: [(UInt8, [String])] = [
                (3, right), (2, ["User-Agent: x"] + right.dropFirst()), (2, Array(right.dropFirst())),
                (2, ["User-Agent: a", "Cookie: c", "Origin: b", "Authorization: Bearer d"]),
                (2, ["User-Agent: a", "Cookie: bc", "Authorization: Bearer d"]),
                (2, ["User-Agent: a", "Origin: bc", "Authorization: Bearer d"]),
                (2, ["User-Agent: ab", "Origin: c", "Authorization: Bearer d"]),
                (2, ["User-Agent: a", "Cookie: b\u{1}c", "Authorization: Bearer d"]),
                (2, right.dropLast() + ["Authorization: Bearer d "].map { $0 + "x" }),
            ]
            for round in 0..<3 {
                let allowed = try await Self.status(bridge.port, 2, right)
                stage.expect(allowed == 200, "round \(round): the allowed client was answered with \(allowed)")
                for (host, fields) in others {
                    let status = try await Self.status(bridge.port, host, fields)
                    stage.expect(
                        status != 200, "round \(round): 127.0.0.\(host) with \(fields.map(\.debugDescription)) was granted access"
                    )
                }
            }
        },

        SecurityCheck("an answer of the hook that cannot be read allows nothing") { stage in
            let hook = try await HTTPPeer.start()
            let bodies = [
                "{", "{\"subscribe\":[\"#\"]", "\u{FEFF}{\"subscribe\":[\"#\"]}", "null", "[]", "\"x\"", "true", "5",
                "{\"subscribe\":\"#\"", "<html>", " ", "\n", "{}{}",
                "{\"subscribe\":5}", "{\"subscribe\":[5]}", "{\"subscribe\":[null]}", "{\"subscribe\":{\"#\":1}}",
                "{\"expires\":1}",
                "{\"name\":5,\"subscribe\":[]}", "\u{0}", "{\"subscribe\":[\"\u{0}\"]}", String(repeating: "[", count: 10_000),
                "{\"x\":\"\(String(repeating: "x", count: 70_000))\",\"subscribe\":[\"#\"]}",
                String(repeating: " ", count: 70_000),
                "{\"subscribe\":[\"a/#/b\"]}", "{\"subscribe\":[\"\"]}",
            ]
            // The client says which answer it gets.
            hook.answer { request in
                let number = request.headers["Authorization"].flatMap { Int($0.dropFirst(7)) } ?? 0
                return HTTPPeer.Answer(200, body: bodies[number % bodies.count])
            }
            let bridge = try await Self.start(stage, hook)
            for (number, body) in bodies.enumerated() {
                let status = try await Self.status(bridge.port, 1, ["Authorization: Bearer \(number)"])
                stage.expect(status == 503 || status == 403 || status == 401, "\(body.prefix(40).debugDescription): \(status)")
            }
            stage.note("\(bodies.count) answers")
        },

        SecurityCheck("a hook that hangs holds only those up who wait for it") { stage in
            let hook = try await HTTPPeer.start()
            hook.answer(with: HTTPPeer.Answer(204, delay: .seconds(3)))
            let bridge = try await Self.start(stage, hook)
            let port = bridge.port
            let clients = 300
            let before = ProcessFigures(pid: bridge.process.pid)
            let sockets = try await OwnThread.run {
                try (0..<clients).map { number in
                    let socket = try AttackSocket(port: port, patience: .milliseconds(100))
                    socket.send(
                        "GET /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(number)\r\n\r\n")
                    return socket
                }
            }
            await stage.settle()
            let during = ProcessFigures(pid: bridge.process.pid)
            let asked = (during?.descriptors ?? 0) - (before?.descriptors ?? 0) - clients
            stage.expect(asked <= 128, "\(asked) descriptors beside those of the \(clients) clients")
            stage.note("\(max(0, asked)) descriptors for the hook")
            for socket in sockets { socket.shutDown() }
        },
    ]

    private static func start(_ stage: AttackStage, _ hook: HTTPPeer) async throws -> BridgeProcess {
        try await stage.start(
            sources: ["in: { type: webhook, id: in }"], sinks: ["out: { type: sse, stream: out }"],
            routes: ["{ from: [in], to: [out] }"],
            http: "access: { hook: { url: '\(hook.url("/ask"))', timeout: 4s } }"
        )
    }

    private static func status(_ port: Int, _ host: UInt8, _ fields: [String]) async throws -> Int {
        try await OwnThread.run {
            let socket = try AttackSocket(port: port, host: host, patience: .seconds(5))
            let fields = fields.map { "\($0)\r\n" }.joined()
            socket.send("GET /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\n\(fields)Connection: close\r\n\r\n")
            return socket.answer()?.status ?? 0
        }
    }
}
