import BridgeTesting
import Glibc
import Testing

/// A client whose machine vanishes, in its own network namespace.
@Suite(.timeLimit(.minutes(1)), .enabled(if: geteuid() == 0, "network namespaces need root"))
struct DeadPeerTests {
    private static func ip(_ arguments: String...) async throws {
        let process = try ChildProcess("ip", arguments)
        guard try await process.untilEnded() == .exited(0) else {
            throw PeerError("ip \(arguments.joined(separator: " ")): \(process.standardError)")
        }
    }

    @Test func `a client that vanishes is disconnected`() async throws {
        let number = Int(getpid())
        let (name, ours, theirs) = ("sb\(number)", "sba\(number)", "sbb\(number)")
        // Its own network of two addresses (RFC 2544 §C.2.2 reserves these for tests).
        let net = "198.18.\(number / 64 % 256).\(number % 64 * 4)"
        let (here, there) = (net.next(1), net.next(2))
        try await Self.ip("netns", "add", name)
        do {
            try await Self.ip("link", "add", ours, "type", "veth", "peer", "name", theirs, "netns", name)
            try await Self.ip("address", "add", "\(here)/30", "dev", ours)
            try await Self.ip("link", "set", ours, "up")
            try await Self.ip("-n", name, "address", "add", "\(there)/30", "dev", theirs)
            try await Self.ip("-n", name, "link", "set", theirs, "up")
            let bridge = try await BridgeProcess.start(
                """
                sources:
                  in: { type: webhook, id: hello }
                sinks:
                  out: { type: sse, stream: demo, heartbeat: 500ms, slow_client: { dead: 1s } }
                routes:
                  - { from: [in], to: [out] }
                """, host: "0.0.0.0"
            )
            let url = "http://\(here):\(bridge.port)/api/stream/demo"
            try await ChildProcess.with("ip", ["netns", "exec", name, "curl", "-sN", url]) { curl in
                try await eventually("the stream has begun") { curl.standardOutput.contains("event: cursor") }
                #expect(try await bridge.metric("streambridge_sse_subscribers") == 1)
                try await Self.ip("-n", name, "link", "set", theirs, "down")
                try await eventually("it is let go") { try await bridge.metric("streambridge_sse_subscribers") == 0 }
                try await eventually("it is counted") {
                    try await bridge.metric("streambridge_sse_connections_closed_total", #"reason="failed""#) == 1
                }
                #expect(curl.ended == nil)
            }
        } catch {
            try await Self.ip("netns", "delete", name)
            throw error
        }
        try await Self.ip("netns", "delete", name)
    }
}

extension String {
    /// The address this far after this one; the last part stays below 256.
    fileprivate func next(_ count: Int) -> String {
        let parts = self.split(separator: ".")
        return (parts.dropLast() + ["\((Int(parts[3]) ?? 0) + count)"]).joined(separator: ".")
    }
}
