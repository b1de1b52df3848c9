import BridgeTesting
import NIOCore

extension SecurityCheck {
    /// What clients of the endpoint may ask for.
    static let streams = [
        SecurityCheck("thousands of filters in one request hold nothing up") { stage in
            let bridge = try await Self.history(stage)
            let port = bridge.port
            let subjects = (0..<4000).map { "subject=a\($0)" }.joined(separator: "&")
            let bodies = [
                "since=10000&limit=1&\(subjects)",
                "since=10000&limit=1&" + (0..<3000).map { "tags=a\($0)" }.joined(separator: "&"),
                "since=10000&limit=1&" + (0..<3000).map { "source=a\($0)" }.joined(separator: "&"),
                "since=10000&limit=1&priority=" + String(repeating: "5,", count: 20_000),
                "since=10000&limit=1&streams=" + String(repeating: "out,", count: 5000),
                "since=10000&limit=1&" + String(repeating: "x=y&", count: 10_000),
            ]
            try await OwnThread.run {
                for body in bodies {
                    let sockets = try (0..<2 * AttackSettings.scale).map { _ in
                        let socket = try AttackSocket(port: port, patience: .seconds(5))
                        socket.send(
                            "POST /api/stream/out?format=json HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
                                + "Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                        )
                        return socket
                    }
                    for socket in sockets { _ = socket.answer() }
                }
            }
        },

        SecurityCheck("filters that are slow to match hold nothing up") { stage in
            let bridge = try await Self.history(stage)
            let port = bridge.port
            let subjects = [
                String(repeating: "*a", count: 200), String(repeating: "a*", count: 200) + "b",
                String(repeating: "?*", count: 200),
                String(repeating: "%2B/", count: 300) + "%23", String(repeating: "[a-z]*", count: 100),
                "**/" + String(repeating: "*/", count: 200),
            ]
            try await OwnThread.run {
                for subject in subjects {
                    let sockets = try (0..<5 * AttackSettings.scale).map { _ in
                        let socket = try AttackSocket(port: port, patience: .seconds(5))
                        socket.send(
                            "GET /api/stream/out?format=json&since=earliest&subject=\(subject) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                        )
                        return socket
                    }
                    for socket in sockets { _ = socket.answer() }
                }
            }
        },

        SecurityCheck("jq that clients bring ends neither the program nor its patience") { stage in
            let bridge = try await Self.history(stage, "expressions: true")
            let port = bridge.port
            let codes = JQBombs.all
            // Each reads the whole history.
            let seconds = 60 * Self.historyScale
            let silent = try await OwnThread.run {
                let deadline = ContinuousClock.now + .seconds(seconds)
                return try codes.filter { code in
                    guard ContinuousClock.now < deadline else { return true }
                    let socket = try AttackSocket(port: port, patience: .seconds(10))
                    let text = code.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
                    socket.send(
                        "GET /api/stream/out?format=json&since=earliest&when=\(text) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                    )
                    return socket.answer() == nil
                }
            }
            for code in silent {
                stage.complain("no answer within 10 s, or not within \(seconds) s for all, to \(code.prefix(60))")
            }
            stage.note("\(codes.count) expressions")
        },

        SecurityCheck("odd places to begin are answered or refused") { stage in
            let bridge = try await Self.history(stage)
            let port = bridge.port
            let failures = try await OwnThread.run {
                var failures: [String] = []
                for place in OddPlaces.all {
                    for header in [true, false] {
                        let socket = try AttackSocket(port: port, patience: .seconds(2))
                        let (query, field) = header ? ("", "Last-Event-ID: \(place.header)\r\n") : ("&since=\(place.query)", "")
                        socket.send(
                            "GET /api/stream/out?format=json\(query) HTTP/1.1\r\nHost: localhost\r\n\(field)Connection: close\r\n\r\n"
                        )
                        let status = socket.answer()?.status ?? 0
                        if ![200, 204, 400, 414, 431].contains(status) {
                            failures.append("\(place.query.prefix(60)): \(status)")
                        }
                    }
                }
                return failures
            }
            for failure in failures { stage.complain(failure) }
            stage.note("\(OddPlaces.all.count) places")
        },

        SecurityCheck("readers that read nothing cost bounded memory and delay nobody") { stage in
            let bridge = try await stage.start(
                sources: ["in: { type: webhook, id: in }"],
                sinks: ["out: { type: sse, stream: out, slow_client: { bytes: 256KiB, stall: 1s } }"],
                routes: ["{ from: [in], to: [out] }"]
            )
            let port = bridge.port
            let codings = ["identity", "gzip", "zstd"]
            let sockets = try await OwnThread.run {
                try (0..<150 * AttackSettings.scale).map { index in
                    let socket = try AttackSocket(port: port, receiveBuffer: 4096)
                    socket.send(
                        "GET /api/stream/out HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: \(codings[index % 3])\r\n\r\n")
                    return socket
                }
            }
            let text = String(repeating: "s", count: 3000)
            for number in 0..<300 * stage.scale {
                let answer = try await bridge.post("/n/in", .init(string: "\(number) \(text)"), type: "text/plain")
                if answer.status != 201 { stage.complain("an event was answered with \(answer.status)") }
            }
            for socket in sockets { socket.shutDown() }
        },

        SecurityCheck("readers that come and go leave nothing behind") { stage in
            let bridge = try await Self.history(stage)
            let port = bridge.port
            let paths = [
                "/api/stream/out", "/api/stream/out?since=earliest", "/api/stream/out?poll=1", "/api/stream/out?format=ndjson",
                "/api/stream/out?format=json", "/api/stream/out?subject=a/%2B", "/api/stream/none", "/api/stream/out,out",
            ]
            try await OwnThread.run {
                for number in 0..<200 * AttackSettings.scale {
                    let socket = try AttackSocket(port: port, patience: .milliseconds(50))
                    socket.send("GET \(paths[number % paths.count]) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    if number % 3 == 0 { socket.resetOnClose() }
                    if number % 2 == 0 { _ = socket.receive(upTo: 1) }
                }
            }
        },
    ]

    /// How many times 500 events ``history(_:_:)`` has.
    private static let historyScale = min(6, AttackSettings.scale)

    /// Starts the program with a stream that remembers 500 events or more.
    private static func history(_ stage: AttackStage, _ more: String = "") async throws -> BridgeProcess {
        let bridge = try await stage.start(
            sources: ["in: { type: webhook, id: in }"],
            sinks: ["out: { type: sse, stream: out\(more.isEmpty ? "" : ", " + more) }"],
            routes: ["{ from: [in], to: [out] }"]
        )
        let port = bridge.port
        try await OwnThread.run {
            let socket = try AttackSocket(port: port, patience: .seconds(5))
            for number in 0..<500 * Self.historyScale {
                let body =
                    #"{"message":"aaaaaaaaaaaaaaaaaaaaaaaaaaaa \#(number)","tags":["a"],"payload":{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}}"#
                socket.send(
                    "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
                )
                guard socket.answer()?.status == 201 else { throw PeerError("the history was refused") }
            }
        }
        return bridge
    }
}
