import BridgeTesting
import NIOCore
import Synchronization
import Testing

/// What requests for the past may cost everybody else.
@Suite(.timeLimit(.minutes(5)))
struct RequestBudgetTests {
    @Test func `a hundred requests that search the whole past do not silence the health check`() async throws {
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
        // No answer is quick because the others are done: all are asked for while the searches go on.
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
            var times: [Duration] = []
            while answered.count.load(ordering: .relaxed) < 100 {
                let start = ContinuousClock.now
                #expect(try await bridge.get("/livez").status == 200)
                times.append(start.duration(to: .now))
            }
            #expect(times.count >= 20)
            // Half of them, because other programs may keep the processors.
            #expect(times.sorted()[times.count / 2] < .milliseconds(200))
            try await group.waitForAll()
        }
    }

    private final class Counter: Sendable {
        let count = Atomic<Int>(0)
    }
}
