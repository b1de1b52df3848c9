import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Sentinels of real servers.
@Suite(.timeLimit(.minutes(2)))
struct RedisLocationTests {
    private static let group = #""group":"g","start":"0","block":"50ms""#

    @Test func `a failover is followed`() async throws {
        let master = try await BrokerProcess.redis()
        let replica = try await BrokerProcess.redis("--replicaof", "127.0.0.1 \(master.port)")
        let file = try TemporaryDirectory()
        let port = try freePort()
        let path = try file.write(
            """
            port \(port)
            bind 127.0.0.1
            dir \(file.path)
            sentinel monitor m 127.0.0.1 \(master.port) 1
            sentinel down-after-milliseconds m 500

            """, to: "sentinel.conf"
        )
        let process = try ChildProcess("redis-server", [path, "--sentinel"])
        defer { process.signal(9) }
        try await eventually("the sentinel listens") {
            do {
                return try await RedisPeer.connect(port: port).command("PING").text == "PONG"
            } catch {
                return false
            }
        }
        let sentinel = try await RedisPeer.connect(port: port)
        try await eventually("the sentinel knows the replica") {
            try await sentinel.command("SENTINEL", "replicas", "m").items.count == 1
        }
        let harness = try SourceHarness.stream(0, Self.group, url: "redis+sentinel://127.0.0.1:\(port)/m")
        try await harness.run {
            try await RedisPeer.connect(port: master.port).add("a")
            try await eventually("the first has arrived") { harness.texts == ["a"] }
            try await eventually(within: .seconds(40), "the sentinel fails over") {
                do {
                    try await sentinel.command("SENTINEL", "FAILOVER", "m")
                    return true
                } catch {
                    return false
                }
            }
            // A server that changes its role closes its clients' connections.
            try await eventually(within: .seconds(40), "the replica is master") {
                do {
                    return try await RedisPeer.connect(port: replica.port).command("ROLE").items.first?.text == "master"
                } catch {
                    return false
                }
            }
            let after = try await RedisPeer.connect(port: replica.port)
            try await after.add("b")
            try await eventually(within: .seconds(40), "the second has arrived, not \(harness.status.lastError ?? "")") {
                harness.texts.contains("b")
            }
        }
        #expect(harness.texts.sorted().last == "b")
    }

    @Test func `sentinels that know no such master are told`() async throws {
        let port = try freePort()
        let harness = try SourceHarness.stream(0, Self.group, url: "redis+sentinel://127.0.0.1:\(port)/m")
        var text = ""
        try await harness.run(untilConnected: false) {
            try await eventually("the failure is told") {
                text = harness.status.lastError ?? ""
                return !text.isEmpty
            }
        }
        #expect(text.contains("no sentinel tells the master of redis+sentinel://127.0.0.1:\(port)/m: "), "\(text)")
    }
}
