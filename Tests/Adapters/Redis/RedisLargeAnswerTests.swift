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
    func `a batch that is too large in all is read in smaller pieces`(settings: String) async throws {
        let server = try await BrokerProcess.redis()
        let peer = try await RedisPeer.connect(port: server.port)
        let body = ByteBuffer(repeating: 0x61, count: 4 << 20)
        for _ in 0..<40 { try await peer.add([body], to: "s") }
        let harness = try SourceHarness.stream(server.port, settings)
        try await harness.run { try await eventually(within: .seconds(60), "all arrive") { harness.recorder.count >= 40 } }
        #expect(harness.recorder.bodies.allSatisfy { $0 == body })
        #expect(harness.recorder.count == 40)
    }
}
