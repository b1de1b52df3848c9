import BridgeTesting
import NIOCore
import Testing

/// A stream whose server asks its readers to wait.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct StreamRetryTests {
    @Test func `a server that returns early gets no request before its Retry-After`() async throws {
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
        peer.write(raw: ByteBuffer(string: "retry: 4000\ndata: a\n\n"))
        try await eventually("the event has arrived") { bridge.lines(of: "out").count == 1 }
        try await peer.stop()
        try await eventually("the server is missed") {
            try await bridge.get("/readyz").text.contains("Failed to connect")
        }
        try await peer.listen()
        #expect(await !holds(within: .seconds(2)) { peer.requests.count > 1 })
        try await eventually("the stream is read again") { peer.requests.count == 2 }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a stream that recovers from a failure is logged as connected`() async throws {
        let peer = try await SSEServerPeer.start()
        try await peer.stop()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: sse, url: "\(peer.url())" }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { to: out }
            """,
            waitingForReadiness: false
        )
        func lines() -> [Substring] {
            bridge.log.split(separator: "\n").filter { $0.contains(" in: Connected ") || $0.contains(" in: Component failed ") }
        }
        try await eventually("the server is missed") { lines().count == 1 }
        try await peer.listen()
        try await eventually("the stream is read") { peer.clients == 1 }
        try await eventually("it is logged") { lines().last?.hasSuffix(" notice in: Connected peer=\(peer.url())") ?? false }
        let count = lines().count
        try await peer.stop()
        try await eventually("the server is missed") { lines().count > count }
        try await peer.listen()
        try await eventually("it is logged") { lines().last?.hasSuffix(" notice in: Connected peer=\(peer.url())") ?? false }
        #expect(try await bridge.stop() == .exited(0))
    }
}
