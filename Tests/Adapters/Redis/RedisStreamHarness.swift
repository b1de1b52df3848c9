import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

extension SourceHarness {
    /// Runs a `redis-stream` source on the stream `s` of a server.
    ///
    /// - Parameters:
    ///   - settings: further members of its JSON mapping.
    ///   - name: also its consumer's, unless the settings name one.
    static func stream(
        _ port: Int, _ settings: String, name: String = "in", url: String? = nil, options: Options = Options()
    ) throws -> SourceHarness {
        let json = "{\"url\":\"\(url ?? "redis://127.0.0.1:\(port)")\",\"stream\":\"s\",\(settings)}"
        let configuration = try JSONDecoder().decode(RedisStreamSource.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return SourceHarness(name: name, kind: RedisStreamSource.kind, options: options) {
            RedisStreamSource(configuration: configuration, context: $0)
        }
    }

    /// The bodies that have arrived, as text.
    var texts: [String] { self.recorder.bodies.map { String(buffer: $0) } }

    /// What the gap events say.
    var gaps: [String] { self.recorder.gaps.map(\.message) }

    /// Has entries trimmed while the sink is slow, and looks whether that is reported.
    static func expectTrimmingIsTold(_ settings: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        var options = Options()
        options.buffer = 0
        let harness = try self.stream(server.port, settings, options: options)
        harness.recorder.close()
        try await harness.run {
            try await peer.add("a")
            try await eventually("the source must pause") { harness.outlet.demand == .pause }
            try await peer.add("b", "c")
            try await peer.command("XTRIM", "s", "MAXLEN", "1")
            harness.recorder.close(false)
            try await eventually("the gap and the last have arrived") { harness.recorder.count == 3 }
        }
        #expect(harness.texts == ["a", "c"])
        #expect(harness.gaps.count == 1)
    }
}

extension RedisPeer {
    /// Adds one entry for each text to the stream `s`.
    func add(_ texts: String...) async throws {
        try await self.add(texts.map { ByteBuffer(string: $0) }, to: "s")
    }

    /// The entries of the group `g` of the stream `s` that are handed out and not acknowledged: consumer, idle time and deliveries.
    func pending() async throws -> [(id: String, consumer: String, idle: Int, deliveries: Int)] {
        try await self.command("XPENDING", "s", "g", "-", "+", "1000").items.map { entry in
            let items = entry.items
            return (items[0].text ?? "", items[1].text ?? "", items[2].integer ?? 0, items[3].integer ?? 0)
        }
    }

    /// The names of the consumers of the group `g` of the stream `s`.
    func consumers() async throws -> Set<String> {
        Set(try await self.command("XINFO", "CONSUMERS", "s", "g").items.compactMap { $0.items[1].text })
    }
}
