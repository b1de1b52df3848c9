import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Lists that cannot be read, and settings that mean nothing: what the failure says.
@Suite(.timeLimit(.minutes(2)))
struct RedisListMistakeTests {
    private static func expect(_ text: String, _ harness: SourceHarness) async throws {
        try await harness.run(untilConnected: false) {
            try await eventually("the error contains \(text), not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains(text) }
            }
        }
    }

    @Test(arguments: [
        (
            ["XADD", "l", "*", "a", "b"],
            "l at redis://127.0.0.1:PORT is not a list but of the type stream; use type: redis-stream"
        ),
        (["SET", "l", "b"], "is not a list but of the type string; name another key under lists"),
        (["SADD", "l", "b"], "is not a list but of the type set; lists reads keys of the type list only"),
    ])
    func `a key of another type is named with the remedy`(command: [String], text: String) async throws {
        let server = try await BrokerProcess.redis()
        try await RedisPeer.connect(port: server.port).command(command)
        try await Self.expect(
            text.split(separator: "PORT", omittingEmptySubsequences: false).joined(separator: "\(server.port)"),
            try SourceHarness.list(server.port))
    }

    @Test func `a list that becomes another type is named`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.list(server.port, #","block":"50ms""#)
        try await harness.run {
            try await peer.command("SET", "l", "x")
            try await eventually("the error names the type, not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains("is not a list but of the type string") }
            }
            try await peer.command("DEL", "l")
            try await peer.command("LPUSH", "l", "a")
            try await eventually("it continues") { harness.texts == ["a"] }
        }
    }

    @Test func `a list of another type does not stop the others`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("SET", "m", "x")
        let harness = try SourceHarness.list(server.port, #","block":"50ms""#, lists: #"["m","l"]"#)
        try await harness.run {
            try await peer.command("LPUSH", "l", "a")
            try await eventually("the other list is read, not \(harness.log.errors)") { harness.texts == ["a"] }
            #expect(harness.log.errors.contains { $0.contains("m at redis://") && $0.contains("is not a list but of") })
            try await peer.command("DEL", "m")
            try await peer.command("LPUSH", "m", "b")
            try await eventually("it is read too") { harness.texts == ["a", "b"] }
            // A list that is read becomes another type.
            try await eventually("it is removed") { try await peer.command("EXISTS", "m") == .integer(0) }
            try await peer.command("SET", "m", "x")
            try await eventually("it is reported again") {
                harness.log.errors.filter { $0.contains("not a list but of the type string") }.count == 2
            }
            try await peer.command("LPUSH", "l", "c")
            try await eventually("the other list is still read") { harness.texts == ["a", "b", "c"] }
        }
        #expect(harness.status.lastError == nil)
    }

    @Test func `a list whose keys the user may not use does not stop the others`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("ACL", "SETUSER", "u", "on", ">p", "~l", "~{l}:*", "+@all")
        let harness = try SourceHarness.list(
            server.port, #","block":"50ms""#, lists: #"["m","l"]"#, url: "redis://u:p@127.0.0.1:\(server.port)")
        try await harness.run {
            try await peer.command("LPUSH", "l", "a")
            try await peer.command("LPUSH", "m", "b")
            try await eventually("the other list is read, not \(harness.log.errors)") { harness.texts == ["a"] }
            #expect(harness.log.errors.contains { $0.contains("let the user read and write the keys m and {m}:streambridge*") })
            try await peer.command("ACL", "SETUSER", "u", "~m", "~{m}:*")
            try await eventually("it is read too") { harness.texts == ["a", "b"] }
            // A list that is read is taken away from the user.
            try await eventually("it is removed") { try await peer.command("EXISTS", "m") == .integer(0) }
            try await peer.command("ACL", "SETUSER", "u", "resetkeys", "~l", "~{l}:*")
            try await peer.command("LPUSH", "l", "c")
            try await eventually("the other list is still read") { harness.texts == ["a", "b", "c"] }
        }
        #expect(harness.status.lastError == nil)
    }

