import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

extension SourceHarness {
    /// Runs a `redis` source on the list `l` of a server.
    ///
    /// - Parameter settings: further members of its JSON mapping, each after a comma.
    static func list(
        _ port: Int, _ settings: String = "", lists: String = #"["l"]"#, name: String = "in", url: String? = nil
    ) throws -> SourceHarness {
        let json = "{\"url\":\"\(url ?? "redis://127.0.0.1:\(port)")\",\"lists\":\(lists)\(settings)}"
        let configuration = try JSONDecoder().decode(RedisSource.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return SourceHarness(name: name, kind: RedisSource.kind) { RedisSource(configuration: configuration, context: $0) }
    }
}

extension RedisPeer {
    /// The keys of processing lists of the list `l` that have messages, or whose names are taken over.
    func processing(_ type: String = "list") async throws -> [String] {
        var found: [String] = []
        for key in try await self.command("KEYS", "{l}:streambridge:*").items.compactMap(\.text)
        where try await self.command("TYPE", key).text == type { found.append(key) }
        return found
    }

    /// Makes the processing list of a reader that is gone.
    func leave(_ values: [String], by consumer: String, idle: Int = 3_600_000) async throws -> String {
        let key = RedisListKeys(list: "l").processing(consumer, session: 1)
        let time = try await self.command("TIME").items.compactMap { $0.text.flatMap { Int($0) } }
        try await self.command("ZADD", "{l}:streambridge", String(time[0] * 1000 - idle), key)
        if !values.isEmpty { try await self.command(["LPUSH", key] + values) }
        return key
    }
}

/// Lists against a real server.
@Suite(.timeLimit(.minutes(2)))
struct RedisListTests {
    private static func server(_ arguments: String...) async throws -> (BrokerProcess, RedisPeer) {
        let server = try await BrokerProcess.redis(arguments: arguments)
        return (server, try await RedisPeer.connect(port: server.port))
    }

    @Test(arguments: [("right", "LPUSH"), ("left", "RPUSH")])
    func `messages are taken from the configured end, and nothing stays on the server`(end: String, push: String) async throws {
        let (server, peer) = try await Self.server()
        let harness = try SourceHarness.list(server.port, ",\"take_from\":\"\(end)\"")
        try await peer.command(push, "l", "0", "1", "2")
        let (_, stopping, left) = try await harness.run {
            try await eventually("the first have arrived") { harness.recorder.count == 3 }
            for number in 3..<200 { try await peer.command(push, "l", String(number)) }
            try await eventually("all have arrived") { harness.recorder.count == 200 }
        }
        #expect(harness.texts == (0..<200).map(String.init))
        #expect(harness.recorder.events.allSatisfy { $0.subject == "l" })
        // The reader waits for up to five seconds.
        #expect(stopping < .seconds(4) && left == 0)
        #expect(try await peer.command("EXISTS", "l", "{l}:streambridge") == .integer(0))
        #expect(try await peer.processing().isEmpty)
    }

