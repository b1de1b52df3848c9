import BridgeTesting
import Glibc
import NIOCore
import Testing

/// How long the end of the program takes, and what its last line says, when the disk of the log is full.
@Suite(.timeLimit(.minutes(2)), .enabled(if: SmallDisk.obstacle == nil, "a small disk must be mounted"))
struct StopTests {
    private static func yaml(_ disk: SmallDisk) -> String {
        """
        log: { kind: sqlite, path: "\(disk.path)/events.db" }
        sources:
          in: { type: webhook, id: hello, ack: received }
        sinks:
          stream: { type: sse, stream: demo }
          away: { type: mqtt, url: "mqtt://127.0.0.1:1", topic: a, required: false }
        routes:
          - { to: [stream] }
        """
    }

    private static func fill(_ disk: SmallDisk, _ bridge: BridgeProcess) async throws {
        try disk.fill()
        var number = 0
        try await eventually("the log is full") {
            number += 1
            // Not waited for: with a full disk nothing is answered soon.
            _ = try? await bridge.post(
                "/n/hello", ByteBuffer(string: String(repeating: "\(number) ", count: 2000)), type: "text/plain")
            return try await bridge.get("/readyz").text.contains(#""writable":false"#)
        }
    }

    @Test func `a full disk and a stalled reader delay the end only within service.drain`() async throws {
        let disk = try SmallDisk.mounted()
        let bridge = try await BridgeProcess.start(Self.yaml(disk), drain: "3s")
        let reader = try RawConnection(port: bridge.port, receiveBuffer: 2048)
        try await reader.send("GET /api/stream/demo HTTP/1.1\r\nHost: localhost\r\n\r\n")
        try await Self.fill(disk, bridge)
        let start = ContinuousClock.now
        let ending = try await bridge.stop()
        #expect(ContinuousClock.now - start < .milliseconds(3600), "\(bridge.process.standardError)")
        #expect(ending == .exited(1), "events were accepted that the disk has not taken: \(bridge.process.standardError)")
        let last = try #require(bridge.process.standardError.split(separator: "\n").last)
        #expect(last.contains("Stopped; some events could not be written to the log") && last.contains("unwritten="), "\(last)")
        #expect(!last.contains("undelivered=0") && !last.contains("unwritten=0"), "\(last)")
    }

    @Test func `a full disk is not a failure when nothing is pending`() async throws {
        let disk = try SmallDisk.mounted()
        let bridge = try await BridgeProcess.start(Self.yaml(disk), drain: "3s")
        try await Self.fill(disk, bridge)
        disk.free()
        try await eventually("everything is written") { try await bridge.get("/readyz").text.contains(#""writable":true"#) }
        try await eventually("everything is delivered") { try await bridge.metric("streambridge_queue_events") == 0 }
        #expect(try await bridge.stop() == .exited(0), "\(bridge.process.standardError)")
    }
}
