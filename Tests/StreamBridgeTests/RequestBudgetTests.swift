import BridgeTesting
import NIOCore
import Synchronization
import Testing

/// What requests for the past may cost everybody else.
@Suite(.timeLimit(.minutes(5)))
struct RequestBudgetTests {
    private static let idle = """
        sources: { in: { type: webhook, id: in } }
        sinks: { out: { type: sse, stream: out } }
        routes: [{ to: out }]
        """

    @Test func `a hundred requests that search the whole history do not delay the health check`() async throws {
        let directory = try TemporaryDirectory()
        let lines = (1...300).map { #"{"message":"\#($0)"}"# }.joined(separator: "\n") + "\n"
        try directory.write(lines, to: "lines.ndjson")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: file, path: "{directory}/lines.ndjson", follow: false, subject: home/door }
            sinks:
              out: { type: sse, stream: demo }
            routes:
              - { from: [in], to: [out] }
            """, directory: directory
        )
        try await eventually(within: .seconds(60), "all events are remembered") {
            try await bridge.get("/api/stream/demo?format=json&since=latest").text.contains("-300\"")
        }
        // As many values as are allowed, each of which is compared with the whole subject.
        let filters = (0..<64).map { "*x\($0)*" }.joined(separator: ",")
        let body = "format=json&since=300&limit=1&subject=\(filters)"
        let form = [(name: "Content-Type", value: "application/x-www-form-urlencoded")]
        // No answer is quick because the others are done: all are sent while the searches run.
        let answered = Counter()
        try await withThrowingTaskGroup { group in
            for _ in 0..<100 {
                group.addTask {
                    defer { answered.count.wrappingAdd(1, ordering: .relaxed) }
                    let answer = try await HTTPRequestPeer.send(
                        "POST", "/api/stream/demo", port: bridge.port, headers: form, body: ByteBuffer(string: body),
                        timeout: .seconds(120))
                    #expect(answer.status == 200)
                    #expect(answer.text.hasSuffix("\"events\":[]}"))
                }
            }
            // How much longer an answer takes than one of a program that does nothing, on the same busy machine.
            let idle = try await BridgeProcess.start(Self.idle)
            var times: [Duration] = []
            while answered.count.load(ordering: .relaxed) < 100 {
                let start = ContinuousClock.now
                #expect(try await bridge.get("/livez").status == 200)
                let end = ContinuousClock.now
                _ = try await idle.get("/livez")
                times.append((end - start) - (ContinuousClock.now - end))
            }
            #expect(times.count >= 20)
            // Half of them, because other programs may keep the processors. Searches without breaks take seconds.
            #expect(times.sorted()[times.count / 2] < .milliseconds(600))
            try await group.waitForAll()
        }
    }

    @Test(arguments: ["1", "2"])
    func `stream clients that read nothing stay within the server's memory limit`(version: String) async throws {
        let directory = try TemporaryDirectory()
        let lines = (1...200).map { #"{"message":"\#($0) \#(String(repeating: "x", count: 3500))"}"# }
        try directory.write(lines.joined(separator: "\n") + "\n", to: "lines.ndjson")
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: file, path: "{directory}/lines.ndjson", follow: false, subject: home/door }
            sinks:
              out: { type: sse, stream: demo, slow_client: { stall: 60s } }
            routes:
              - { from: [in], to: [out] }
            """, http: "limits: { buffered: 2MiB, buffered_per_connection: 1MiB }", directory: directory
        )
        try await eventually(within: .seconds(60), "all events are remembered") {
            try await bridge.get("/api/stream/demo?format=json&since=latest").text.contains("-200\"")
        }
        let scripts = [
            "1": """
            readers = []
            for number in range(200):
                reader = socket.socket()
                reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                reader.connect(('127.0.0.1', port))
                reader.sendall(b'GET /api/stream/demo?since=earliest HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n')
                readers.append(reader)
            done()
            """,
            "2": """
            readers = [open2(window=0) for _ in range(4)]
            for reader in readers:
                for number in range(50):
                    reader.sendall(request(2 * number + 1, 'GET', '/api/stream/demo?since=earliest'))
            done()
            """,
        ]
        let script = try #require(scripts[version])
        try await Attacker.run(bridge.port, script) {
            try await eventually(within: .seconds(30), "readers are disconnected for the memory") {
                try await bridge.get("/metrics").text.split(separator: "\n").contains {
                    $0.hasPrefix("streambridge_sse_connections_closed_total") && $0.contains(#"reason="memory""#)
                        && !$0.hasSuffix(" 0")
                }
            }
            // Memory that they have held for a second is freed for clients that read.
            try await eventually(within: .seconds(30), "a reader that reads gets everything") {
                try await bridge.get("/api/stream/demo?since=earliest&format=json&limit=200").text.contains("-200\"")
            }
        }
    }

    private final class Counter: Sendable {
        let count = Atomic<Int>(0)
    }
}
