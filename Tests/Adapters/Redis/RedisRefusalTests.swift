import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Synchronization
import Testing

@testable import RedisAdapter

/// What happens to an event when the server answers its command with an error, and to those of the same batch.
@Suite(.timeLimit(.minutes(2)))
struct RedisRefusalTests {
    /// The two sinks, whose address is the member `to` of an event.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case channel, stream

        var testDescription: String { self.rawValue }

        func sink(
            _ url: String, to address: String = "{{ .payload.to }}", attempts: Int = 0, patience: RedisHandler.Patience = .init()
        ) throws -> SinkHarness {
            let json = "{\"url\":\"\(url)\",\"\(self.rawValue)\":\"\(address)\"}"
            switch self {
            case .channel:
                var settings = try JSONDecoder().decode(RedisSink.Configuration.self, from: Data(json.utf8))
                settings.redis.patience = patience
                return SinkHarness(name: "out", kind: RedisSink.kind, attempts: attempts) { [settings] in
                    RedisSink(variants: [settings], context: $0)
                }
            case .stream:
                var settings = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
                settings.redis.patience = patience
                return SinkHarness(name: "out", kind: RedisStreamSink.kind, attempts: attempts) { [settings] in
                    RedisStreamSink(variants: [settings], context: $0)
                }
            }
        }

