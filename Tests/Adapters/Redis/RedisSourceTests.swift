import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Subscribers whose connection is lost.
@Suite(.timeLimit(.minutes(2)))
struct RedisSourceTests {
    private func harness(
        _ port: Int, buffer: Int = 100_000, cursors: MemoryCursorStore = MemoryCursorStore(),
        _ subscriptions: String = #""channels": ["c"]"#
    ) throws -> SourceHarness {
        let json = #"{"url": "redis://127.0.0.1:\#(port)", \#(subscriptions)}"#
        let configuration = try JSONDecoder().decode(RedisSource.Configuration.self, from: Data(json.utf8))
        var options = SourceHarness.Options()
        options.buffer = buffer
        options.cursors = cursors
        return SourceHarness(name: "in", kind: RedisSource.kind, options: options) {
            RedisSource(configuration: configuration, context: $0)
        }
    }

    @Test func `a lost connection is reported with the last time it was heard`() async throws {
        let server = try await BrokerProcess.redis()
        let harness = try self.harness(server.port)
        var cut = Timestamp.now()
        let start = Timestamp.now()
        try await harness.run {
            try await RedisPeer.connect(port: server.port).publish([ByteBuffer(string: "a")], on: "c")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            try await server.kill()
            cut = .now()
            try await server.restart()
            try await eventually("the gap is reported") { harness.recorder.gaps.count == 1 }
        }
        let gap = harness.recorder.gaps[0].message
        let head = "the connection to redis://127.0.0.1:\(server.port) was lost: messages published from "
        #expect(gap.hasPrefix(head))
        #expect(gap.hasSuffix(" may be lost, because Redis pub/sub stores nothing"))
        let times = gap.dropFirst(head.count).split(separator: " ").compactMap { Timestamp(rfc3339: String($0)) }
        try #require(times.count == 2)
        // The wall clock is read once for the start of the gap, milliseconds after the end of the connection.
        #expect(times[0].milliseconds >= start.milliseconds - 100)
        #expect(times[0].milliseconds <= cut.milliseconds + 100)
        #expect(times[1] > times[0])
    }

