import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Servers that are old, locked down or without some commands: what is optional is done without, and what is needed is named.
@Suite(.timeLimit(.minutes(2)))
struct RedisCommandsTests {
    private static let optional = ["CLIENT", "PING", "ROLE", "XAUTOCLAIM", "XINFO", "EVAL", "EVALSHA", "SCRIPT"]

    private static func server(without commands: [String]) async throws -> BrokerProcess {
        try await BrokerProcess.redis(arguments: commands.flatMap { ["--rename-command", $0, ""] })
    }

    private static func sink(_ json: String) throws -> SinkHarness {
        let settings = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        return SinkHarness(name: "out", kind: RedisStreamSink.kind) { RedisStreamSink(variants: [settings], context: $0) }
    }

    @Test(arguments: [
        #""group":"g","start":"0","block":"50ms","remove_idle_after":"1s","claim_after":"1s""#, #""start":"0","block":"50ms""#,
        #""start":"$","block":"50ms""#, #""group":"g","block":"50ms""#,
    ])
    func `streams work without any optional command`(settings: String) async throws {
        let server = try await Self.server(without: Self.optional)
        let peer = try await RedisPeer.connect(port: server.port)
        let harness = try SourceHarness.stream(server.port, settings)
        let sink = try Self.sink(#"{"url":"redis://127.0.0.1:\#(server.port)","stream":"s"}"#)
        try await harness.run {
            try await sink.run {
                sink.source.send((0..<100).map { ByteBuffer(string: String($0)) })
                try await eventually("all come through the stream") { harness.recorder.count == 100 }
            }
        }
        #expect(harness.recorder.events.map(\.message) == (0..<100).map(String.init))
        #expect(harness.gaps == [])
        if settings.contains("group") { #expect(try await peer.pending().isEmpty) }
    }

    @Test func `entries of others are taken over without XAUTOCLAIM`() async throws {
        let server = try await Self.server(without: ["XAUTOCLAIM"])
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.add("a", "b", "c", "d")
        try await peer.command("XGROUP", "CREATE", "s", "g", "0")
        try await peer.command("XREADGROUP", "GROUP", "g", "gone", "STREAMS", "s", ">")
        let ids = try await peer.entries(of: "s").map(\.id)
        try await peer.command("XDEL", "s", ids[1])
        // Handed out for the third time, which is once too often.
        try await peer.command("XCLAIM", "s", "g", "gone", "0", ids[2], "RETRYCOUNT", "2")
        let harness = try SourceHarness.stream(
            server.port, #""group":"g","block":"50ms","claim_after":"200ms","max_deliveries":2,"batch":2"#)
        try await harness.run {
            try await eventually("they are taken over") { harness.texts.filter { ["a", "d"].contains($0) }.count == 2 }
            try await eventually("nothing is pending") { try await peer.pending().isEmpty }
        }
        #expect(harness.texts.filter { $0 == "c" }.isEmpty)
    }

    @Test func `a user needs the required commands only`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.command(
            "ACL", "SETUSER", "reader", "on", ">pass", "~s", "+xreadgroup", "+xack", "+xpending", "+xrange", "+xclaim")
        try await peer.command("ACL", "SETUSER", "writer", "on", ">pass", "~s", "+xadd")
        let harness = try SourceHarness.stream(
            server.port, #""group":"g","block":"50ms","claim_after":"300ms""#, url: "redis://reader:pass@127.0.0.1:\(server.port)"
        )
        let sink = try Self.sink(#"{"url":"redis://writer:pass@127.0.0.1:\#(server.port)","stream":"s"}"#)
        try await harness.run {
            try await sink.run {
                sink.source.send((0..<10).map { ByteBuffer(string: String($0)) })
                try await eventually("all come through the stream") { harness.recorder.count == 10 }
                try await eventually("all are acknowledged") { try await peer.pending().isEmpty }
            }
        }
        #expect(harness.recorder.events.map(\.message) == (0..<10).map(String.init))
    }

    @Test func `a missing group that cannot be created is reported with the remedy`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.command(
            "ACL", "SETUSER", "reader", "on", ">pass", "~s", "+xreadgroup", "+xack", "+xpending", "+xrange", "+xclaim")
        let url = "redis://reader:pass@127.0.0.1:\(server.port)"
        let harness = try SourceHarness.stream(server.port, #""group":"g","block":"50ms""#, url: url)
        try await harness.run(untilConnected: false) {
            try await eventually("the source says what is missing, not \(harness.log.errors)") {
                harness.log.errors.contains(
                    "redis://127.0.0.1:\(server.port) has no group g of the stream s and does not allow XGROUP CREATE; create it there: "
                        + "XGROUP CREATE s g $ MKSTREAM")
            }
            try await peer.command("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
            try await peer.add("a")
            try await eventually("it continues") { harness.texts == ["a"] }
        }
    }

    @Test(arguments: [
        ("XREADGROUP", #""group":"g""#, "a redis-stream source with a group needs XREADGROUP (Redis 5.0 or later)"),
        ("XREAD", #""start":"0""#, "a redis-stream source without a group needs XREAD (Redis 5.0 or later)"),
    ])
    func `a required command is named when it is missing`(command: String, settings: String, hint: String) async throws {
        let server = try await Self.server(without: [command])
        let harness = try SourceHarness.stream(server.port, settings)
        try await harness.run(untilConnected: false) {
            try await eventually("the source says what is missing, not \(harness.log.errors)") {
                harness.log.errors.contains { $0.hasSuffix(hint) }
            }
        }
    }

    @Test(
        arguments: [
            ("ERR unknown command 'XADD', with args beginning with: 's' '*' ", "XADD"),
            ("ERR unknown command `XADD`, with args", "XADD"),
            ("ERR unknown command 'xadd'", "XADD"), ("ERR unknown command", ""),
            ("NOPERM this user has no permissions to run the 'xadd' command or its subcommand", "XADD"),
            ("NOPERM User a has no permissions to run the 'client|setname' command", "CLIENT"),
            ("ERR unknown subcommand 'SETNAME'. Try CLIENT HELP.", "SETNAME"), ("NOPERM No permissions to access a key", nil),
            ("ERR no such key", nil), ("WRONGTYPE Operation", nil),
        ] as [(String, String?)])
    func `the command that an answer is about is found`(answer: String, command: String?) {
        #expect(RedisRequirements.command(in: answer) == command)
    }

    @Test(arguments: [("5-3", "5-4"), ("5", "5-1"), ("5-18446744073709551615", "6-0")])
    func `the id after an id is the next one`(id: String, next: String) {
        #expect(RedisStreamID(id)?.next == next)
    }
}
