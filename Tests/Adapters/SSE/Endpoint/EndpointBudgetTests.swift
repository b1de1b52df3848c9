import BridgeCore
import BridgeTesting
import Compression
import HTTPServer
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import SSEAdapter

/// What one request may cost, and how the cost is divided.
@Suite(.timeLimit(.minutes(2))) struct EndpointBudgetTests {
    private static func values(_ name: String, _ count: Int, _ text: (Int) -> String) -> String {
        (0..<count).map { "\(name)=\(text($0))" }.joined(separator: "&")
    }

    @Test func `filter values of a request are limited in number and bytes`() async throws {
        try await EndpointFixture.run { endpoint in
            let type = "Content-Type: application/x-www-form-urlencoded\r\n"
            func post(_ body: String) async throws -> StreamReader {
                try await endpoint.request("POST /api/stream/s", headers: type, body: body)
            }
            #expect(try await endpoint.open("?" + Self.values("subject", 64) { "a\($0)/%2B" }).status == 200)
            for (body, message) in [
                (Self.values("subject", 65) { "a\($0)" }, "65 filter values are too many for one request; 64 are allowed"),
                (Self.values("subject", 4000) { "a\($0)" }, "4003 parameters are too many for one request; 1000 are allowed"),
                ("subject=" + Array(repeating: "a", count: 4000).joined(separator: ","), "4000 filter values are too many"),
                (
                    Self.values("subject", 30) { "a\($0)" } + "&" + Self.values("tags", 30) { "a\($0)" }
                        + "&source=a,b,c,d&priority=5",
                    "65 filter values are too many"
                ),
                (
                    Self.values("tags", 9) { "\($0)" + String(repeating: "x", count: 1000) },
                    "the filter values are 9009 bytes long; 8192 are allowed in one request"
                ),
            ] {
                let refused = try await post("format=json&since=10000&limit=1&" + body)
                #expect(refused.status == 400)
                #expect(try await refused.body().contains(message))
            }
            try await endpoint.waitForSubscribers(0)
        }
    }

    /// An expression that takes its time, and looks at the hub, which must not be locked.
    private final class Looking: ExpressionCompiler, Expression {
        let hub = Mutex<SSEHub?>(nil)
        let count = Atomic<Int>(0)
        let pass: @Sendable (Int) -> Bool

        init(_ pass: @escaping @Sendable (Int) -> Bool) { self.pass = pass }

        func compile(_ text: String) -> any Expression { self }

        func evaluate(_ input: ExpressionInput) -> ExpressionValue {
            _ = self.hub.withLock { $0 }?.head
            return .bool(self.pass(self.count.wrappingAdd(1, ordering: .relaxed).newValue))
        }
    }

    @Test(arguments: ["since=5", "since=earliest", "since=5&format=json", "since=earliest&format=json", "poll=1&since=5"])
    func `no filter is evaluated under the hub's lock`(_ query: String) async throws {
        let expression = Looking { _ in true }
        try await EndpointFixture.run({ $0.compiler = expression }) { endpoint in
            expression.hub.withLock { $0 = endpoint.hub }
            for message in 1...20 { try await endpoint.publish(["\(message)"]) }
            let reader = try await endpoint.open("?when=x&\(query)")
            #expect(reader.status == 200)
            let first = query.contains("since=5") ? 16 : 1
            if query.contains("json") || query.contains("poll") {
                #expect(try await reader.body().contains("\"events\":[{\"id\":\"m\",\"title\":\"\",\"message\":\"\(first)\"}"))
            } else {
                #expect(try await reader.event() == (first, "\(first)"))
            }
            #expect(expression.count.load(ordering: .relaxed) > 0)
        }
    }

    @Test func `a search of the history yields to others, and ends where the latest events begin`() async throws {
        // A fifth of a second of work for each request; one event of a hundred passes.
        let expression = Looking { count in
            let end = NIODeadline.now() + .microseconds(50)
            while NIODeadline.now() < end {}
            return count % 100 == 0
        }
        try await EndpointFixture.run({ $0.compiler = expression }) { endpoint in
            for batch in 0..<100 { try await endpoint.publish((1...20).map { "\(batch * 20 + $0)" }) }
            let heavy = try (0..<10).map { _ in try RawConnection(port: endpoint.port) }
            for connection in heavy {
                try await connection.send("GET /api/stream/s?when=x&since=1000&format=json HTTP/1.1\r\nHost: x\r\n\r\n")
            }
            try await eventually("they are at work") { expression.count.load(ordering: .relaxed) > 1000 }
            // How much the searches do while a request waits: a busy machine slows both.
            var work: [Int] = []
            for _ in 0..<50 {
                let start = expression.count.load(ordering: .relaxed)
                #expect(try await endpoint.request("GET /elsewhere").status == 404)
                work.append(expression.count.load(ordering: .relaxed) - start)
            }
            // Each search looks at everything, and each answer at what was found.
            #expect(expression.count.load(ordering: .relaxed) < 10 * 2 * 2000, "they are still at work")
            // A fifth of a second; half of them, because other programs may keep the client from running.
            #expect(work.sorted()[25] < 4000)
            for connection in heavy {
                let reader = StreamReader(connection, head: try await connection.receive(through: "\r\n\r\n"))
                #expect(reader.status == 200)
                #expect(try await reader.body().hasSuffix("]}"))
            }
            try await endpoint.waitForSubscribers(0)
        }
    }

    @Test func `the latest events of several streams agree with a search of all events`() async throws {
        try await EndpointFixture.run { endpoint in
            let others = try (1...2).map { try endpoint.offer("t\($0)") }
            let sinks = [endpoint.sink] + others
            var generator = SystemRandomNumberGenerator()
            var events: [(sequence: UInt64, priority: Int)] = []
            for _ in 0..<200 {
                let batch = (0..<Int.random(in: 1...9, using: &generator)).map { _ in Int.random(in: 1...5, using: &generator) }
                let head = endpoint.hub.head
                events += batch.enumerated().map { (head + UInt64($0.offset) + 1, $0.element) }
                try await endpoint.publish(
                    batch.map { EndpointFixture.event("x", priority: $0) }, to: sinks[Int.random(in: 0...2, using: &generator)])
            }
            let filter = try SSEFilter(SSEParameters(query: "priority=5"), condition: nil)
            let view = endpoint.hub.join(
                SSESelection(
                    streams: sinks.map { $0.stream.number }, names: [], filter: filter, format: .events, coding: .identity))
            defer { endpoint.hub.leave(view) }
            let wanted = events.filter { $0.priority == 5 }.map(\.sequence)
            for count in [0, 1, 2, 3, 17, wanted.count, wanted.count + 1] {
                var search = SSELatestSearch(view: view, count: count)
                var position: UInt64?
                // The deadline has passed each time, so every call is one step.
                while position == nil {
                    position = search.next(
                        in: endpoint.hub, SSEShard(eventLoop: endpoint.hub.home), until: .uptimeNanoseconds(0))
                }
                let expected =
                    count == 0 ? endpoint.hub.head : count > wanted.count ? 0 : wanted[wanted.count - count] - 1
                #expect(position == expected, "\(count)")
            }
        }
    }

    @Test func `an answer has at most four mebibytes of events, and its cursor`() async throws {
        try await EndpointFixture.run { endpoint in
            for _ in 0..<9 { try await endpoint.publish([String(repeating: "x", count: 600_000)]) }
            var cursor = "\(endpoint.hub.epoch)-0"
            var counts: [Int] = []
            while counts.last != 0 {
                let body = try await endpoint.open("?format=json&since=\(cursor)").body()
                counts.append(body.split(separator: "\"message\"").count - 1)
                cursor = String(body.split(separator: "\"")[3])
            }
            #expect(counts == [7, 2, 0])
        }
    }

    @Test func `jobs take turns, and the loop serves others between them`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let order = Mutex<[String]>([])
        let promise = loop.makePromise(of: Void.self)
        loop.execute {
            let turns = SSEJobQueue(eventLoop: loop)
            func job(_ name: String, _ count: Int) -> SSEJobQueue.Job {
                var left = count
                return { deadline in
                    while NIODeadline.now() < deadline {}
                    order.withLock { $0.append(name) }
                    left -= 1
                    if name == "a", left == 1 { loop.execute { order.withLock { $0.append("loop") } } }
                    if left == 0, turns.count == 0 { promise.succeed() }
                    return left == 0
                }
            }
            turns.begin(job("a", 3))
            turns.begin(job("b", 2))
            turns.begin(job("c", 1))
        }
        try await promise.futureResult.get()
        #expect(order.withLock { $0 } == ["a", "a", "loop", "b", "c", "a", "b"])
    }

    @Test func `the history serves only events within its limits`() throws {
        var settings = try SSESinkConfiguration(stream: "s")
        settings.slowClient.bytes = 4096
        settings.replay.events = 50
        settings.replay.age = .seconds(100)
        let stream = SSEStream(
            number: 0, settings: settings,
            metrics: SSEMetrics(ComponentMetrics(component: "s", kind: "sse", direction: "sink", metrics: Metrics()))
        )
        var history = SSEHistory(replay: settings.replay, slowBytes: settings.slowClient.bytes)
        var times: [Int64] = []
        var now: Int64 = 0
        for _ in 0..<2000 {
            // The clock is set back now and then.
            now += Int64.random(in: -3000...6000)
            let count = Int.random(in: 1...7)
            let batch = SSEBatch(
                (0..<count).map { _ in EndpointFixture.event("x") }, stream: stream, first: UInt64(times.count) + 1,
                offset: history.endOffset, time: Timestamp(milliseconds: now))
            history.append(batch)
            times += Array(repeating: now, count: count)
            #expect(history.floor + 50 >= history.last)
            #expect(history.floor >= history.forgotten)
            #expect(history.lag(after: history.forgotten) >= min(4096, history.endOffset))
            let asked = now - Int64.random(in: 0...20_000)
            if let position = history.position(at: Timestamp(milliseconds: asked)) {
                let expected = times.indices.first { $0 >= Int(history.forgotten) && times[$0] >= asked } ?? times.count
                #expect(Int(position) == expected)
            }
        }
        #expect(history.forgotten > 0)
        history.forget(now: Timestamp(milliseconds: now + 1_000_000))
        #expect(history.floor == history.last)
    }
}
