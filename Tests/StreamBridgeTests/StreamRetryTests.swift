import BridgeTesting
import NIOCore
import Testing

/// A stream whose server asks its readers to wait.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamRetryTests {
    @Test func `a server that is back early is not asked before the time that it wished for`() async throws {
        let peer = try await SSEServerPeer.start()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: sse, url: "\(peer.url())" }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { to: out }
            """
        )
        try await eventually("the stream is read") { peer.clients == 1 }
        peer.write(raw: ByteBuffer(string: "retry: 6000\ndata: a\n\n"))
        try await eventually("the event has arrived") { bridge.lines(of: "out").count == 1 }
        try await peer.stop()
        try await eventually("the server is missed") {
            try await bridge.get("/readyz").text.contains("Failed to connect")
        }
        try await peer.listen()
        #expect(await !holds(within: .seconds(4)) { peer.requests.count > 1 })
        try await eventually("the stream is read again") { peer.requests.count == 2 }
        #expect(try await bridge.stop() == .exited(0))
    }
}
