import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import RedisAdapter

/// Servers that send more than is taken, and streams whose entries are large.
@Suite(.timeLimit(.minutes(2)))
struct RedisLargeAnswerTests {
    @Test(arguments: [
        "$1073741824\r\n", "*1000000000\r\n",
        "*1\r\n*2\r\n$1\r\ns\r\n*100\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$99999999999\r\n",
    ])
    func `an announcement ends the connection at once, and another one is opened`(announcement: String) async throws {
        let server = try await ScriptedRedis.start { command in
            switch command.name {
            case "XREAD":
                guard command.connection <= 2 else { return .text("*-1\r\n") }
                return .endless(ByteBuffer(string: announcement), ByteBuffer(repeating: 0x61, count: 1 << 20))
            case "XINFO": return .text("-ERR no such key\r\n")
            default: return .ok
            }
        }
        let harness = try SourceHarness.stream(0, #""start":"0","block":"50ms""#, url: server.url)
        try await harness.run(untilConnected: false) {
            try await eventually("it reads again by another connection") {
                server.commands("XREAD").contains { $0.connection > 2 }
            }
        }
        // What the kernels hold comes on top of nothing.
        #expect(server.written < 64 << 20)
    }

    @Test(arguments: [#""group":"g","start":"0","block":"50ms","batch":100"#, #""start":"0","block":"50ms","batch":100"#])
    func `a batch that is too large in total is read in smaller parts`(settings: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let body = ByteBuffer(repeating: 0x61, count: 4 << 20)
        for _ in 0..<40 { try await peer.add([body], to: "s") }
        let harness = try SourceHarness.stream(server.port, settings)
        try await harness.run { try await eventually(within: .seconds(60), "all arrive") { harness.recorder.count >= 40 } }
        #expect(harness.recorder.bodies.allSatisfy { $0 == body })
        #expect(harness.recorder.count == 40)
    }

    private static let tooLarge = (64 << 20) + 1

    /// A dead letter where the log keeps them, a gap event here.
    @Test(arguments: [#""group":"g","start":"0","block":"50ms""#, #""start":"0","block":"50ms""#])
    func `an entry that is too large is given up, and the source continues`(settings: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        try await peer.add([ByteBuffer(string: "before")], to: "s")
        try await peer.add([ByteBuffer(repeating: 0x61, count: Self.tooLarge)], to: "s")
        try await peer.add([ByteBuffer(string: "after")], to: "s")
        let harness = try SourceHarness.stream(server.port, settings)
        try await harness.run {
            try await eventually(within: .seconds(60), "what is behind it arrives") { harness.texts.contains("after") }
            try await eventually("nothing stays pending") {
                guard settings.contains("group") else { return true }
                return try await peer.command("XPENDING", "s", "g").items.first == .integer(0)
            }
        }
        #expect(harness.texts == ["before", "after"])
        #expect(harness.gaps.count == 1)
        #expect(
            harness.gaps.first?.contains("is too large to be read: a value has 67108865 bytes; at most 67108864 are read") == true
        )
        #expect(harness.gaps.first?.contains("the entry ") == true)
    }

    @Test func `a redelivered entry that is too large is given up, and the source continues`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        _ = try await peer.command("XGROUP", "CREATE", "s", "g", "0", "MKSTREAM")
        try await peer.add([ByteBuffer(repeating: 0x61, count: Self.tooLarge)], to: "s")
        try await peer.add([ByteBuffer(string: "mine")], to: "s")
        _ = try await peer.command("XREADGROUP", "GROUP", "g", "me", "COUNT", "2", "STREAMS", "s", ">")
        try await peer.add([ByteBuffer(string: "new")], to: "s")
        let harness = try SourceHarness.stream(server.port, #""group":"g","consumer":"me","block":"50ms""#)
        try await harness.run {
            try await eventually(within: .seconds(60), "the others arrive") { harness.texts == ["mine", "new"] }
            try await eventually("nothing stays pending") {
                try await peer.command("XPENDING", "s", "g").items.first == .integer(0)
            }
        }
        #expect(harness.gaps.count == 1)
    }

    /// Three values that may be read one by one, and not together.
    @Test func `an entry whose values are too large together is given up, and the source continues`() async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let value = String(repeating: "x", count: 50 << 20)
        _ = try await peer.command("XADD", "s", "*", "a", value, "b", value, "c", value)
        try await peer.add([ByteBuffer(string: "after")], to: "s")
        let harness = try SourceHarness.stream(server.port, #""group":"g","start":"0","block":"50ms""#)
        try await harness.run {
            try await eventually(within: .seconds(60), "what is behind it arrives") { harness.texts == ["after"] }
        }
        #expect(harness.gaps.first?.contains("all values have more than the 134217728 bytes that are read") == true)
    }
}
