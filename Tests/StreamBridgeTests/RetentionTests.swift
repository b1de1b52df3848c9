import BridgeTesting
import NIOCore
import Testing

/// What a log on disk keeps of what is delivered, as its file shows while the program runs.
@Suite(.timeLimit(.minutes(2)))
struct RetentionTests {
    private static let bound = 1 << 20

    /// What the file holds and how many events are whole in it.
    private static func contents(_ bridge: BridgeProcess) throws -> (bytes: Int, events: Int) {
        let path = bridge.directory.file("events.db")
        let pages = try ["page_count", "freelist_count", "page_size"].map {
            try Int(SQLiteShell.query("PRAGMA \($0)", in: path)) ?? 0
        }
        let events = try Int(SQLiteShell.query("SELECT count(*) FROM events", in: path)) ?? 0
        return ((pages[0] - pages[1]) * pages[2], events)
    }

    private static func post(_ numbers: Range<Int>, to bridge: BridgeProcess) async throws {
        for number in numbers {
            let body = "{\"message\":\"\(number)\",\"payload\":\"\(String(repeating: "x", count: 50_000))\"}"
            let answer = try await bridge.post("/n/hello", ByteBuffer(string: body), type: "application/json")
            try #require(answer.status == 201, "\(answer.text)")
        }
    }

    @Test func `above the limit in bytes delivered events are removed, and pending ones stay`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(503))
        let yaml = """
            log: { kind: sqlite, path: "{directory}/events.db", retain: { bytes: \(Self.bound) } }
            sources: { in: { type: webhook, id: hello } }
            sinks:
              demo: { type: sse, stream: demo }
              away: { type: webhook, url: "\(server.url())", retry: { initial: 10ms, max: 100ms, attempts: 0 }, required: false }
            routes:
              - { match: { message: { starts_with: "1" } }, to: [away] }
              - { to: [demo] }
            """
        var bridge = try await BridgeProcess.start(yaml)
        try await Self.post(0..<1, to: bridge)
        let client = try await bridge.stream("demo?since=earliest")
        try await eventually("the first has arrived") { client.messages.count == 1 }
        // From the first one that is owed on nothing goes.
        try await Self.post(1..<60, to: bridge)
        try await eventually("the first goes") { try Self.contents(bridge).events == 59 }
        #expect(try Self.contents(bridge).bytes > 2 * Self.bound)
        #expect(try await bridge.stop() == .exited(0))
        server.answer(with: HTTPPeer.Answer(200))
        let refused = server.count
        bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
        try await eventually("what was owed is delivered, and the file is small again") {
            try Self.contents(bridge).bytes <= Self.bound
        }
        let owed = (1..<60).filter { "\($0)".hasPrefix("1") }.map(String.init)
        #expect(try ReceivedEvent.all(server.requests.dropFirst(refused).map(\.text)).map(\.message) == owed)
        #expect(try Self.contents(bridge).events >= 5)
        #expect(try await bridge.stop() == .exited(0))
        bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
        let again = try await bridge.stream("demo", headers: [("Last-Event-ID", client.messages[0].id)])
        try await eventually("the last has arrived") { again.messages.last.map { $0.data.contains(#""message":"59""#) } ?? false }
        #expect(again.events.first?.type == "gap", "a reader gets a gap for removed events")
        #expect(again.messages.count >= 5)
    }
}
