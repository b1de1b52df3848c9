import BridgeCore
import BridgeTesting
import FoundationEssentials
import Testing

@testable import RedisAdapter

/// What counts as a delivery of an entry, over restarts and takeovers against a real server.
@Suite(.timeLimit(.minutes(2)))
struct RedisStreamDeliveriesTests {
    private static let group = #""group":"g","start":"0","block":"50ms""#

    /// Runs a bridge whose sink confirms nothing, until everything is in flight, and then stops it.
    private func restart(
        _ server: BrokerProcess, _ settings: String, name: String = "in", entries: Int,
        until isDone: () async throws -> Bool = { true }
    ) async throws -> SourceHarness {
        var options = SourceHarness.Options()
        options.drain = .milliseconds(50)
        let harness = try SourceHarness.stream(server.port, settings, name: name, options: options)
        harness.recorder.hold()
        try await harness.run {
            try await eventually("all are in flight") { harness.recorder.count == entries }
            try await eventually("it has had them for long enough", isDone)
        }
        return harness
    }

    @Test func `restarts while a sink is down do not count as deliveries`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let settings = Self.group + #","max_deliveries":1,"batch":2"#
        try await peer.add("a", "b", "c", "d", "e")
        for _ in 0..<5 {
            let harness = try await self.restart(server, settings, entries: 5)
            #expect(harness.texts == ["a", "b", "c", "d", "e"])
            let pending = try await peer.pending()
            #expect(pending.map(\.consumer) == Array(repeating: "conformance.in", count: 5))
            #expect(pending.map(\.deliveries) == Array(repeating: 1, count: 5))
        }
        let harness = try SourceHarness.stream(server.port, settings)
        try await harness.run {
            try await eventually("all are acknowledged") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts == ["a", "b", "c", "d", "e"])
        #expect(harness.gaps == [])
    }

    @Test func `takeovers by bridges that only hold an entry do not count as deliveries`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let settings = Self.group + #","max_deliveries":2,"claim_after":"100ms""#
        try await peer.add("a", "b")
        for round in 0..<4 {
            let harness = try await self.restart(server, settings, name: "in\(round)", entries: 2) {
                try await peer.pending().map(\.deliveries) == [1, 1]
            }
            #expect(harness.texts == ["a", "b"])
            #expect(try await peer.pending().map(\.consumer) == Array(repeating: "conformance.in\(round)", count: 2))
            let counts = harness.recorder.events.map { $0.attributes["redis-deliveries"] }
            #expect(counts == Array(repeating: round == 0 ? nil : "2", count: 2))
        }
    }

    @Test func `the own backlog is kept from others once it is read again`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.add("a", "b")
        try await peer.command("XREADGROUP", "GROUP", "g", "conformance.in", "STREAMS", "s", ">")
        for entry in try await peer.pending() {
            try await peer.command("XCLAIM", "s", "g", "conformance.in", "0", entry.id, "IDLE", "3600000", "JUSTID")
        }
        _ = try await self.restart(server, Self.group, entries: 2)
        #expect(try await peer.pending().allSatisfy { $0.idle < 3_600_000 })
    }

    @Test func `entries that another consumer has claimed meanwhile are left to it`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        for id in ["1-1", "2-1", "3-1"] { try await peer.command("XADD", "s", id, "data", id) }
        try await peer.command("XREADGROUP", "GROUP", "g", "conformance.in", "STREAMS", "s", ">")
        let listed = ["1-1", "2-1", "3-1"].map { RedisPendingEntry(id: $0, consumer: "c", idle: 60_000, deliveries: 1) }
        // The first waits for as long as it did; another takes the second; the third is deleted.
        try await peer.command("XCLAIM", "s", "g", "conformance.in", "0", "1-1", "IDLE", "60001", "JUSTID")
        try await peer.command("XCLAIM", "s", "g", "other", "0", "2-1", "JUSTID")
        try await peer.command("XDEL", "s", "3-1")
        let json = "{\"url\":\"redis://127.0.0.1:\(server.port)\",\"stream\":\"s\",\(Self.group)}"
        let configuration = try JSONDecoder().decode(RedisStreamSource.Configuration.self, from: Data(json.utf8))
        var made: RedisStreamSource?
        _ = SourceHarness(name: "in", kind: RedisStreamSource.kind) { context in
            let source = RedisStreamSource(configuration: configuration, context: context)
            made = source
            return source
        }
        let source = try #require(made)
        let connection = try await source.connect("test")
        defer { connection.close() }
        let kept = try await source.kept(listed, "g", connection)
        #expect(kept.map(\.id) == ["1-1", "3-1"])
        #expect(kept.map { $0.fields == nil } == [false, true])
        #expect(try await peer.pending().map(\.consumer) == ["conformance.in", "other", "conformance.in"])
    }

    @Test func `an entry with too many deliveries before it became the own backlog is given up`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.command("XADD", "s", "1-1", "data", "poison")
        try await peer.command("XREADGROUP", "GROUP", "g", "conformance.in", "STREAMS", "s", ">")
        try await peer.command("XCLAIM", "s", "g", "conformance.in", "0", "1-1", "RETRYCOUNT", "4", "JUSTID")
        let harness = try SourceHarness.stream(server.port, Self.group + #","max_deliveries":3"#)
        try await harness.run {
            try await eventually("it is acknowledged") { try await peer.pending().isEmpty }
            try await eventually("the gap has arrived") { harness.recorder.count == 1 }
        }
        #expect(harness.gaps == ["the entry 1-1 of the stream s was delivered 4 times without an acknowledgement"])
    }
}
