import BridgeCore
import BridgeTesting
import Compression
import HTTPServer
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

@Suite struct EndpointResumeTests {
    @Test func `a known id resumes exactly after it`() async throws {
        try await EndpointFixture.run { endpoint in
            try await endpoint.publish(["1", "2", "3"])
            try await endpoint.publish(["4"])
            try await endpoint.publish(["5", "6"])
            for known in 0...6 {
                let reader = try await endpoint.open(headers: "Last-Event-ID: \(endpoint.hub.epoch)-\(known)\r\n")
                #expect(!reader.head.contains("Streambridge-Gap"))
                #expect(try await reader.cursor() == known)
                for sequence in stride(from: known + 1, through: 6, by: 1) {
                    #expect(try await reader.event() == (sequence, "\(sequence)"))
                }
            }
            #expect(endpoint.counter("sse_gaps_total") == 0)
        }
    }

    @Test func `the header precedes the query, every name of the query is known, empty ones are absent`() async throws {
        try await EndpointFixture.run { endpoint in
            try await endpoint.publish(["1", "2", "3"])
            let epoch = endpoint.hub.epoch
            let both = try await endpoint.open("?last_event_id=\(epoch)-1", headers: "Last-Event-ID: \(epoch)-2\r\n")
            #expect(try await both.cursor() == 2)
            for name in ["last_event_id", "lastEventID", "lastEventId"] {
                #expect(try await endpoint.open("?\(name)=\(epoch)-1").cursor() == 1)
            }
            let empty = try await endpoint.open("?last_event_id=\(epoch)-1", headers: "Last-Event-ID: \r\n")
            #expect(try await empty.cursor() == 1)
            #expect(try await endpoint.open("?last_event_id=", headers: "Last-Event-ID:\r\n").cursor() == 3)
        }
    }