        var command: String { self == .channel ? "PUBLISH" : "XADD" }
        var success: ScriptedRedis.Answer { self == .channel ? .text(":0\r\n") : .text("$3\r\n1-1\r\n") }
    }

    private static func send(_ keys: [String], to sink: SinkHarness) {
        sink.source.send(keys.enumerated().map { ByteBuffer(string: #"{"to":"\#($1)","n":\#($0)}"#) })
    }

    /// The numbers of the events whose commands a scripted server was sent, in order.
    private static func numbers(_ commands: [ScriptedRedis.Command]) -> [Int] {
        commands.compactMap { command in
            let text = command.words.first { $0.contains(#""n":"#) } ?? ""
            guard let start = text.firstRange(of: #""n":"#) else { return nil }
            return Int(text[start.upperBound...].prefix { $0.isNumber })
        }
    }

    // MARK: Real servers

    /// A server whose user `bridge` may write to channels and keys that begin with `ok:`, with a peer that listens to every channel.
    private static func guardedServer() async throws -> (server: BrokerProcess, peer: RedisPeer, listener: RedisPeer) {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("ACL", "SETUSER", "bridge", "on", ">pass", "~ok:*", "&ok:*", "+@all")
        let listener = try await RedisPeer.connect(port: server.port)
        try await listener.subscribe(patterns: ["*"])
        return (server, peer, listener)
    }

    @Test(arguments: Way.allCases)
    func `a key that the ACL forbids concerns its own event only`(way: Way) async throws {
        let (server, peer, listener) = try await Self.guardedServer()
        let sink = try way.sink("redis://bridge:pass@127.0.0.1:\(server.port)")
        let before = try await peer.connectionsReceived()
        try await sink.run {
            for _ in 0..<3 { Self.send((0..<100).map { $0 == 42 ? "secret" : "ok:\($0 % 2)" }, to: sink) }
            try await eventually("three are dead letters") { sink.deadLetters.count == 3 }
            try await eventually("all others are there, once") {
                let entries = try await peer.entries(of: "ok:0").count + peer.entries(of: "ok:1").count
                return max(entries, listener.count) == 297
            }
        }
        #expect(try await peer.connectionsReceived() == before + 1, "nothing is a reason to connect again")
        #expect(try await peer.entries(of: "ok:0").count + peer.entries(of: "ok:1").count + listener.count == 297)
        let reasons = Set(sink.deadLetters.events.map(\.message))
        #expect(reasons.count == 1 && reasons.first?.contains(" answers: NOPERM ") == true, "\(reasons)")
    }

    @Test func `a key of another type, and one that is elsewhere in a cluster, concern their own events only`() async throws {
        let cluster = try await RedisCluster.start(2)
        let peer = cluster.peers[0]
        let keys = (0..<100).map { "k\($0)" }
        let here = keys.filter { RedisSlot.of($0) < 8192 }
        let text = try #require(here.first)
        try await peer.command("SET", text, "text")
        let sink = try Way.stream.sink("redis://127.0.0.1:\(cluster.nodes[0].port)")
        try await sink.run {
            Self.send(keys + keys, to: sink)
            try await eventually("what cannot be taken is a dead letter") {
                sink.deadLetters.count == (keys.count - here.count + 1) * 2
            }
            for key in here.dropFirst() {
                try await eventually("\(key) has both") { try await peer.entries(of: key).count >= 2 }
                #expect(try await peer.entries(of: key).count == 2)
            }
        }
        let reasons = sink.deadLetters.events.map(\.message)
        #expect(reasons.filter { $0.contains(" answers: WRONGTYPE ") }.count == 2)
        let moved = reasons.filter { $0.contains(" answers: MOVED ") }
        #expect(moved.count == (keys.count - here.count) * 2)
        #expect(moved.allSatisfy { $0.hasSuffix("use redis+cluster://") })
    }

    @Test(arguments: Way.allCases)
    func `events for a constant address wait until the ACL permits it`(way: Way) async throws {
        let (server, peer, listener) = try await Self.guardedServer()
        let sink = try way.sink("redis://bridge:pass@127.0.0.1:\(server.port)", to: "secret")
        try await sink.run {
            Self.send((0..<50).map(String.init), to: sink)
            try await eventually("the reason and the remedy are reported") {
                let reason = sink.status.lastError ?? ""
                return reason.contains("NOPERM") && reason.contains("let the user write to this channel or key")
            }
            #expect(!sink.status.isConnected)
            try await peer.command("ACL", "SETUSER", "bridge", "~secret", "&secret")
            try await eventually("what was kept is there") {
                max(try await peer.entries(of: "secret").count, listener.count) == 50 - RefusalStreak.patience
            }
            #expect(sink.deadLetters.count == RefusalStreak.patience)
        }
    }

    @Test func `a component waits for a command that the ACL forbids`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("ACL", "SETUSER", "bridge", "on", ">pass", "~*", "&*", "+@all", "-xadd")
        let sink = try Way.stream.sink("redis://bridge:pass@127.0.0.1:\(server.port)")
        try await sink.run {
            Self.send(["a", "a"], to: sink)
            try await eventually("the sink says why") {
                sink.status.lastError?.contains("NOPERM") == true && sink.status.lastError?.contains("xadd") == true
            }
            try await peer.command("ACL", "SETUSER", "bridge", "+xadd")
            try await eventually("both are there") { try await peer.entries(of: "a").count == 2 }
        }
        #expect(sink.deadLetters.count == 0)
    }

    @Test func `an event that exceeds the server's limit becomes a dead letter`() async throws {
        let server = try await BrokerProcess.redis("--proto-max-bulk-len", "1mb")
        let peer = try await RedisPeer.connect(port: server.port)
        let sink = try Way.stream.sink("redis://127.0.0.1:\(server.port)")
        try await sink.run {
            let large = #"{"to":"a","x":"\#(String(repeating: "x", count: 2 << 20))"}"#
            sink.source.send([#"{"to":"a"}"#, large, #"{"to":"a"}"#, #"{"to":"b"}"#].map { ByteBuffer(string: $0) })
            try await eventually("it is a dead letter") { sink.deadLetters.count == 1 }
            try await eventually("the others are there") { try await peer.entries(of: "b").count == 1 }
        }
        #expect(try await peer.entries(of: "a").count == 2)
        #expect(sink.deadLetters.events.first?.message.contains("invalid bulk length") == true)
    }

    // MARK: Scripted servers

    @Test(arguments: Way.allCases)
    func `commands that a failing server has carried out are not sent again`(way: Way) async throws {
        let server = try await ScriptedRedis.start { command in
            guard command.name == way.command else { return .ok }
            let number = Self.numbers([command])[0]
            guard command.connection == 1, number == 2 || number == 5 else { return way.success }
            return .text("-OOM command not allowed when used memory > 'maxmemory'.\r\n")
        }
        let sink = try way.sink(server.url)
        try await sink.run {
            Self.send((0..<8).map { "k\($0)" }, to: sink)
            try await eventually("all are carried out") { server.commands(way.command).count >= 10 }
        }
        #expect(Self.numbers(server.commands(way.command)) == [0, 1, 2, 3, 4, 5, 6, 7, 2, 5])
        #expect(sink.deadLetters.count == 0)
    }

    @Test(arguments: Way.allCases)
    func `answered commands are not sent again after a lost connection`(way: Way) async throws {
        let server = try await ScriptedRedis.start { command in
            guard command.name == way.command else { return .ok }
            return command.connection == 1 && Self.numbers([command])[0] == 3 ? .close : way.success
        }
        let sink = try way.sink(server.url)
        try await sink.run {
            Self.send((0..<6).map { "k\($0)" }, to: sink)
            try await eventually("all are carried out") { Self.numbers(server.commands(way.command)).last == 5 }
        }
        #expect(Self.numbers(server.commands(way.command)) == [0, 1, 2, 3, 3, 4, 5])
    }

    @Test(arguments: Way.allCases)
    func `the third connection that is lost on one event makes it a dead letter`(way: Way) async throws {
        let server = try await ScriptedRedis.start { command in
            guard command.name == way.command else { return .ok }
            return Self.numbers([command])[0] == 3 ? .close : way.success
        }
        let sink = try way.sink(server.url)
        try await sink.run {
            Self.send((0..<6).map { "k\($0)" }, to: sink)
            try await eventually("the others are carried out") { Self.numbers(server.commands(way.command)).last == 5 }
        }
        #expect(Self.numbers(server.commands(way.command)) == [0, 1, 2, 3, 3, 3, 4, 5])
        #expect(sink.deadLetters.events.map { $0.message.contains("closes the connection on the message") } == [true])
    }

    @Test(
        arguments: Way.allCases,
        ["*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"])
    func `the third malformed answer in a row makes the event a dead letter`(way: Way, answer: String) async throws {
        // Only a connection that has not been given such an answer can give a good one.
        let broken = Mutex<Set<Int>>([])
        let server = try await ScriptedRedis.start { command in
            guard command.name == way.command else { return .ok }
            return broken.withLock { broken in
                if Self.numbers([command])[0] == 3 { broken.insert(command.connection) }
                return broken.contains(command.connection) ? .text(answer) : way.success
            }
        }
        let sink = try way.sink(server.url)
        try await sink.run {
            Self.send((0..<6).map { "k\($0)" }, to: sink)
            try await eventually("the bad event is given up") { sink.deadLetters.count == 1 }
            try await eventually("the others are carried out") { Self.numbers(server.commands(way.command)).last == 5 }
        }
        // Nothing that comes in one read with a bad answer counts, so all go out together twice, and then one at a time.
        #expect(Self.numbers(server.commands(way.command)).filter { $0 == 3 }.count <= 5)
        #expect(Self.numbers(server.commands(way.command)).filter { $0 == 0 }.count <= 3)
        #expect(sink.deadLetters.events.map { $0.message.contains("sends no valid answer to the message") } == [true])
    }

    @Test(arguments: Way.allCases)
    func `the third connection that goes silent on one event makes it a dead letter`(way: Way) async throws {
        let silent = Mutex<Set<Int>>([])
        let server = try await ScriptedRedis.start { command in
            let isSilent = silent.withLock { silent in
                if command.name == way.command, Self.numbers([command])[0] == 3 { silent.insert(command.connection) }
                return silent.contains(command.connection)
            }
            if isSilent { return .nothing }
            return command.name == way.command ? way.success : .ok
        }
        let patience = RedisHandler.Patience(idle: .milliseconds(300), dead: .milliseconds(800), interval: .milliseconds(100))
        let sink = try way.sink(server.url, patience: patience)
        try await sink.run {
            Self.send((0..<6).map { "k\($0)" }, to: sink)
            try await eventually("the others are carried out") {
                let numbers = Self.numbers(server.commands(way.command))
                return numbers.last == 5 && numbers.filter { $0 == 3 }.count == 3
            }
        }
        #expect(Self.numbers(server.commands(way.command)).filter { $0 < 3 } == [0, 1, 2])
        #expect(Self.numbers(server.commands(way.command)).filter { $0 == 3 }.count == 3)
        #expect(sink.deadLetters.events.map { $0.message.contains("does not answer the message") } == [true])
    }

    @Test func `commands carried out by other nodes are not sent again when one node is away`() async throws {
        let away = try LastingPort()
        let ports = Mutex(0)
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "CLUSTER":
                let port = ports.withLock { $0 }
                return .text("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:\(port)\r\n")
            case "XADD":
                let isMoved = Self.numbers([command]) == [3] && command.connection == 1
                return isMoved ? .text("-MOVED 10 127.0.0.1:\(away.number)\r\n") : Way.stream.success
            default: return .ok
            }
        }
        ports.withLock { $0 = server.port }
        let json = #"{"url":"redis+cluster://127.0.0.1:\#(server.port)","stream":"s"}"#
        let settings = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        let sink = SinkHarness(name: "out", kind: RedisStreamSink.kind) { RedisStreamSink(variants: [settings], context: $0) }
        try await sink.run {
            Self.send((0..<6).map { "k\($0)" }, to: sink)
            try await eventually("all are carried out") { server.commands("XADD").count >= 7 }
        }
        #expect(Self.numbers(server.commands("XADD")) == [0, 1, 2, 3, 4, 5, 3])
        #expect(sink.deadLetters.count == 0)
    }

    @Test func `an unknown error is retried within retry.attempts`() async throws {
        let server = try await ScriptedRedis.start { command in
            guard command.name == "XADD" else { return .ok }
            return Self.numbers([command])[0] == 1 ? .text("-no upstream host\r\n") : Way.stream.success
        }
        let sink = try Way.stream.sink(server.url, attempts: 4)
        try await sink.run {
            Self.send(["a", "b", "c"], to: sink)
            try await eventually("it is a dead letter") { sink.deadLetters.count == 1 }
        }
        let numbers = Self.numbers(server.commands("XADD"))
        #expect(numbers.filter { $0 != 1 } == [0, 2])
        #expect(numbers.filter { $0 == 1 }.count == 4)
    }

    @Test(arguments: [
        ("NOPERM this user has no permissions to access one of the keys used as arguments", "keyRefused"),
        ("NOPERM this user has no permissions to access one of the channels used as arguments", "keyRefused"),
        ("NOPERM No permissions to access a key", "keyRefused"), ("NOPERM No permissions to access a channel", "keyRefused"),
        ("NOPERM this user has no permissions to run the 'xadd' command or its subcommand", "unavailable"),
        ("NOPERM User bridge has no permissions to run the 'publish' command", "unavailable"),
        ("WRONGTYPE Operation against a key holding the wrong kind of value", "keyRefused"),
        ("CROSSSLOT Keys in request don't hash to the same slot", "refused"), ("MOVED 3999 127.0.0.1:6381", "refused"),
        ("ASK 3999 127.0.0.1:6381", "refused"), ("ERR string exceeds maximum allowed size", "refused"),
        ("ERR Protocol error: invalid bulk length", "refused"), ("ERR unknown command 'XADD'", "unavailable"),
        ("ERR unknown command `XADD`, with args beginning with: ", "unavailable"), ("ERR syntax error", "unavailable"),
        ("ERR max number of clients reached", "unavailable"), ("ERR operation not permitted", "unavailable"),
        ("NOAUTH Authentication required.", "unavailable"), ("WRONGPASS invalid username-password pair", "unavailable"),
        ("LOADING Redis is loading the dataset in memory", "unavailable"),
        ("READONLY You can't write against a read only replica.", "unavailable"),
        ("OOM command not allowed when used memory > 'maxmemory'.", "unavailable"),
        ("MISCONF Redis is configured to save RDB snapshots", "unavailable"),
        ("MASTERDOWN Link with MASTER is down", "unavailable"), ("CLUSTERDOWN The cluster is down", "unavailable"),
        ("NOREPLICAS Not enough good replicas to write.", "unavailable"), ("TRYAGAIN Multiple keys request", "unavailable"),
        ("BUSY Redis is busy running a script", "unavailable"), ("DENIED Redis is running in protected mode", "unavailable"),
        ("timeout", "postponed"), ("no upstream host", "postponed"), ("SOMETHING new", "postponed"), ("", "postponed"),
    ])
    func `each kind of error is one of the event or of the server`(text: String, verdict: String) {
        #expect("\(RedisFailure.verdict(text, "redis://h", followsNodes: false))".hasPrefix(verdict))
    }

    @Test(arguments: ["MOVED 3999 127.0.0.1:6381", "ASK 3999 127.0.0.1:6381"])
    func `nodes of a cluster that do not agree are waited for`(text: String) {
        #expect("\(RedisFailure.verdict(text, "redis://h", followsNodes: true))".hasPrefix("unavailable"))
    }
}

extension RedisPeer {
    /// How many connections the server has taken since it began.
    fileprivate func connectionsReceived() async throws -> Int {
        let text = try await self.command("INFO", "stats").text ?? ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_connections_received:") }
        return line?.split(separator: ":").last.flatMap { Int($0) } ?? 0
    }
}
