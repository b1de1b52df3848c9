import BridgeTesting
import Glibc
import NIOCore
import Testing

/// Components that a reload replaces or removes while they are busy.
@Suite(.timeLimit(.minutes(2)))
struct LeavingTests {
    private static func mail(_ server: SilentPeer) -> String {
        """
        sources:
          in: { type: webhook, id: hello, ack: received }
          extra: { type: webhook, id: extra }
        sinks:
          out: { type: file, path: "{directory}/out" }
          mail: { type: smtp, url: "smtp://127.0.0.1:\(server.port)", from: a@example.org, to: b@example.org, timeout: 100s }
        routes:
          - { name: all, to: [out, mail] }
        """
    }

    private static let without = """
        sources:
          in: { type: webhook, id: hello, ack: received }
        sinks:
          out: { type: file, path: "{directory}/out" }
        routes:
          - { name: all, to: out }
        """

    /// Starts the program with a mail in flight to a server that says nothing.
    private static func start(_ server: SilentPeer) async throws -> BridgeProcess {
        let bridge = try await BridgeProcess.start(self.mail(server), drain: "100s")
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "a"), type: "text/plain").status == 201)
        try await eventually("the server is asked") { server.connections == 1 }
        try bridge.rewrite(self.without)
        return bridge
    }

    @Test func `a removed sink whose peer is silent delays a reload by seconds at most`() async throws {
        let server = try await SilentPeer()
        let bridge = try await Self.start(server)
        let start = ContinuousClock.now
        #expect(try await bridge.reload().text.contains(#""removed":["source extra","sink mail"]"#))
        #expect(start.duration(to: .now) < .seconds(15))
        #expect(bridge.log.contains("Pending events of a removed sink dropped; a log on disk would keep them events=1 sink=mail"))
        #expect(try await bridge.stop(within: .seconds(15)) == .exited(0))
    }

    @Test func `a signal ends the wait of a reload for a removed sink`() async throws {
        let server = try await SilentPeer()
        let bridge = try await Self.start(server)
        bridge.process.signal(SIGHUP)
        // Sources end before sinks.
        try await eventually("the reload has begun") { bridge.log.contains("extra: Component stopped") }
        #expect(try await bridge.stop(within: .seconds(15)) == .exited(0))
    }

    @Test func `a source that reloads replace in a burst of messages gets none of them twice`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        func yaml(_ keepAlive: Int) -> String {
            """
            log: { kind: sqlite }
            sources:
              in: { type: mqtt, url: "mqtt://127.0.0.1:\(broker.port)", client_id: in, keep_alive: \(keepAlive)s, \
            subscribe: [{ topic: in/#, qos: 1 }] }
            sinks:
              out: { type: file, path: "{directory}/out" }
            routes:
              - { name: all, to: out }
            """
        }
        let bridge = try await BridgeProcess.start(yaml(60))
        let publisher = try await MQTTPeer.connect(port: broker.port)
        let bodies = (0..<4000).map { ByteBuffer(string: "m\($0)") }
        async let published: Void = publisher.publish(bodies, on: "in/a")
        for round in 1...20 {
            try bridge.rewrite(yaml(60 + round))
            #expect(try await bridge.reload().status == 200)
        }
        try await published
        var messages: [String] = []
        try await eventually(within: .seconds(60), "all have arrived") {
            messages = try ReceivedEvent.all(bridge.lines(of: "out")).map(\.message)
            return Set(messages).count == bodies.count
        }
        #expect(messages.count == bodies.count, "\(messages.count - bodies.count) came again")
        #expect(try await bridge.stop() == .exited(0))
    }
}
