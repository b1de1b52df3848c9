import BridgeTesting
import NIOCore
import Testing

/// Streams through real proxies, each with the snippet that the documentation shows.
@Suite(.timeLimit(.minutes(3)))
struct ProxyTests {
    private static let texts = ["a", "plain \u{E4}", String(repeating: "many words ", count: 60), "short"]

    @Test(arguments: ProxyProcess.Kind.allCases)
    func `events come one by one through a proxy, to clients that decode and that do not, resume and end`(
        _ kind: ProxyProcess.Kind
    ) async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: sse, stream: demo, heartbeat: 5m, drain: 0s }
            routes:
              - { from: [in], to: [out] }
            """
        )
        try await ProxyProcess.with(kind, server: bridge.port) { proxy in
            let url = "http://127.0.0.1:\(proxy.port)/api/stream/demo"
            let plain = try ChildProcess("curl", ["-sSN", url])
            let decoding = try ChildProcess("curl", ["-sSN", "--compressed", url])
            for curl in [plain, decoding] {
                try await eventually("it is connected, not \(curl.standardOutput) \(curl.standardError) \(proxy.log)") {
                    curl.standardOutput.contains("event: cursor\n")
                }
            }
            for (number, text) in Self.texts.enumerated() {
                #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
                for curl in [plain, decoding] {
                    try await eventually("event \(number) has arrived, not only \(curl.standardOutput)") {
                        Self.data(curl).count == number + 1
                    }
                }
            }
            for curl in [plain, decoding] {
                #expect(try ReceivedEvent.all(Self.data(curl)).map(\.message) == Self.texts)
            }
            let ids = plain.standardOutput.split(separator: "\n").filter { $0.hasPrefix("id: ") }.map { $0.dropFirst(4) }
            let resumed = try ChildProcess("curl", ["-sSN", "-H", "Last-Event-ID: \(ids[1])", url])
            try await eventually("it has what it missed, not only \(resumed.standardOutput)") {
                Self.data(resumed).count == Self.texts.count - 1
            }
            #expect(Self.data(resumed) == Array(Self.data(plain).dropFirst()))
            #expect(try await bridge.stop() == .exited(0))
            for curl in [plain, decoding, resumed] {
                #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError) \(proxy.log)")
            }
        }
    }

    @Test(arguments: ProxyProcess.Kind.allCases, [false, true])
    func `the host that a proxy forwards is served once the file names it`(
        _ kind: ProxyProcess.Kind, _ isNamed: Bool
    ) async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: sse, stream: demo }
            routes:
              - { from: [in], to: [out] }
            """,
            http: isNamed ? "allowed_hosts: [events.example]" : ""
        )
        try await ProxyProcess.with(kind, server: bridge.port) { proxy in
            let curl = try ChildProcess(
                "curl",
                [
                    "-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", "Host: events.example",
                    "http://127.0.0.1:\(proxy.port)/api/stream/demo?format=json",
                ])
            #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError) \(proxy.log)")
            // The others name the address of the program instead, as the page says.
            let passesHost = [.haproxy, .caddy, .varnish].contains(kind)
            #expect(curl.standardOutput == (passesHost && !isNamed ? "421" : "200"), "\(proxy.log)")
        }
        #expect(try await bridge.stop() == .exited(0))
    }

    private static func data(_ curl: ChildProcess) -> [String] {
        curl.standardOutput.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }
}
