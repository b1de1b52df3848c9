import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import RedisAdapter

/// Sentinels and clusters of real servers.
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

    @Test func `a cluster's stream is found on its node`() async throws {
        var nodes: [BrokerProcess] = []
        var peers: [RedisPeer] = []
        for _ in 0..<3 {
            let node = try await BrokerProcess.redis(
                "--cluster-enabled", "yes", "--cluster-port", String(try freePort()), "--cluster-node-timeout", "2000"
            )
            nodes.append(node)
            peers.append(try await RedisPeer.connect(port: node.port))
        }
        for (index, range) in [(0, 5460), (5461, 10_922), (10_923, 16_383)].enumerated() {
            try await peers[index].command("CLUSTER", "ADDSLOTSRANGE", String(range.0), String(range.1))
            try await peers[index].command("CONFIG", "SET", "cluster-announce-ip", "127.0.0.1")
        }
        for (node, peer) in zip(nodes, peers).dropFirst() {
            let bus = try await peer.command("CONFIG", "GET", "cluster-port").items.last?.text ?? ""
            try await peers[0].command("CLUSTER", "MEET", "127.0.0.1", String(node.port), bus)
        }
        try await eventually("the cluster is whole") {
            for peer in peers {
                guard try await peer.command("CLUSTER", "INFO").text?.contains("cluster_state:ok") == true else { return false }
                guard try await peer.command("CLUSTER", "SLOTS").items.count == 3 else { return false }
            }
            return true
        }
        // The first node serves "s"; the third one is asked.
        #expect(RedisSlot.of("s") <= 5460)
        let url = "redis+cluster://127.0.0.1:\(nodes[2].port)"
        let json = "{\"url\":\"\(url)\",\"stream\":\"s\"}"
        let configuration = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        let sink = SinkHarness(name: "out", kind: RedisStreamSink.kind) {
            RedisStreamSink(variants: [configuration], context: $0)
        }
        let harness = try SourceHarness.stream(0, Self.group, url: url)
        try await harness.run {
            try await sink.run {
                sink.source.send([ByteBuffer(string: "a")])
                try await eventually("it has come through the stream") { harness.recorder.count == 1 }
            }
        }
        #expect(try await peers[0].entries(of: "s").count == 1)
        #expect(harness.recorder.events.map(\.message) == ["a"])
    }

    @Test func `a template cannot name a cluster's stream`() throws {
        let json = #"{"url":"redis+cluster://a","stream":"x:{{ .title }}"}"#
        let configuration = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        #expect { try configuration.validate() } throws: {
            ($0 as? SettingError)?.message
                == "a stream of a cluster lies on one node, so its name cannot be a template; name one stream"
        }
    }
}
