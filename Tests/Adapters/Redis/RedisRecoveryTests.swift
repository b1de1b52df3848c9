import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Synchronization
import Testing

@testable import RedisAdapter

/// What is logged when a Redis server is back.
@Suite(.timeLimit(.minutes(2)))
struct RedisRecoveryTests {
    /// Each component that connects to Redis, without events.
    enum Way: String, CaseIterable, CustomTestStringConvertible {
        case channel, stream, group

        var testDescription: String { self.rawValue }

        func source(_ url: String) throws -> SourceHarness {
            switch self {
            case .channel:
                let settings = try JSONDecoder().decode(
                    RedisSource.Configuration.self, from: Data(#"{"url":"\#(url)","channels":["c"]}"#.utf8))
                return SourceHarness(name: "in", kind: RedisSource.kind) { RedisSource(configuration: settings, context: $0) }
            case .stream: return try .stream(0, #""start":"0","block":"50ms""#, url: url)
            case .group: return try .stream(0, #""start":"0","block":"50ms","group":"g""#, url: url)
            }
        }
    }

    private static func sink(_ url: String) throws -> SinkHarness {
        let settings = try JSONDecoder().decode(
            RedisSink.Configuration.self, from: Data(#"{"url":"\#(url)","channel":"c"}"#.utf8))
        return SinkHarness(name: "out", kind: RedisSink.kind) { RedisSink(variants: [settings], context: $0) }
    }

    @Test(arguments: Way.allCases)
    func `a source logs one line when it recovers from an outage`(way: Way) async throws {
        let server = try await BrokerProcess.redis()
        let harness = try way.source("redis://127.0.0.1:\(server.port)")
        try await harness.run {
            #expect(harness.log.lines("Connected").isEmpty, "nothing had failed")
            try await server.kill()
            try await eventually("it fails") { !harness.log.lines("Component failed").isEmpty }
            try await server.restart()
            try await eventually("it is back") { !harness.log.lines("Connected").isEmpty }
        }
        let lines = harness.log.lines("Connected")
        #expect(lines.count == 1)
        #expect(lines.first?.level == "notice")
        #expect(lines.first?.metadata["peer"] == "redis://127.0.0.1:\(server.port)")
    }

    @Test func `a sink logs one line when it recovers from an outage`() async throws {
        let server = try await BrokerProcess.redis()
        let harness = try Self.sink("redis://127.0.0.1:\(server.port)")
        try await harness.run {
            try await server.kill()
            try await eventually("it fails") { !harness.log.lines("Component failed").isEmpty }
            try await server.restart()
            try await eventually("it is back") { !harness.log.lines("Connected").isEmpty }
        }
        #expect(harness.log.lines("Connected").map { $0.metadata["peer"] } == ["redis://127.0.0.1:\(server.port)"])
    }

    @Test func `a sink with refused events recovers with the first accepted event, not on connecting`() async throws {
        let isFull = Mutex(true)
        let server = try await ScriptedRedis.start { command in
            guard command.name == "PUBLISH" else { return .ok }
            return .text(isFull.withLock { $0 } ? "-OOM command not allowed when used memory > 'maxmemory'.\r\n" : ":0\r\n")
        }
        let harness = try Self.sink(server.url)
        try await harness.run {
            harness.source.send([ByteBuffer(string: "a")])
            try await eventually("it was tried on several connections") { server.connections >= 4 }
            #expect(harness.log.lines("Connected").isEmpty)
            isFull.withLock { $0 = false }
            try await eventually("it works again") { !harness.log.lines("Connected").isEmpty }
        }
        #expect(harness.log.lines("Connected").count == 1)
    }
}
