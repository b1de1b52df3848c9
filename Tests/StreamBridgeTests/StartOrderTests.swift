import BridgeTesting
import NIOCore
import Testing

/// How soon sources take events in after the start, and flows resume after an outage.
@Suite(.timeLimit(.minutes(2)))
struct StartOrderTests {
    private static func yaml(_ port: Int, log: String) -> String {
        """
        log: { \(log) }
        sources:
          in: { type: webhook, id: hello, ack: received }
        sinks:
          silent: { type: mqtt, url: "mqtt://127.0.0.1:\(port)", topic: a, required: false }
          out: { type: file, path: "{directory}/out" }
        routes:
          - { to: [silent, out] }
        """
    }

    @Test(arguments: [("kind: sqlite", 900), ("kind: memory", 5000)])
    func `a sink whose peer accepts and stays silent delays no source`(log: String, milliseconds: Int) async throws {
        let broker = try await BrokerProcess.mosquitto()
        let proxy = try TCPProxy(server: broker.port)
        proxy.set(.swallow)
        let bridge = try await BridgeProcess.start(Self.yaml(proxy.port, log: log), drain: "500ms", waitingForReadiness: false)
        try await bridge.untilReady()
        // The times of the program's own log lines: how busy the machine is counts for little in between.
        let lines = bridge.process.standardError.split(separator: "\n")
        let started = try #require(lines.first { $0.contains("streambridge: Started") })
        let open = try #require(lines.first { $0.contains("Accepting webhook requests") })
        #expect(try Self.milliseconds(open) - Self.milliseconds(started) <= milliseconds)
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "x"), type: "text/plain").status == 201)
        try await eventually("it is delivered where it can be") { bridge.lines(of: "out").count == 1 }
    }

    /// Since midnight.
    private static func milliseconds(_ line: Substring) throws -> Int {
        let match = try #require(line.firstMatch(of: #/T([0-9]+):([0-9]+):([0-9]+)\.([0-9]+)Z/#))
        let parts = [match.1, match.2, match.3, match.4].compactMap { Int($0) }
        return ((parts[0] * 60 + parts[1]) * 60 + parts[2]) * 1000 + parts[3]
    }

    @Test func `a receiver that returns after a while gets its events soon, despite long waits`() async throws {
        let receiver = try await HTTPPeer.start()
        try await receiver.stop()
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello, ack: received }
            sinks:
              out: { type: webhook, url: "\(receiver.url())", retry: { initial: 10m, max: 10m } }
            routes:
              - { to: [out] }
            """, waitingForReadiness: false
        )
        try await eventually("it is taken") {
            try await bridge.post("/n/hello", ByteBuffer(string: "x"), type: "text/plain").status == 201
        }
        try await eventually("it was tried") { try await bridge.metric("streambridge_retries_total", "component=\"out\"") > 0 }
        // Long enough for the first probe.
        try await eventually("the wait is probed") { bridge.process.standardError.contains("Component failed") }
        try await receiver.listen()
        let back = ContinuousClock.now
        try await eventually(within: .seconds(60), "it has its event") { receiver.count > 0 }
        #expect(ContinuousClock.now - back < .seconds(20), "a probe ends a wait of up to ten minutes")
        #expect(try await bridge.stop() == .exited(0))
    }
}
