import BridgeTesting
import Glibc
import NIOCore
import Testing

/// The peers of the kit, tried on real brokers and on each other.
@Suite(.timeLimit(.minutes(2)))
struct PeerTests {
    private static let thousands = (0..<10_000).map { ByteBuffer(string: "message \($0)") }

    @Test(arguments: [UInt8(4), 5])
    func `the MQTT peer publishes and receives ten thousand messages in order`(version: UInt8) async throws {
        let broker = try await BrokerProcess.mosquitto()
        var options = MQTTPeer.Options()
        options.version = version
        let receiver = try await MQTTPeer.connect(port: broker.port, options)
        try await receiver.subscribe("a/#")
        let sender = try await MQTTPeer.connect(port: broker.port, options)
        try await sender.publish(Self.thousands, on: "a/b")
        try await eventually("all have arrived") { receiver.count == 10_000 }
        #expect(receiver.messages.map(\.payload) == Self.thousands)
    }

    @Test func `a retained message survives a killed broker that persists`() async throws {
        let broker = try await BrokerProcess.mosquitto("persistence true", "autosave_interval 1")
        let sender = try await MQTTPeer.connect(port: broker.port)
        try await sender.publish("kept", on: "state", retain: true)
        try await broker.restart()
        let receiver = try await MQTTPeer.connect(port: broker.port)
        try await receiver.subscribe("state")
        try await eventually("it arrives") { receiver.messages.first?.text == "kept" }
        #expect(receiver.messages[0].retain)
    }

    @Test func `user properties travel with MQTT 5`() async throws {
        let broker = try await BrokerProcess.mosquitto()
        var options = MQTTPeer.Options()
        options.version = 5
        let receiver = try await MQTTPeer.connect(port: broker.port, options)
        try await receiver.subscribe("a")
        let payload = ByteBuffer(bytes: UInt8.min...UInt8.max)
        try await receiver.publish([payload], on: "a", userProperties: [("name", "value"), ("name", "other")])
        try await eventually("it arrives") { receiver.count == 1 }
        #expect(receiver.messages[0].userProperties.map(\.value) == ["value", "other"])
        #expect(receiver.messages[0].payload == payload)
    }

    @Test func `no two hold the same lasting port, and it listens for its holder`() async throws {
        // Among this many of 12 768 some would be drawn twice.
        var ports: [LastingPort] = []
        for _ in 0..<400 { ports.append(try LastingPort()) }
        #expect(Set(ports.map(\.number)).count == 400)
        let (first, second) = (try await SSEServerPeer.start(), try await HTTPPeer.start())
        #expect(!ports.contains { $0.number == first.port || $0.number == second.port })
        #expect(first.port != second.port)
    }

    @Test func `a frozen SSE server sends and answers everything only when it thaws`() async throws {
        let server = try await SSEServerPeer.start()
        let client = try await SSEClientPeer.connect(port: server.port, path: "/")
        server.publish([.init(id: "1", "one")])
        try await eventually("it arrives") { client.messages.count == 1 }
        server.freeze()
        server.publish([.init(id: "2", "two")])
        let late = Task { try await SSEClientPeer.connect(port: server.port, path: "/", headers: [("Last-Event-ID", "1")]) }
        #expect(await !holds(within: .milliseconds(200)) { client.messages.count > 1 || server.requests.count > 1 })
        server.thaw()
        server.publish([.init(id: "3", "three")])
        try await eventually("all arrives") { client.messages.map(\.data) == ["one", "two", "three"] }
        let resumed = try await late.value
        try await eventually("what it missed arrives") { resumed.messages.map(\.data) == ["two", "three"] }
    }

    @Test func `the Redis peer publishes, subscribes and reads streams`() async throws {
        let server = try await BrokerProcess.redis("--appendonly", "yes", "--appendfsync", "always")
        let receiver = try await RedisPeer.connect(port: server.port)
        try await receiver.subscribe(channels: ["a"], patterns: ["b*"])
        let sender = try await RedisPeer.connect(port: server.port)
        try await sender.publish(Self.thousands, on: "a")
        try await sender.publish([ByteBuffer(bytes: UInt8.min...UInt8.max)], on: "b1")
        try await eventually("all have arrived") { receiver.count == 10_001 }
        #expect(receiver.messages.dropLast().map(\.payload) == Self.thousands)
        #expect(receiver.messages.last?.payload == ByteBuffer(bytes: UInt8.min...UInt8.max))

        try await sender.add(Array(Self.thousands.prefix(10)), to: "s")
        try await server.kill()
        try await server.restart()
        let reader = try await RedisPeer.connect(port: server.port)
        #expect(try await reader.entries(of: "s").map { $0.fields[1] } == Array(Self.thousands.prefix(10)))
        await #expect(throws: PeerError.self) { try await reader.command("NONSENSE") }
    }

    @Test func `the SSE peers speak with each other and resume`() async throws {
        let server = try await SSEServerPeer.start()
        let first = try await SSEClientPeer.connect(port: server.port, path: "/any")
        try await eventually { server.clients == 1 }
        server.publish([.init(id: "1", "one"), .init(id: "2", type: "other", "two\nlines")])
        try await eventually { first.count == 2 }
        #expect(
            first.events == [.init(id: "1", type: "message", data: "one"), .init(id: "2", type: "other", data: "two\nlines")])
        #expect(first.naiveData == ["one", "two", "lines"])
        server.cut()
        try await eventually { first.ending != nil }
        server.publish([.init(id: "3", "three")])
        let second = try await SSEClientPeer.connect(port: server.port, path: "/any", headers: [("Last-Event-ID", "1")])
        try await eventually { second.count == 2 }
        #expect(second.events.map(\.data) == ["two\nlines", "three"])
        #expect(server.requests.last?.lastEventID == "1")
    }

    @Test func `the HTTP peer answers as configured and records`() async throws {
        let peer = try await HTTPPeer.start()
        peer.answer(with: HTTPPeer.Answer(503, headers: ["retry-after": "7"], body: "later"))
        let curl = try ChildProcess("curl", ["-s", "-i", "-d", "hello", peer.url("/hook")])
        #expect(try await curl.untilEnded() == .exited(0))
        #expect(curl.standardOutput.contains("503") && curl.standardOutput.contains("retry-after: 7"))
        #expect(peer.requests.map(\.text) == ["hello"])
        try await peer.stop()
        let refused = try ChildProcess("curl", ["-s", peer.url()])
        #expect(try await refused.untilEnded() == .exited(7))
        try await peer.listen()
        let again = try ChildProcess("curl", ["-s", peer.url()])
        #expect(try await again.untilEnded() == .exited(0))
    }

    @Test func `a proxy lets each piece wait on an open connection, as long as it is configured to`() async throws {
        let server = try await BrokerProcess.redis()
        let proxy = try TCPProxy(server: server.port)
        let client = try await RedisPeer.connect(port: proxy.port)
        try await client.command("PING")
        proxy.delay(by: .milliseconds(150))
        let time = try await ContinuousClock().measure { _ = try await client.command("PING") }
        // Both ways.
        #expect(time >= .milliseconds(300))
        proxy.delay(by: .zero)
        var least = Duration.seconds(1)
        for _ in 0..<5 { least = min(least, try await ContinuousClock().measure { _ = try await client.command("PING") }) }
        #expect(least < .milliseconds(150))
    }

    @Test func `a child process ends with its reference`() async throws {
        var process: ChildProcess? = try ChildProcess("sleep", ["600"])
        let pid = process!.pid
        #expect(kill(pid, 0) == 0)
        process = nil
        #expect(kill(pid, 0) == -1)
    }
}
