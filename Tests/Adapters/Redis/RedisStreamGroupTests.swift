import BridgeCore
import BridgeTesting
import NIOCore
import Synchronization
import Testing

@testable import RedisAdapter

/// Members of a consumer group against a real server.
@Suite(.timeLimit(.minutes(2)))
struct RedisStreamGroupTests {
    private static let group = #""group":"g","start":"0","block":"50ms""#

    @Test func `entries stay in flight while the sink is down`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let settings = Self.group + #","claim_after":"1s""#
        let first = try SourceHarness.stream(server.port, settings, name: "first")
        first.recorder.hold()
        let second = try SourceHarness.stream(server.port, settings, name: "second")
        try await first.run {
            try await peer.add("a", "b", "c")
            try await eventually("the first has all") { first.recorder.count == 3 }
            try await second.run {
                // Several times claim_after: without being kept alive the entries would have gone to the second.
                var longest = 0
                let end = ContinuousClock.now + .seconds(3)
                try await eventually("the time has passed") {
                    longest = max(longest, try await peer.pending().map(\.idle).max() ?? 0)
                    return .now > end
                }
                #expect(longest > 0)
                let pending = try await peer.pending()
                #expect(pending.map(\.consumer) == Array(repeating: "conformance.first", count: 3))
                #expect(pending.map(\.deliveries) == [1, 1, 1], "keeping alive is no delivery")
                #expect(second.recorder.count == 0)
                first.recorder.hold(false)
                try await eventually("all are acknowledged") { try await peer.pending().isEmpty }
            }
        }
        #expect(first.texts == ["a", "b", "c"])
    }

    @Test func `entries of a dead consumer are taken over and may be duplicates`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.add("a", "b")
        try await peer.command("XREADGROUP", "GROUP", "g", "dead", "STREAMS", "s", ">")
        let harness = try SourceHarness.stream(server.port, Self.group + #","claim_after":"100ms","max_deliveries":5"#)
        try await harness.run {
            try await eventually("both have arrived") { harness.recorder.count == 2 }
            try await eventually("both are acknowledged") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts == ["a", "b"])
        #expect(harness.recorder.events.map { $0.attributes["redis-deliveries"] } == ["2", "2"])
    }

    @Test func `an entry with too many deliveries is given up, reported and acknowledged`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.command("XADD", "s", "1-1", "data", "poison")
        for _ in 0..<3 {
            try await peer.command("XREADGROUP", "GROUP", "g", "dead", "STREAMS", "s", ">")
            try await peer.command("XCLAIM", "s", "g", "dead", "0", "1-1")
        }
        try await peer.add("good")
        let harness = try SourceHarness.stream(server.port, Self.group + #","claim_after":"10ms","max_deliveries":3"#)
        try await harness.run {
            try await eventually("the good one and the gap have arrived") { harness.recorder.count == 2 }
            try await eventually("both are acknowledged") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts == ["good"])
        let gap = try #require(harness.gaps.first)
        #expect(gap.hasPrefix("the entry 1-1 of the stream s was delivered "))
        #expect(gap.hasSuffix(" times without an acknowledgement"))
    }

    @Test func `entries deleted while pending are reported once and acknowledged`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        for id in ["1-1", "2-1", "3-1", "4-1"] { try await peer.command("XADD", "s", id, "data", id) }
        try await peer.command("XREADGROUP", "GROUP", "g", "conformance.in", "COUNT", "2", "STREAMS", "s", ">")
        try await peer.command("XREADGROUP", "GROUP", "g", "dead", "COUNT", "2", "STREAMS", "s", ">")
        try await peer.command("XDEL", "s", "1-1", "2-1", "3-1")
        let harness = try SourceHarness.stream(server.port, Self.group + #","claim_after":"10ms""#)
        try await harness.run {
            try await eventually("what is left has arrived") { harness.recorder.count == 3 }
            try await eventually("all are acknowledged") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts == ["4-1"])
        let prefix = "entries of the stream s were deleted before they were acknowledged: "
        #expect(
            harness.gaps == [
                prefix + "2 from 1-1 (1970-01-01T00:00:00.001Z) to 2-1 (1970-01-01T00:00:00.002Z)",
                prefix + "3-1 (1970-01-01T00:00:00.003Z)",
            ]
        )
    }

    /// Redis 6.2 claims deleted entries, and answers null without their ids.
    @Test func `deleted entries that are claimed as null are reported and acknowledged`() async throws {
        let isPending = Mutex(false)
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "XGROUP": .text("-BUSYGROUP Consumer Group name already exists\r\n")
            case "XINFO": .text("-NOPERM this user has no permissions to run the 'xinfo' command\r\n")
            case "XAUTOCLAIM":
                isPending.withLock {
                    $0 = true
                    return .text("*2\r\n$3\r\n0-0\r\n*1\r\n*-1\r\n")
                }
            case "XPENDING" where command.words[3] == "-" && isPending.withLock({ $0 }):
                .text("*1\r\n*4\r\n$3\r\n1-1\r\n$2\r\nme\r\n:0\r\n:2\r\n")
            case "XPENDING", "XRANGE": .text("*0\r\n")
            case "XACK":
                isPending.withLock {
                    $0 = false
                    return .text(":1\r\n")
                }
            case "XREADGROUP": .nothing
            default: .ok
            }
        }
        let harness = try SourceHarness.stream(0, Self.group + #","claim_after":"10ms""#, url: server.url)
        try await harness.run {
            try await eventually("the entry is acknowledged") { !server.commands("XACK").isEmpty }
        }
        #expect(server.commands("XACK").first?.words.last == "1-1")
        #expect(
            harness.gaps == [
                "entries of the stream s were deleted before they were acknowledged: 1-1 (1970-01-01T00:00:00.001Z)"
            ])
    }

    @Test func `a destroyed group begins again at its last position`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, Self.group)
        try await harness.run {
            try await peer.add("a")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            try await peer.command("XGROUP", "DESTROY", "s", "g")
            try await peer.add("b")
            try await eventually("the gap and the second have arrived") { harness.recorder.count == 3 }
            #expect(harness.status.isConnected)
        }
        #expect(harness.texts == ["a", "b"])
        #expect(harness.gaps.count == 1)
        #expect(harness.gaps.first?.hasPrefix("the group g of the stream s was lost at redis://127.0.0.1:\(server.port)") == true)
    }

    @Test func `a stream that is deleted is read from the start of the next one`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, Self.group)
        try await harness.run {
            try await peer.add("a")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            try await peer.command("DEL", "s")
            try await peer.command("XADD", "s", "5-1", "data", "b")
            try await eventually("the gap and the second have arrived") { harness.recorder.count == 3 }
        }
        #expect(harness.texts == ["a", "b"])
        #expect(harness.gaps.count == 1)
    }

    @Test(arguments: [true, false])
    func `a reused id is another entry, whether or not the loss of the group was seen`(isSeen: Bool) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, Self.group)
        harness.recorder.hold()
        try await harness.run {
            try await peer.command("XADD", "s", "1-0", "data", "old")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            if isSeen {
                try await peer.command("DEL", "s")
                try await eventually("the group is there again") { try await peer.command("EXISTS", "s").integer == 1 }
                try await peer.command("XADD", "s", "1-0", "data", "new")
            } else {
                let script = """
                    redis.call('DEL', 's')
                    redis.call('XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM')
                    return redis.call('XADD', 's', '1-0', 'data', 'new')
                    """
                try await peer.command("EVAL", script, "0")
            }
            try await eventually("the entry is read") { try await peer.pending().count == 1 }
            harness.recorder.hold(false)
            try await eventually("both have arrived") { harness.texts == ["old", "new"] }
            try await eventually("it is acknowledged") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts == ["old", "new"])
        if isSeen { #expect(harness.gaps.count == 1) }
    }

    @Test(arguments: ["XGROUP DESTROY s g", "DEL s"])
    func `a group lost while nothing ran begins at its last position`(loss: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let options = SourceHarness.Options()
        let settings = #""group":"g","block":"50ms""#
        let first = try SourceHarness.stream(server.port, settings, options: options)
        try await first.run {
            try await peer.add("a")
            try await eventually("the first has arrived") { first.recorder.count == 1 }
        }
        try await peer.command(loss.split(separator: " ").map(String.init))
        try await peer.add("b")
        let second = try SourceHarness.stream(server.port, settings, options: options)
        try await second.run {
            try await peer.add("c")
            try await eventually("the gap and both have arrived") { second.recorder.count == 3 }
        }
        #expect(second.texts == ["b", "c"])
        #expect(second.gaps.count == 1)
        #expect(second.gaps.first?.hasPrefix("the group g of the stream s was lost at redis://") == true)
    }

    @Test func `a group lost before anything was read begins where it began`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let options = SourceHarness.Options()
        let settings = #""group":"g","block":"50ms""#
        try await SourceHarness.stream(server.port, settings, options: options).run {}
        try await peer.command("XGROUP", "DESTROY", "s", "g")
        try await peer.add("a")
        let second = try SourceHarness.stream(server.port, settings, options: options)
        try await second.run { try await eventually("the gap and the entry have arrived") { second.recorder.count == 2 } }
        #expect(second.texts == ["a"])
        // Another group of the same source has no place yet.
        let other = try SourceHarness.stream(server.port, #""group":"h","start":"0","block":"50ms""#, options: options)
        try await other.run { try await eventually("the entry has arrived") { other.recorder.count == 1 } }
        #expect(other.texts == ["a"])
    }

    @Test func `entries trimmed before the group read them are reported with their bounds`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let first = try SourceHarness.stream(server.port, Self.group)
        try await first.run {
            try await peer.command("XADD", "s", "1-0", "data", "a")
            try await eventually("the first has arrived") { first.recorder.count == 1 }
        }
        for id in ["2-0", "3-0", "4-0"] { try await peer.command("XADD", "s", id, "data", id) }
        try await peer.command("XTRIM", "s", "MAXLEN", "1")
        let second = try SourceHarness.stream(server.port, Self.group)
        try await second.run { try await eventually("the gap and the last have arrived") { second.recorder.count == 2 } }
        #expect(second.texts == ["4-0"])
        #expect(
            second.gaps == [
                "the stream s was trimmed past what the group g had read: entries after 1-0 (1970-01-01T00:00:00.001Z) and before "
                    + "4-0 (1970-01-01T00:00:00.004Z) may be lost"
            ]
        )
    }

    @Test func `entries trimmed while the sink is slow are reported`() async throws {
        try await SourceHarness.expectTrimmingIsTold(Self.group)
    }

    @Test func `trimming what the group has read is no loss`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        for text in ["a", "b", "c"] {
            let harness = try SourceHarness.stream(server.port, Self.group)
            try await peer.add(text)
            try await harness.run {
                try await eventually("\(text) has arrived") { harness.recorder.count == 1 }
                try await eventually("\(text) is acknowledged") { try await peer.pending().isEmpty }
            }
            #expect(harness.texts == [text])
            #expect(harness.gaps.isEmpty)
            try await peer.command("XTRIM", "s", "MAXLEN", "0")
        }
    }

    @Test func `a server that comes back empty is reported as a gap`() async throws {
        let server = try await BrokerProcess.redis()
        let harness = try SourceHarness.stream(server.port, Self.group)
        try await harness.run {
            try await RedisPeer.connect(port: server.port).add("a")
            try await eventually("the first has arrived") { harness.recorder.count == 1 }
            try await server.kill()
            try await server.restart()
            try await RedisPeer.connect(port: server.port).add("b")
            try await eventually("the gap and the second have arrived") { harness.recorder.count == 3 }
        }
        #expect(harness.texts == ["a", "b"])
        #expect(harness.gaps.count == 1)
    }

    @Test func `a consumer leaves when nothing is pending, unless its name was chosen`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        for settings in [Self.group, Self.group + #","consumer":"chosen""#] {
            try await SourceHarness.stream(server.port, settings).run {
                try await peer.add("a")
                try await eventually("it is there") {
                    try await !peer.consumers().isDisjoint(with: ["chosen", "conformance.in"])
                }
                try await eventually("all are acknowledged") { try await peer.pending().isEmpty }
            }
        }
        #expect(try await peer.consumers() == ["chosen"])
    }

    @Test func `a consumer with pending entries stays`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.add("a")
        try await peer.command("XREADGROUP", "GROUP", "g", "busy", "STREAMS", "s", ">")
        try await peer.command("XGROUP", "CREATECONSUMER", "s", "g", "idle")
        // Others' entries are not claimed within the test, so "busy" keeps its own.
        let settings = Self.group + #","claim_after":"1h","remove_idle_after":"1h""#
        try await SourceHarness.stream(server.port, settings).run {
            let consumers = try await peer.consumers()
            #expect(consumers.isSuperset(of: ["busy", "idle"]), "neither is idle for an hour")
        }
        let eager = Self.group + #","claim_after":"100ms","remove_idle_after":"200ms""#
        let harness = try SourceHarness.stream(server.port, eager)
        harness.recorder.hold()
        try await harness.run {
            try await eventually("it is claimed") { harness.recorder.count == 1 }
            try await eventually("both others are gone") { try await peer.consumers() == ["conformance.in"] }
            #expect(try await peer.pending().map(\.consumer) == ["conformance.in"])
            harness.recorder.hold(false)
        }
    }

    @Test(arguments: [
        (#""remove_idle_after":"1d""#, "has no effect without a group; set group"),
        (#""group":"g","remove_idle_after":"1s""#, "is shorter than claim_after; make it longer"),
    ])
    func `settings that would be ignored are refused`(json: String, message: String) {
        #expect { try SourceHarness.stream(1, json) } throws: { ($0 as? SettingError)?.message == message }
    }
}
