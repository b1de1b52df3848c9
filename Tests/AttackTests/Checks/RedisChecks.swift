import BridgeTesting
import Testing

extension SecurityCheck {
    /// Redis servers that break the protocol (RESP).
    static let redisServers = [
        SecurityCheck("no answer of a Redis server ends the program or fills its memory") { stage in
            let server = try HostilePeer { socket, number in
                let answers = Self.answers
                // A few orderly answers first, so that each command is met by something else.
                for _ in 0..<(number / answers.count) % 4 {
                    guard !socket.receive(upTo: 1).isEmpty, socket.send("+OK\r\n") else { return }
                }
                guard !socket.receive(upTo: 1).isEmpty else { return }
                let (beginning, piece, count) = answers[number % answers.count]
                guard socket.send(beginning) else { return }
                let bytes = Array(piece.utf8)
                for _ in 0..<count { guard socket.send(bytes) else { return } }
                _ = socket.receive(upTo: 1)
            }
            let url = "url: 'redis://127.0.0.1:\(server.port)'"
            try await stage.start(
                sources: ["in: { type: webhook, id: in }"]
                    + (0..<2).map { "s\($0): { type: redis, \(url), channels: [a], patterns: ['b*'] }" }
                    + (0..<2).map { "g\($0): { type: redis-stream, \(url), stream: a, group: g\($0) }" },
                sinks: [
                    "channel: { type: redis, \(url), channel: a, buffer: { events: 10, on_full: drop_oldest } }",
                    "stream: { type: redis-stream, \(url), stream: a, buffer: { events: 10, on_full: drop_oldest } }",
                ], routes: ["{ from: [in], to: [channel, stream] }", "{ from: [s0, s1, g0, g1], to: [honest] }"],
                // On each connection a bulk may have 64 MiB.
                memory: 320 << 10
            )
            let goal = 3 * Self.answers.count * stage.scale
            try await eventually(within: .seconds(30 * stage.scale), "\(goal) answers were given, not \(server.connections)") {
                server.connections >= goal
            }
            stage.note("\(server.connections) connections")
        }
    ]

    /// A beginning, and what is sent how many times after it.
    private static let answers: [(String, String, Int)] = [
        ("$1073741824\r\n", String(repeating: "x", count: 1 << 20), 200),
        ("$9223372036854775807\r\n", String(repeating: "x", count: 1 << 20), 100), ("$-2\r\n", "", 0),
        ("$99999999999999999999\r\n", "", 0), ("$\r\n", "", 0), ("$5\r\nabc\r\n", "", 0), ("$3\r\nabcde\r\n", "", 0),
        ("*2147483647\r\n", "$-1\r\n", 1_000_000 / 5), ("*4294967296\r\n", "", 0),
        ("*-2\r\n", "", 0), ("*9223372036854775807\r\n", "", 0), ("*1000000\r\n", String(repeating: "*0\r\n", count: 1000), 100),
        ("", String(repeating: "*1\r\n", count: 1000), 200),
        ("", String(repeating: "*2\r\n", count: 7) + ":1\r\n", 1000), ("-", String(repeating: "e", count: 1 << 20), 100),
        ("+", String(repeating: "s", count: 1 << 20), 100), (":", String(repeating: "9", count: 1 << 20), 50),
        (":99999999999999999999\r\n", "", 0), (":\r\n", "", 0), (":1x\r\n", "", 0), ("%1\r\n+a\r\n+b\r\n", "", 0),
        ("~1\r\n+a\r\n", "", 0), (">3\r\n+message\r\n+a\r\n+b\r\n", "", 0), ("_\r\n", "", 0), ("#t\r\n", "", 0),
        ("(\(String(repeating: "9", count: 100_000))\r\n", "", 0), ("!3\r\nERR\r\n", "", 0), ("=7\r\ntxt:abc\r\n", "", 0),
        (",nan\r\n", "", 0), ("HTTP/1.1 400 Bad Request\r\n\r\n", "", 0), ("\u{0}\u{0}\u{0}", "", 0),
        ("", "+OK\r\n", 100_000), ("", "-ERR x\r\n", 1000),
        ("*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n", 10_000),
        ("*3\r\n$7\r\nmessage\r\n*1\r\n:1\r\n:5\r\n", "", 0), ("*0\r\n", "*0\r\n", 1000),
        ("*4\r\n$8\r\npmessage\r\n$-1\r\n*-1\r\n$-1\r\n", "", 0), ("-MOVED 1 x:99999\r\n", "", 0), ("-MOVED\r\n", "", 0),
        ("-ASK 1 :0\r\n", "", 0),
        ("-MOVED 99999999999999999999 127.0.0.1:1\r\n", "", 0), ("-NOAUTH\r\n", "", 0), ("-LOADING\r\n", "", 0),
        ("*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*-1\r\n", "", 0),
        (
            "*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n$40\r\n99999999999999999999-99999999999999999999\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n",
            "", 0
        ), ("*1\r\n*2\r\n$1\r\na\r\n*1\r\n*2\r\n:1\r\n*1\r\n$1\r\nk\r\n", "", 0),
    ]
}
