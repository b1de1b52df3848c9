import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RedisAdapter

/// Streams of a cluster of real servers, while their slot is moved.
@Suite(.timeLimit(.minutes(3)))
struct RedisClusterTests {
    private static let group = #""group":"g","start":"0","block":"50ms""#
    private static let slot = RedisSlot.of("s")

    private func configuration(_ url: String) throws -> RedisStreamSink.Configuration {
        let json = "{\"url\":\"\(url)\",\"stream\":\"s\"}"
        let configuration = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        try configuration.validate()
        return configuration
    }

    private func sink(_ url: String) throws -> SinkHarness {
        let configuration = try self.configuration(url)
        return SinkHarness(name: "out", kind: RedisStreamSink.kind) {
            RedisStreamSink(variants: [configuration], context: $0)
        }
    }

    @Test func `a stream is found on its node`() async throws {
        let cluster = try await RedisCluster.start(3)
        // The first node serves it; the third one is asked.
        #expect(Self.slot < 5461)
        let sink = try self.sink(cluster.url(2))
        let harness = try SourceHarness.stream(0, Self.group, url: cluster.url(2))
        try await harness.run {
            try await sink.run {
                sink.source.send([ByteBuffer(string: "a")])
                try await eventually("it has come through the stream") { harness.recorder.count == 1 }
            }
        }
        #expect(try await cluster.peers[0].entries(of: "s").count == 1)
        #expect(harness.recorder.events.map(\.message) == ["a"])
    }

    /// Everything goes through the sink, the stream and the source; each step of each move is taken while messages are in flight.
    @Test(arguments: [
        Self.group + #","claim_after":"500ms","max_deliveries":100,"remove_idle_after":"1s""#, #""start":"0","block":"50ms""#,
        #""group":"g","start":"0""#,
    ])
    func `a slot that moves while messages flow loses, repeats and reorders nothing`(settings: String) async throws {
        let cluster = try await RedisCluster.start(2)
        let sink = try self.sink(cluster.url(1))
        let harness = try SourceHarness.stream(0, settings, url: cluster.url(1))
        var sent = 0
        try await harness.run {
            try await sink.run {
                let before = try await cluster.connections(to: 0)
                let flow = Flow()
                async let moved: Void = self.move(cluster, harness, flow)
                while !flow.isOver.load(ordering: .relaxed) {
                    sink.source.send((sent..<(sent + 10)).map { ByteBuffer(string: String($0)) })
                    sent += 10
                    try await eventually("what was sent comes, not \(sink.status.lastError ?? "silence")") {
                        harness.recorder.count > sent - 100 || flow.isOver.load(ordering: .relaxed)
                    }
                }
                try await moved
                try await eventually("all have come through the stream") { harness.recorder.count >= sent }
                #expect(try await cluster.connections(to: 0) == before, "redirected, not connected again")
            }
        }
        #expect(harness.recorder.events.map(\.message) == (0..<sent).map(String.init))
        #expect(harness.gaps == [])
    }

    private func move(_ cluster: RedisCluster, _ harness: SourceHarness, _ flow: Flow) async throws {
        defer { flow.isOver.store(true, ordering: .relaxed) }
        for (old, new) in [(0, 1), (1, 0), (0, 1), (1, 0)] {
            for step in RedisCluster.Step.allCases {
                let count = harness.recorder.count
                try await eventually("messages flow before the step \(step)") { harness.recorder.count > count + 50 }
                try await cluster.take(step, slot: Self.slot, from: old, to: new)
            }
        }
        let count = harness.recorder.count
        try await eventually("messages flow after the moves") { harness.recorder.count > count + 50 }
    }

    private final class Flow: Sendable {
        let isOver = Atomic<Bool>(false)
    }

    @Test func `a stream that begins while its slot moves is created on the new node`() async throws {
        let cluster = try await RedisCluster.start(2)
        for step in [RedisCluster.Step.importing, .migrating] { try await cluster.take(step, slot: Self.slot, from: 0, to: 1) }
        let sink = try self.sink(cluster.url(0))
        let harness = try SourceHarness.stream(0, Self.group, url: cluster.url(0))
        try await harness.run {
            try await sink.run {
                sink.source.send((0..<100).map { ByteBuffer(string: String($0)) })
                try await eventually("all have come through the stream") { harness.recorder.count == 100 }
            }
        }
        #expect(harness.recorder.events.map(\.message) == (0..<100).map(String.init))
        #expect(try await cluster.peers[0].command("CLUSTER", "COUNTKEYSINSLOT", String(Self.slot)).integer == 0)
        #expect(try await cluster.peers[1].command("CLUSTER", "COUNTKEYSINSLOT", String(Self.slot)).integer == 1)
    }