    @Test func `messages stay in the processing list until they are safe, within in_flight`() async throws {
        let (server, peer) = try await Self.server()
        let harness = try SourceHarness.list(server.port, #","in_flight":10"#)
        harness.recorder.hold()
        try await harness.run {
            try await peer.command(["LPUSH", "l"] + (0..<25).map(String.init))
            try await eventually("as many are taken as may be") { harness.recorder.count == 10 }
            #expect(try await peer.command("LLEN", "l") == .integer(15))
            let key = try #require(try await peer.processing().first)
            #expect(try await peer.command("LLEN", key) == .integer(10))
            harness.recorder.hold(false)
            try await eventually("all are removed") { try await peer.processing().isEmpty && harness.recorder.count == 25 }
        }
        #expect(harness.texts == (0..<25).map(String.init))
    }

    @Test func `a lost connection repeats and loses nothing, also among equal messages`() async throws {
        let (server, peer) = try await Self.server()
        let proxy = try TCPProxy(server: server.port)
        let harness = try SourceHarness.list(proxy.port)
        harness.recorder.hold()
        try await harness.run {
            try await peer.command("LPUSH", "l", "a", "a", "b", "a")
            try await eventually("all are taken") { harness.recorder.count == 4 }
            for round in 1...3 {
                let before = proxy.connections
                proxy.cut()
                try await eventually("it has connected again") { proxy.connections > before && harness.status.isConnected }
                try await peer.command("LPUSH", "l", "a")
                try await eventually("the next one is taken") { harness.recorder.count == 4 + round }
            }
            harness.recorder.hold(false)
            try await eventually("all are removed") { try await peer.processing().isEmpty }
        }
        #expect(harness.texts == ["a", "a", "b", "a", "a", "a", "a"])
    }

    @Test func `a server that is killed and started again loses nothing`() async throws {
        let (server, peer) = try await Self.server("--appendonly", "yes", "--appendfsync", "always")
        let harness = try SourceHarness.list(server.port)
        harness.recorder.hold()
        try await harness.run {
            try await peer.command("LPUSH", "l", "a", "b")
            try await eventually("all are taken") { harness.recorder.count == 2 }
            try await server.kill()
            try await eventually("the loss is noticed") { harness.hasFailed() }
            try await server.restart()
            let again = try await RedisPeer.connect(port: server.port)
            try await again.command("LPUSH", "l", "c")
            try await eventually("the next one is taken") { harness.recorder.count == 3 }
            harness.recorder.hold(false)
            try await eventually("all are removed") { try await again.processing().isEmpty }
        }
        #expect(harness.texts == ["a", "b", "c"])
    }

    @Test func `messages of an earlier run come first, and those of a reader that is gone follow`() async throws {
        let (server, peer) = try await Self.server()
        let own = try await peer.leave(["1", "2"], by: "conformance.in", idle: 0)
        let gone = try await peer.leave(["3", "4"], by: "other")
        let alive = try await peer.leave(["5"], by: "third", idle: 0)
        try await peer.command("LPUSH", "l", "6")
        let harness = try SourceHarness.list(server.port)
        try await harness.run {
            try await eventually("all but those of the live reader have arrived") { harness.recorder.count == 5 }
            try await eventually("they are removed") { try await peer.processing() == [alive] }
        }
        #expect(Set(harness.texts.prefix(4)) == ["1", "2", "3", "4"] && harness.texts.last == "6")
        #expect(harness.texts.firstIndex(of: "1")! < harness.texts.firstIndex(of: "2")!)
        // Their readers cannot use the names again.
        for key in [own, gone] {
            await #expect(throws: PeerError.self) { try await peer.command("LPUSH", key, "x") }
            #expect(try await peer.command("ZSCORE", "{l}:streambridge", key) == .null)
        }
    }

    @Test func `messages of a reader that dies are taken over after claim_after`() async throws {
        let (server, peer) = try await Self.server()
        _ = try await peer.leave(["a"], by: "other", idle: 0)
        let harness = try SourceHarness.list(server.port, #","claim_after":"600ms","block":"50ms""#)
        try await harness.run {
            try await eventually("it is taken over") { harness.texts == ["a"] }
            // This reader gives signs of life: after several times claim_after its own list is registered.
            let start = ContinuousClock.now
            try await eventually("the time has passed") { .now - start > .seconds(2) }
            #expect(try await peer.command("ZCARD", "{l}:streambridge") == .integer(1))
        }
        #expect(harness.log.errors.isEmpty)
    }

    @Test func `a reader whose messages were taken over notices it and continues`() async throws {
        let (server, peer) = try await Self.server()
        let harness = try SourceHarness.list(server.port, #","claim_after":"600ms","block":"50ms""#)
        harness.recorder.hold()
        try await harness.run {
            try await peer.command("LPUSH", "l", "a")
            try await eventually("it is taken") { harness.recorder.count == 1 }
            let key = try #require(try await peer.processing().first)
            try await peer.command("RENAME", key, "elsewhere")
            try await peer.command("SET", key, "taken over")
            try await peer.command("ZREM", "{l}:streambridge", key)
            harness.recorder.hold(false)
            try await eventually("it says so, not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains("has taken over the messages of conformance.in; give each replica") }
            }
            try await peer.command("LPUSH", "l", "b")
            try await eventually("it continues") { harness.texts.last == "b" }
        }
    }

    @Test func `two readers share a list, and no list waits for another`() async throws {
        let (server, peer) = try await Self.server()
        let first = try SourceHarness.list(server.port, lists: #"["l","m"]"#, name: "first")
        let second = try SourceHarness.list(server.port, name: "second")
        try await first.run {
            try await second.run {
                try await peer.command(["LPUSH", "l"] + (0..<500).map(String.init))
                try await peer.command("LPUSH", "m", "x")
                try await eventually("all have arrived") { first.recorder.count + second.recorder.count == 501 }
            }
        }
        #expect(Set(first.texts + second.texts) == Set((0..<500).map(String.init) + ["x"]))
    }

    @Test func `a server without LMOVE is read with older commands`() async throws {
        let (server, peer) = try await Self.server("--rename-command", "LMOVE", "", "--rename-command", "BLMOVE", "")
        _ = try await peer.leave(["1", "2"], by: "conformance.in")
        let harness = try SourceHarness.list(server.port)
        try await harness.run {
            try await eventually("the earlier messages have arrived") { harness.recorder.count == 2 }
            try await peer.command("LPUSH", "l", "3", "4", "5")
            try await eventually("all have arrived") { harness.recorder.count == 5 }
            try await eventually("all are removed") { try await peer.processing().isEmpty }
        }
        #expect(harness.texts == ["1", "2", "3", "4", "5"])
    }

    @Test func `any bytes arrive, and a value that is too large is given up`() async throws {
        let (server, peer) = try await Self.server()
        let binary = ByteBuffer(bytes: [0, 0xFF, 13, 10, 0x80])
        let values = [binary, ByteBuffer(), ByteBuffer(repeating: 0x61, count: (64 << 20) + 1), ByteBuffer(string: "after")]
        for value in values { _ = try await peer.pipeline([[ByteBuffer(string: "LPUSH"), ByteBuffer(string: "l"), value]]) }
        let harness = try SourceHarness.list(server.port)
        try await harness.run {
            try await eventually(within: .seconds(60), "the last has arrived") { harness.texts.last == "after" }
            try await eventually("all are removed") { try await peer.processing().isEmpty }
        }
        #expect(harness.recorder.bodies == [binary, ByteBuffer(), ByteBuffer(string: "after")])
        #expect(
            harness.gaps.first?.contains("a message of the list l is too large to be read: a value has 67108865 bytes") == true)
    }

    @Test func `values that are too large together are read one by one, in order`() async throws {
        let (server, peer) = try await Self.server()
        // After so many small ones, all large ones are in one answer.
        let small = (0..<255).map { ByteBuffer(string: String($0)) }
        let bodies = small + (0..<3).map { ByteBuffer(repeating: UInt8(0x41 + $0), count: 60 << 20) }
        for body in bodies { _ = try await peer.pipeline([[ByteBuffer(string: "LPUSH"), ByteBuffer(string: "l"), body]]) }
        let harness = try SourceHarness.list(server.port)
        try await harness.run {
            try await eventually(within: .seconds(60), "all arrive") { harness.recorder.count >= bodies.count }
        }
        #expect(harness.recorder.bodies == bodies)
    }
}
