import BridgeCore
import BridgeTesting
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointSlowReaderTests {
    /// 1 000 events of about 10 KB: more than kernel buffers take.
    private static let large = String(repeating: "x", count: 10_000)

    @Test
    func `a reader that falls too far behind is disconnected, others do not notice, and it resumes without a gap`()
        async throws
    {
        try await EndpointFixture.run({
            $0.slowClient.bytes = 256 << 10
            $0.replay.bytes = 64 << 20
        }) { endpoint in
            let slow = try await endpoint.open(receiveBuffer: 4096)
            let fast = try await endpoint.open()
            try await endpoint.waitForSubscribers(2)
            for sequence in 1...600 {
                try await endpoint.publish([Self.large])
                #expect(try await fast.event().sequence == sequence)
            }
            try await endpoint.waitForSubscribers(1)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="slow""#) == 1)
            var known = 0
            // What was written before the end arrives in order; the last event may be cut, and is then not taken.
            while let event = try? await slow.event() {
                #expect(event.sequence == known + 1)
                known = event.sequence
            }
            #expect(known < 600)
            let again = try await endpoint.open(headers: "Last-Event-ID: \(endpoint.hub.epoch)-\(known)\r\n")
            #expect(!again.head.contains("Streambridge-Gap"))
            for sequence in (known + 1)...600 {
                #expect(try await again.event().sequence == sequence)
            }
        }
    }

    @Test func `a reader that reads nothing is disconnected after the stall time`() async throws {
        try await EndpointFixture.run({
            $0.slowClient.stall = .milliseconds(200)
            $0.slowClient.bytes = 64 << 20
            $0.replay.bytes = 64 << 20
            $0.heartbeat = .milliseconds(800)
        }) { endpoint in
            let slow = try await endpoint.open(receiveBuffer: 4096)
            try await endpoint.waitForSubscribers(1)
            for _ in 1...600 {
                try await endpoint.publish([Self.large])
            }
            try await endpoint.waitForSubscribers(0)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="stalled""#) == 1)
            #expect(slow.status == 200)
        }
    }

    @Test func `a reader that reads no farewell is closed after the stall time`() async throws {
        try await EndpointFixture.run({
            $0.slowClient.stall = .milliseconds(200)
            $0.slowClient.bytes = 64 << 20
            $0.replay.bytes = 64 << 20
        }) { endpoint in
            let reader = try await endpoint.open(receiveBuffer: 4096)
            var queued = 0
            while queued == 0 {
                try await endpoint.publish([Self.large])
                queued = try await endpoint.hub.collect { $0.members.map(\.state.queued) }.get().flatMap { $0 }.reduce(0, +)
            }
            #expect(queued < SSESocket.highWaterMark)
            endpoint.hub.onEachShard { shard in shard.members.forEach { $0.stop(.removed) } }
            try await endpoint.waitForSubscribers(0)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="removed""#) == 1)
            #expect(reader.status == 200)
        }
    }

    @Test func `a request for a long history does not count as slow`() async throws {
        try await EndpointFixture.run({
            $0.slowClient.bytes = 64 << 10
            $0.replay.bytes = 64 << 20
        }) { endpoint in
            for _ in 0..<30 {
                try await endpoint.publish(Array(repeating: Self.large, count: 20))
            }
            let reader = try await endpoint.open("?since=earliest", receiveBuffer: 4096)
            for sequence in 1...600 {
                // Live traffic continues while the past is read.
                if sequence % 200 == 0 { try await endpoint.publish(["live"]) }
                #expect(try await reader.event().sequence == sequence)
            }
            for sequence in 601...603 {
                #expect(try await reader.event() == (sequence, "live"))
            }
        }
    }

    @Test func `drop_oldest reports how many events are missing and continues with later ones`() async throws {
        try await EndpointFixture.run({
            $0.slowClient.policy = .dropOldest
            $0.slowClient.bytes = 256 << 10
            $0.slowClient.stall = .seconds(60)
            $0.replay.bytes = 64 << 20
        }) { endpoint in
            let slow = try await endpoint.open(receiveBuffer: 4096)
            _ = try await slow.cursor()
            for _ in 1...600 { try await endpoint.publish([Self.large]) }
            var last = 0
            var dropped = 0
            while last < 600 {
                let block = try #require(try await slow.block())
                if block.hasPrefix("event: gap") {
                    #expect(block.contains("\"reason\":\"slow\""))
                    let count = try #require(block.split(separator: "\"dropped\":").last?.prefix { $0.isNumber })
                    dropped += try #require(Int(count))
                } else if block.hasPrefix("id: ") {
                    let sequence = try #require(Int(block.split(separator: "\n")[0].split(separator: "-")[1]))
                    #expect(sequence > last)
                    if sequence != last + 1 {
                        #expect(dropped == sequence - last - 1)
                        dropped = 0
                    }
                    last = sequence
                }
            }
            #expect(endpoint.counter("sse_gaps_total") >= 1)
            #expect(endpoint.sink.stream.subscribers == 1)
        }
    }

    @Test func `conflate gives a slow reader the latest of each key, in order, and a fast one everything`() async throws {
        try await EndpointFixture.run({
            $0.slowClient.policy = .conflate
            $0.slowClient.stall = .seconds(60)
            $0.replay.bytes = 64 << 20
        }) { endpoint in
            let slow = try await endpoint.open(receiveBuffer: 4096)
            let fast = try await endpoint.open()
            _ = try await slow.cursor()
            for sequence in 1...600 {
                try await endpoint.publish([EndpointFixture.event(Self.large, subject: "room/\(sequence % 3)")])
                #expect(try await fast.event().sequence == sequence)
            }
            var seen: [Int] = []
            while seen.last != 600 { seen.append(try await slow.event().sequence) }
            #expect(seen == seen.sorted())
            #expect(seen.suffix(3) == [598, 599, 600])
            #expect(seen.count < 400)
            #expect(endpoint.counter("sse_conflated_total") == 600 - seen.count)
        }
    }
}