    @Test func `a batch with keys on two nodes is carried out in order`() async throws {
        let cluster = try await RedisCluster.start(2)
        let (moved, kept) = ("{s}moved", "{s}kept")
        for key in [moved, kept] { try await cluster.peers[0].command("XADD", key, "*", "n", "first") }
        for step in [RedisCluster.Step.importing, .migrating] { try await cluster.take(step, slot: Self.slot, from: 0, to: 1) }
        try await cluster.peers[0].command("MIGRATE", "127.0.0.1", String(cluster.nodes[1].port), moved, "0", "10000")
        let connection = try await RedisConnection.open(
            try self.configuration(cluster.url(0)).redis, group: MultiThreadedEventLoopGroup.singleton, name: "test", key: "s"
        )
        defer { connection.close() }
        var commands = ByteBuffer()
        for index in 0..<10 {
            RedisCommand.write(["XADD", index.isMultiple(of: 2) ? moved : kept, "*", "n", String(index)], to: &commands)
        }
        let replies = try await connection.send(commands, replies: 10)
        #expect(replies.allSatisfy { $0.text != nil }, "each is answered with an id")
        func numbers(_ node: Int, _ key: String) async throws -> [String] {
            try await cluster.peers[node].entries(of: key).map { String(buffer: $0.fields[1]) }
        }
        #expect(try await numbers(0, kept) == ["first", "1", "3", "5", "7", "9"])
        for step in [RedisCluster.Step.keys, .ownedByNew] { try await cluster.take(step, slot: Self.slot, from: 0, to: 1) }
        #expect(try await numbers(1, moved) == ["first", "0", "2", "4", "6", "8"])
    }

    @Test func `nodes that name each other are reported, and what waits is sent when they agree`() async throws {
        let cluster = try await RedisCluster.start(2)
        let sink = try self.sink(cluster.url(0))
        let harness = try SourceHarness.stream(0, Self.group, url: cluster.url(0))
        try await harness.run {
            try await sink.run {
                sink.source.send([ByteBuffer(string: "a")])
                try await eventually("the first has come through the stream") { harness.recorder.count == 1 }
                for step in [RedisCluster.Step.importing, .migrating, .keys, .ownedByOld] {
                    try await cluster.take(step, slot: Self.slot, from: 0, to: 1)
                }
                sink.source.send([ByteBuffer(string: "b")])
                try await eventually("the failure is reported") { !sink.log.errors.isEmpty }
                let error = sink.log.errors[0]
                #expect(error.contains(" answers: MOVED \(Self.slot) 127.0.0.1:"), "\(error)")
                try await cluster.take(.ownedByNew, slot: Self.slot, from: 0, to: 1)
                try await eventually("the second has come through the stream") { harness.recorder.count == 2 }
            }
        }
        #expect(harness.recorder.events.map(\.message) == ["a", "b"])
    }

    @Test func `a node that is gone after its slots were moved is not missed`() async throws {
        let cluster = try await RedisCluster.start(2)
        let sink = try self.sink(cluster.url(0))
        let harness = try SourceHarness.stream(0, Self.group, url: cluster.url(0))
        try await harness.run {
            try await sink.run {
                for step in RedisCluster.Step.allCases { try await cluster.take(step, slot: Self.slot, from: 0, to: 1) }
                // After the first, a read may still wait for the old node; after the second, all use the new one.
                for (index, text) in ["a", "b"].enumerated() {
                    sink.source.send([ByteBuffer(string: text)])
                    try await eventually("it has come through the stream") { harness.recorder.count == index + 1 }
                    try await eventually("it is acknowledged") { try await cluster.peers[1].pending().isEmpty }
                }
                let before = try await cluster.connections(to: 1)
                try await cluster.nodes[0].kill()
                sink.source.send([ByteBuffer(string: "c")])
                try await eventually("the next one too") { harness.recorder.count == 3 }
                #expect(try await cluster.connections(to: 1) == before)
            }
        }
        #expect(harness.recorder.events.map(\.message) == ["a", "b", "c"])
    }

    @Test func `a template cannot name a cluster's stream`() throws {
        let json = #"{"url":"redis+cluster://a","stream":"x:{{ .title }}"}"#
        let configuration = try JSONDecoder().decode(RedisStreamSink.Configuration.self, from: Data(json.utf8))
        #expect { try configuration.validate() } throws: {
            ($0 as? SettingError)?.message
                == "a stream of a cluster is on one node, so its name cannot be a template; name one stream"
        }
    }
}