    @Test func `since is an id, a duration, a time, a count, earliest or latest`() async throws {
        try await EndpointFixture.run { endpoint in
            try await endpoint.publish(["1", "2"])
            try await endpoint.publish(["3"])
            let cases = [
                "earliest": 0, "latest": 3, "1": 2, "2": 1, "99": 0, "10m": 0, "\(endpoint.hub.epoch)-2": 2, "": 3,
                "2000-01-01T00:00:00Z": 0, "2999-01-01T00:00:00Z": 3,
            ]
            for (since, cursor) in cases {
                let reader = try await endpoint.open("?since=\(since)")
                #expect(try await reader.cursor() == cursor, "\(since)")
                #expect(!reader.head.contains("Streambridge-Gap"))
            }
            let wrong = try await endpoint.open("?since=yesterday")
            #expect(wrong.status == 400)
            #expect(
                try await wrong.connection.receive(through: "}")
                    == #"{"error":"since must be an event id, a duration such as 10m, a time, a count, earliest, latest or snapshot"}"#
            )
            let plus = try await endpoint.open("?since=2000-01-01T00:00:00+00:00")
            #expect(plus.status == 400)
            #expect(try await plus.connection.receive(through: "}").contains("is written %2B, or write the time with Z"))
            #expect(try await endpoint.open("?since=2000-01-01T00:00:00%2B00:00").cursor() == 0)
        }
    }

    @Test(arguments: [
        ("nonsense", "malformed"), ("x-01", "malformed"), ("-1", "malformed"), ("otherepoch-3", "epoch"),
        ("EPOCH-999", "unknown"), ("EPOCH-1", "evicted"), ("EPOCH-18446744073709551615", "unknown"),
        ("EPOCH-18446744073709551616", "malformed"), ("a%22b%0Ac", "malformed"),
    ]) func `an id that cannot be resumed is answered with a gap, never with silence`(_ id: String, _ reason: String)
        async throws
    {
        try await EndpointFixture.run({
            $0.replay.events = 4
            $0.slowClient.bytes = 4096
        }) { endpoint in
            let epoch = endpoint.hub.epoch
            for sequence in 1...10 {
                try await endpoint.publish(["\(sequence)"])
            }
            let reader = try await endpoint.open("?last_event_id=" + id.replacing("EPOCH", with: epoch))
            #expect(reader.status == 200)
            #expect(reader.head.contains("Streambridge-Gap: \(reason)\r\n"))
            #expect(try await reader.block() == ": connected")
            let requested = id.replacing("EPOCH", with: epoch).replacing("%22", with: "\\\"").replacing("%0A", with: "\\n")
            #expect(
                try await reader.block()
                    == "event: gap\ndata:{\"requested\":\"\(requested)\",\"oldest\":\"\(epoch)-7\",\"newest\":\"\(epoch)-10\",\"reason\":\"\(reason)\"}"
            )
            #expect(try await reader.cursor() == 6)
            for sequence in 7...10 {
                #expect(try await reader.event() == (sequence, "\(sequence)"))
            }
            #expect(endpoint.counter("sse_gaps_total") == 1)
        }
    }

    @Test func `a stream without history resumes clients that have everything`() async throws {
        try await EndpointFixture.run({
            $0.replay.events = 0
        }) { endpoint in
            try await endpoint.publish(["1", "2"])
            let current = try await endpoint.open(headers: "Last-Event-ID: \(endpoint.hub.epoch)-2\r\n")
            #expect(!current.head.contains("Streambridge-Gap"))
            let behind = try await endpoint.open(headers: "Last-Event-ID: \(endpoint.hub.epoch)-1\r\n")
            #expect(behind.head.contains("Streambridge-Gap: evicted\r\n"))
            _ = try await behind.block()
            #expect(try #require(await behind.block()).contains(#""oldest":null,"#))
            try await endpoint.publish(["3"])
            #expect(try await current.event() == (3, "3"))
            #expect(try await behind.event() == (3, "3"))
        }
    }

    @Test func `the memory is bounded by bytes and by age`() async throws {
        var settings = try SSESinkConfiguration(stream: "s")
        settings.slowClient.bytes = 0
        func hub(_ change: (inout SSESinkConfiguration.Replay) -> Void) -> (SSEHistory, (SSEStart, Int64) -> SSEResolution) {
            var replay = SSESinkConfiguration.Replay()
            change(&replay)
            var history = SSEHistory(replay: replay, slowBytes: 0)
            let stream = SSEStream(
                number: 0, settings: settings,
                metrics: SSEMetrics(ComponentMetrics(component: "s", kind: "sse", direction: "sink", metrics: Metrics()))
            )
            for index in 0..<100 {
                let event = EndpointFixture.event(String(repeating: "x", count: 900))
                history.append(
                    SSEBatch(
                        [event], stream: stream, first: UInt64(index + 1), offset: history.endOffset,
                        time: Timestamp(milliseconds: Int64(index) * 1000)
                    )
                )
            }
            let last = history
            return (
                last,
                { start, time in
                    var current = last
                    current.forget(now: Timestamp(milliseconds: time))
                    return SSEResumeRule(histories: [current], head: 100, epoch: "e").resolve(start)
                }
            )
        }
        let byBytes = hub { $0.bytes = 20_000 }.1
        let oldest = byBytes(.earliest, 100_000).position
        #expect(oldest > 75 && oldest < 95)
        let byAge = hub { $0.age = .seconds(10) }.1
        #expect(byAge(.earliest, 100_000).position == 90)
        #expect(byAge(.earliest, 1_000_000).position == 100)
        #expect(byAge(.time(Timestamp(milliseconds: 5000), "95s"), 100_000).gap?.reason == .evicted)
        let large = hub { _ in }.0
        for sequence in UInt64(0)...100 {
            #expect(large.index(after: sequence) == Int(sequence))
            #expect((large.lag(after: sequence) == 0) == (sequence == 100))
        }
    }

    @Test func `joining while events are published at full speed loses and repeats nothing`() async throws {
        try await EndpointFixture.run { endpoint in
            let flag = Flag()
            try await withThrowingTaskGroup { group in
                group.addTask {
                    var sequence = 0
                    while !flag.isSet.load(ordering: .relaxed) {
                        let count = Int.random(in: 1...5)
                        try await endpoint.publish((1...count).map { "\(sequence + $0)" })
                        sequence += count
                    }
                }
                for _ in 0..<8 {
                    group.addTask {
                        var known = 0
                        for round in 0..<125 {
                            let headers = round % 3 == 0 ? "" : "Last-Event-ID: \(endpoint.hub.epoch)-\(known)\r\n"
                            let reader = try await endpoint.open(headers: headers)
                            if reader.head.contains("Streambridge-Gap") {
                                known = Int(endpoint.hub.head)
                                continue
                            }
                            var expected = try await reader.cursor()
                            if round % 3 != 0 { #expect(expected == known) }
                            for _ in 0..<Int.random(in: 1...30) {
                                expected += 1
                                let event = try await reader.event()
                                guard event == (expected, "\(expected)") else {
                                    Issue.record("\(event) came in place of \(expected)")
                                    return
                                }
                            }
                            known = expected
                        }
                    }
                }
                for _ in 0..<8 { try await group.next() }
                flag.isSet.store(true, ordering: .relaxed)
                try await group.waitForAll()
            }
        }
    }

    @Test func `the newest id of a million events is found as fast as that of ten thousand`() async throws {
        try await EndpointFixture.run({
            $0.replay.events = 1_000_000
            $0.replay.bytes = 4 << 30
        }) { endpoint in
            let event = EndpointFixture.event("x")
            func resume() throws -> Duration {
                let view = endpoint.hub.join(
                    SSESelection(
                        streams: [endpoint.sink.stream.number], names: [], filter: .everything, format: .events, coding: .identity
                    ))
                defer { endpoint.hub.leave(view) }
                let id = "\(endpoint.hub.epoch)-\(endpoint.hub.head - 1)"
                return (0..<50).map { _ in
                    processorTime {
                        let start = endpoint.hub.resolve(.after(id), view, now: .now())
                        #expect(start.gap == nil && start.position == endpoint.hub.head - 1)
                    }
                }.min() ?? .zero
            }
            let loop = endpoint.hub.home
            func publish(_ batches: Int, of count: Int) async throws {
                let events = Array(repeating: event, count: count)
                try await loop.submit {
                    for _ in 0..<batches { endpoint.hub.publish(events, to: endpoint.sink.stream) }
                }.get()
            }
            try await publish(1000, of: 10)
            let small = try resume()
            try await publish(9000, of: 110)
            #expect(endpoint.hub.head == 1_000_000)
            #expect(try resume() < small * 20 + .milliseconds(1))
        }
    }

    private final class Flag: Sendable {
        let isSet = Atomic<Bool>(false)
    }
}
