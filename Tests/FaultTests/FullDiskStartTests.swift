import BridgeTesting
import Glibc
import NIOCore
import Testing

/// A start while the disk of the log is full.
@Suite(.timeLimit(.minutes(2)), .enabled(if: SmallDisk.obstacle == nil, "a small disk must be mounted"))
struct FullDiskStartTests {
    private static func yaml(_ disk: SmallDisk) -> String {
        """
        log: { kind: sqlite, path: "\(disk.path)/events.db" }
        sources:
          in: { type: webhook, id: hello }
        sinks:
          out: { type: file, path: "{directory}/out" }
          stream: { type: sse, stream: demo }
        routes:
          - { to: [out, stream] }
        """
    }

    private static func post(_ bridge: BridgeProcess, _ text: String) async throws -> Int {
        try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status
    }

    @Test func `the program waits for disk space, reports it, refuses requests, and resumes automatically`() async throws {
        let disk = try SmallDisk.mounted()
        try disk.fill()
        let bridge = try await BridgeProcess.start(Self.yaml(disk), waitingForReadiness: false)
        let readiness = try await bridge.get("/readyz")
        #expect(readiness.status == 503)
        #expect(readiness.text.contains(#""log":{"writable":false"#), "\(readiness.text)")
        #expect(readiness.text.contains("\(disk.path)/events.db"), "\(readiness.text)")
        #expect(try await bridge.get("/livez").status == 200)
        #expect(try await bridge.get("/metrics").status == 200)
        for path in ["/n/hello", "/api/webhooks/hello", "/api/stream/demo"] {
            let answer = try await bridge.post(path, ByteBuffer(string: "x"), type: "text/plain")
            #expect(answer.status == 503, "\(path)")
            #expect(answer.header("retry-after") == "5")
        }
        #expect(try await bridge.get("/api/stream/demo").status == 503)
        #expect(bridge.process.ended == nil)
        disk.free()
        try await bridge.untilReady()
        #expect(try await Self.post(bridge, "first") == 201)
        try await eventually("it is delivered") { bridge.lines(of: "out").count == 1 }
        #expect(try await bridge.get("/nowhere").status == 404)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a log that holds events is opened once there is room`() async throws {
        let disk = try SmallDisk.mounted()
        let first = try await BridgeProcess.start(Self.yaml(disk))
        #expect(try await Self.post(first, "before") == 201)
        #expect(try await first.stop() == .exited(0))
        try disk.fill()
        let second = try await BridgeProcess.start(Self.yaml(disk), directory: first.directory, waitingForReadiness: false)
        try await eventually("the log is what is missing") {
            let readiness = try await second.get("/readyz")
            return readiness.status == 503 && readiness.text.contains(#""writable":false"#)
        }
        disk.free()
        try await second.untilReady()
        let history = try await second.get("/api/stream/demo?format=json&since=earliest")
        #expect(history.text.contains("before"), "the history is complete: \(history.text)")
        #expect(try await Self.post(second, "after") == 201)
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `the program can be stopped while it waits`() async throws {
        let disk = try SmallDisk.mounted()
        try disk.fill()
        let bridge = try await BridgeProcess.start(Self.yaml(disk), waitingForReadiness: false)
        let start = ContinuousClock.now
        #expect(try await bridge.stop() == .exited(0))
        #expect(ContinuousClock.now - start < .seconds(3))
    }
}