    @Test func `a key of readers that has another type is named`() async throws {
        let server = try await BrokerProcess.redis()
        try await RedisPeer.connect(port: server.port).command("SET", "{l}:streambridge", "x")
        try await Self.expect(
            "{l}:streambridge at redis://127.0.0.1:\(server.port) is of the type string", try SourceHarness.list(server.port))
    }

    @Test func `messages whose removal the server refuses are not sent again`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("ACL", "SETUSER", "u", "on", ">p", "~*", "+@all")
        let harness = try SourceHarness.list(server.port, url: "redis://u:p@127.0.0.1:\(server.port)")
        harness.recorder.hold()
        try await harness.run {
            try await peer.command("LPUSH", "l", "a", "b", "a")
            try await eventually("all are taken") { harness.recorder.count == 3 }
            try await peer.command("ACL", "SETUSER", "u", "-ltrim")
            harness.recorder.hold(false)
            try await eventually("the refusal is named, not \(harness.log.errors)") {
                harness.log.errors.contains { $0.contains("needs LTRIM") }
            }
            try await peer.command("ACL", "SETUSER", "u", "+ltrim")
            try await eventually("all are removed") { try await peer.processing().isEmpty }
            try await peer.command("LPUSH", "l", "c")
            try await eventually("it continues") { harness.texts.last == "c" }
        }
        #expect(harness.texts == ["a", "b", "a", "c"])
    }

    @Test func `a replica is named with the remedy`() async throws {
        let master = try await BrokerProcess.redis()
        let replica = try await BrokerProcess.redis("--replicaof", "127.0.0.1", String(master.port))
        let peer = try await RedisPeer.connect(port: replica.port)
        try await eventually("the replica follows") {
            try await peer.command("ROLE").items.dropFirst(3).first?.text == "connected"
        }
        try await Self.expect(
            "the server is a replica; write the address of its master, or use redis+sentinel://",
            try SourceHarness.list(replica.port))
    }

    @Test(arguments: [
        (["~l", "+@all"], "let the user read and write the keys l and {l}:streambridge*"),
        (["~*", "+@all", "-zadd"], "a redis source with lists needs ZADD (Redis 3.0.2 or later)"),
        (["~*", "+@all", "-ltrim"], "a redis source with lists needs LTRIM (Redis 1.0 or later)"),
        (["~*", "+@all", "-lmove", "-rpoplpush"], "a redis source with lists needs RPOPLPUSH (Redis 1.2 or later)"),
    ])
    func `a user without a permission is named with the remedy`(rules: [String], text: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command(["ACL", "SETUSER", "u", "on", ">p"] + rules)
        try await peer.command("LPUSH", "l", "a")
        try await Self.expect(text, try SourceHarness.list(server.port, url: "redis://u:p@127.0.0.1:\(server.port)"))
        #expect(try await peer.command("LLEN", "l") == .integer(1), "nothing is taken")
    }

    @Test func `a user needs the listed commands only`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let commands = [
            "blmove", "lmove", "ltrim", "lindex", "type", "time", "set", "renamenx", "zadd", "zrange", "zrem", "zscore",
        ]
        try await peer.command(
            ["ACL", "SETUSER", "u", "on", ">p", "~l", "~{l}:streambridge*"] + commands.map { "+\($0)" })
        _ = try await peer.leave(["1"], by: "conformance.in")
        let harness = try SourceHarness.list(server.port, url: "redis://u:p@127.0.0.1:\(server.port)")
        try await harness.run {
            try await peer.command("LPUSH", "l", "2")
            try await eventually("both arrive, not \(harness.log.errors)") { harness.recorder.count == 2 }
            try await eventually("both are removed") { try await peer.processing().isEmpty }
        }
        #expect(try await peer.command("EXISTS", "{l}:streambridge") == .integer(0))
    }

    @Test func `an old server cannot be read from the left`() async throws {
        let server = try await BrokerProcess.redis("--rename-command", "LMOVE", "", "--rename-command", "BLMOVE", "")
        try await Self.expect(
            "take_from: left needs LMOVE and BLMOVE (Redis 6.2 or later)",
            try SourceHarness.list(server.port, #","take_from":"left""#))
    }

    /// Answers everything that a session begins with, and waits for nothing.
    @Test func `a proxy that does not wait is polled slowly and reported once`() async throws {
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "TYPE": .text("+none\r\n")
            case "TIME": .text("*2\r\n$4\r\n1000\r\n$1\r\n0\r\n")
            case "ZADD", "ZREM": .text(":1\r\n")
            case "ZRANGE": .text("*0\r\n")
            case "LMOVE", "BLMOVE": .text("$-1\r\n")
            default: .ok
            }
        }
        let harness = try SourceHarness.list(0, url: server.url)
        try await harness.run {
            let start = ContinuousClock.now
            try await eventually("it has polled for a while") { .now - start > .seconds(1) }
            // 10, 20, 40 … ms apart.
            #expect((5...12).contains(server.commands("BLMOVE").count))
            #expect(server.commands("LMOVE").count == 1)
        }
    }

    @Test(arguments: [
        (#""lists":["a","a"]"#, "names 'a' twice; name it once"),
        (#""lists":[""]"#, "is empty; name a list"),
        (
            #""lists":["a"],"channels":["b"]"#,
            "a source reads lists or subscribes, because their delivery guarantees differ; make two sources"
        ),
        (#""channels":["b"],"take_from":"left""#, "has no effect without lists; set lists"),
        (#""lists":["a"],"block":"5s","claim_after":"9s""#, "is shorter than two waits of block"),
        (#""lists":["a"],"take_from":"top""#, "'top' is not one of right, left"),
        (#""lists":["a"],"in_flight":0"#, "0 is out of range; 1 to 100000 is allowed"),
        (#""lists":["a"],"consumer":"""#, "is not 1 to 200 bytes long"),
    ])
    func `settings that mean nothing are refused with the reason`(settings: String, reason: String) {
        let json = "{\"url\":\"redis://h\",\(settings)}"
        let error = #expect(throws: SettingError.self) {
            try JSONDecoder().decode(RedisSource.Configuration.self, from: Data(json.utf8)).validate()
        }
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test func `more lists than connections allow are refused`() {
        let lists = (0..<65).map { "\"\($0)\"" }.joined(separator: ",")
        let error = #expect(throws: SettingError.self) {
            try JSONDecoder().decode(
                RedisSource.Configuration.self, from: Data("{\"url\":\"redis://h\",\"lists\":[\(lists)]}".utf8))
        }
        #expect(error?.message == "names 65 lists; a source reads at most 64, so use several sources")
    }

    @Test func `a list whose keys cannot be in one slot is refused with a cluster`() throws {
        let json = #"{"url":"redis+cluster://h","lists":["a}b"]}"#
        let configuration = try JSONDecoder().decode(RedisSource.Configuration.self, from: Data(json.utf8))
        let error = #expect(throws: SettingError.self) { try configuration.validate() }
        #expect(error?.message.hasPrefix("'a}b' and its processing list cannot be in one slot of a cluster; rename") == true)
    }

    @Test func `a list moves between the nodes of a cluster without a loss`() async throws {
        let cluster = try await RedisCluster.start(2)
        let slot = RedisSlot.of("l")
        let from = slot < 8192 ? 0 : 1
        let harness = try SourceHarness.list(0, #","block":"50ms""#, url: cluster.url(1 - from))
        try await harness.run {
            try await cluster.peers[from].command("LPUSH", "l", "1", "2")
            try await eventually("they arrive") { harness.recorder.count == 2 }
            for step in RedisCluster.Step.allCases { try await cluster.take(step, slot: slot, from: from, to: 1 - from) }
            try await cluster.peers[1 - from].command("LPUSH", "l", "3")
            try await eventually("it arrives from the other node, not \(harness.log.errors)") { harness.texts.last == "3" }
            try await eventually("all are removed") { try await cluster.peers[1 - from].processing().isEmpty }
        }
        #expect(Set(harness.texts) == ["1", "2", "3"])
    }
}