    @Test(arguments: ["unsubscribe", "punsubscribe"])
    func `a subscription that the server ends is a lost connection`(kind: String) async throws {
        let server = try await ScriptedRedis.start { command in
            guard command.name == "SUBSCRIBE" else { return .ok }
            let confirmed = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n"
            let ended = "*3\r\n$\(kind.utf8.count)\r\n\(kind)\r\n$1\r\nc\r\n:0\r\n"
            let message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\na\r\n"
            return .text(confirmed + (command.connection == 1 ? ended : message))
        }
        let harness = try self.harness(server.port)
        try await harness.run {
            try await eventually("it subscribes again") { harness.recorder.events.contains { $0.message == "a" } }
            try await eventually("the gap is reported") { harness.recorder.gaps.count == 1 }
        }
        #expect(harness.recorder.gaps.first?.message.contains("may be lost, because Redis pub/sub stores nothing") == true)
        let failures = harness.log.lines("Component failed")
        #expect(
            failures.contains { $0.metadata["error"]?.hasSuffix("ended the subscription from 'c' unexpectedly") == true },
            "\(failures)")
    }

    /// Redis closes the connection of a subscriber for whom more than 32 MiB wait, unless it is configured otherwise.
    @Test func `a published message that is too large is given up, and the source continues`() async throws {
        let server = try await BrokerProcess.redis("--client-output-buffer-limit", "pubsub 0 0 0")
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try self.harness(server.port)
        try await harness.run {
            for body in [
                ByteBuffer(string: "before"), ByteBuffer(repeating: 0x61, count: (64 << 20) + 1), ByteBuffer(string: "after"),
            ] {
                try await peer.publish([body], on: "c")
            }
            try await eventually(within: .seconds(60), "what is behind it arrives") {
                harness.recorder.bodies.map { String(buffer: $0) } == ["before", "after"]
            }
        }
        #expect(
            harness.recorder.gaps.map(\.message) == [
                "a message of the channel c is too large to be read: a value has 67108865 bytes; at most 67108864 are read"
            ])
    }

    @Test func `messages published while the program is off are a gap with its times`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let cursors = MemoryCursorStore()
        let first = try self.harness(server.port, cursors: cursors)
        try await first.run {}
        #expect(first.recorder.gaps.isEmpty)
        try await peer.publish([ByteBuffer(string: "missed")], on: "c")
        let second = try self.harness(server.port, cursors: cursors)
        try await second.run {
            try await eventually("the gap is reported") { second.recorder.gaps.count == 1 }
            try await peer.publish([ByteBuffer(string: "a")], on: "c")
            try await eventually("the next has arrived") { second.recorder.events.count == 1 }
        }
        let gap = second.recorder.gaps[0]
        #expect(gap.message.hasPrefix("streambridge was not connected to redis://127.0.0.1:\(server.port) for "))
        #expect(
            gap.message.hasSuffix(
                "across a restart: messages published meanwhile may be lost, because Redis pub/sub stores nothing"))
        let payload = try #require(gap.payload).readableBytesView.split(separator: UInt8(ascii: "\"")).map {
            String(decoding: $0, as: UTF8.self)
        }
        try #require(payload.count == 9, "\(payload)")
        let from = try #require(Timestamp(rfc3339: payload[3]))
        let to = try #require(Timestamp(rfc3339: payload[7]))
        #expect(payload[1] == "from" && payload[5] == "to")
        #expect(to >= from)
    }

    @Test func `a subscriber that the server closes for slowness is reported as such`() async throws {
        let server = try await BrokerProcess.redis("--client-output-buffer-limit", "pubsub 1mb 0 0")
        let harness = try self.harness(server.port, buffer: 10)
        let peer = try await RedisPeer.connect(port: server.port)
        harness.recorder.close()
        try await harness.run {
            // A server that is not read for a moment closes the subscriber too, without the source having paused.
            try await peer.publish(Array(repeating: ByteBuffer(string: "x"), count: 20), on: "c")
            try await eventually("the source pauses") { harness.outlet.demand == .pause }
            let body = ByteBuffer(repeating: UInt8(ascii: "x"), count: 100_000)
            try await eventually("the server closes the subscriber") {
                try await peer.publish(Array(repeating: body, count: 20), on: "c")
                return try await peer.command("PUBSUB", "NUMSUB", "c").items.last?.integer == 0
            }
            harness.recorder.close(false)
            try await eventually("the gap is reported") { harness.recorder.gaps.count >= 1 }
        }
        #expect(harness.recorder.gaps[0].message.contains("the server closed it after it had not been read for a while"))
    }

    @Test(arguments: [
        #""channels": ["news"], "patterns": ["n*", "[n]ews"]"#, #""patterns": ["n*", "[n]ews", "*"]"#,
        #""channels": ["news", "other"], "patterns": ["*"]"#,
    ])
    func `a message that several subscriptions match arrives once, and an equal message again`(
        subscriptions: String
    ) async throws {
        let server = try await BrokerProcess.redis()
        let harness = try self.harness(server.port, subscriptions)
        let peer = try await RedisPeer.connect(port: server.port)
        let bodies = ["a", "a", "b", "a", "", ""].map { ByteBuffer(string: $0) }
        try await harness.run {
            try await peer.publish(bodies, on: "news")
            try await peer.publish([bodies[5]], on: "nothing")
            try await peer.publish([ByteBuffer(string: "end")], on: "news")
            try await eventually("the last has arrived") { harness.recorder.bodies.last == ByteBuffer(string: "end") }
        }
        #expect(harness.recorder.bodies == bodies + [bodies[5], ByteBuffer(string: "end")])
    }
}
