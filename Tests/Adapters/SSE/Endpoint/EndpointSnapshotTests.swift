import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import SSEAdapter

/// `snapshot`: a new client starts with the last event of each key.
@Suite(.timeLimit(.minutes(1)))
struct EndpointSnapshotTests {
    private static func snapshot(_ change: (inout SSESinkConfiguration.Snapshot) -> Void = { _ in })
        -> SSESinkConfiguration.Snapshot
    {
        var snapshot = SSESinkConfiguration.Snapshot()
        snapshot.key = try! Template("{{ $subject }}", compiler: nil)
        snapshot.remove = try! Template("{{ .tags[0] }}", compiler: nil)
        change(&snapshot)
        return snapshot
    }

    private static func run(
        _ change: @escaping (inout SSESinkConfiguration) -> Void = { _ in }, log: RecordedLog? = nil,
        _ body: (EndpointFixture) async throws -> Void
    ) async throws {
        try await EndpointFixture.run(
            {
                $0.snapshot = Self.snapshot()
                change(&$0)
            }, log: log, body)
    }

    /// Publishes events with these messages, which begin with their subject; `!` at the end clears it.
    private static func publish(_ texts: [String], to endpoint: EndpointFixture, _ sink: SSESink? = nil) async throws {
        let events = texts.map { text in
            EndpointFixture.event(text, tags: text.hasSuffix("!") ? ["true"] : [], subject: String(text.prefix(1)))
        }
        let stream = (sink ?? endpoint.sink).stream
        try await endpoint.hub.home.submit {
            var labels = SSELabels()
            let reader = EventReader()
            for event in events { try labels.append(event, of: stream, reader) }
            _ = endpoint.hub.publish(events, labels, to: stream)
        }.get()
    }

    /// Reads the next blocks of the stream, without the ids' epoch and the JSON around messages.
    private static func read(_ count: Int, _ reader: StreamReader, _ endpoint: EndpointFixture) async throws -> [String] {
        var blocks: [String] = []
        while blocks.count < count, let block = try await reader.block() {
            if block.hasPrefix(":") { continue }
            let plain = block.replacing("\(endpoint.hub.epoch)-", with: "").replacing(
                #"{"id":"m","title":"","message":"#, with: ""
            )
            .replacing("retry: 2000\n", with: "").replacing("\"}", with: "\"")
            blocks.append(plain.split(separator: "\n").joined(separator: " "))
        }
        return blocks
    }

    private static func begin(_ head: Int, _ entry: Int = 0) -> [String] {
        [
            "event: cursor id: \(head).\(entry) data:{\"cursor\":\"\(head).\(entry)\"",
            "event: snapshot id: \(head).0 data:{\"snapshot\":\"begin\",\"cursor\":\"\(head).0\"",
        ]
    }

    private static func end(_ head: Int) -> String {
        "event: snapshot id: \(head) data:{\"snapshot\":\"end\",\"cursor\":\"\(head)\""
    }

    @Test func `a new client gets the last event of each key, then what follows`() async throws {
        try await Self.run { endpoint in
            let empty = try await endpoint.open()
            #expect(try await Self.read(3, empty, endpoint) == Self.begin(0) + [Self.end(0)])
            try await Self.publish(["a1", "b1", "c1", "a2", "c2!"], to: endpoint)
            let client = try await endpoint.open()
            #expect(client.head.contains("Streambridge-Cursor: \(endpoint.hub.epoch)-5.0\r\n"))
            let expected = Self.begin(5) + ["id: 5.2 data: \"b1\"", "id: 5.4 data: \"a2\"", Self.end(5)]
            #expect(try await Self.read(5, client, endpoint) == expected)
            try await Self.publish(["b2"], to: endpoint)
            #expect(try await Self.read(1, client, endpoint) == ["id: 6 data: \"b2\""])
            // The first client has had every event.
            let all = ["a1", "b1", "c1", "a2", "c2!", "b2"].enumerated().map { "id: \($0 + 1) data: \"\($1)\"" }
            let live = try await Self.read(6, empty, endpoint)
            #expect(live.map { $0.replacing(",\"tags\":[\"true\"]}", with: "") } == all)
            #expect(endpoint.counter("sse_snapshot_keys") == 2)
        }
    }

    @Test func `a client that is cut off within a snapshot gets the rest of it, and what has changed since`() async throws {
        try await Self.run { endpoint in
            try await Self.publish(["a1", "b1", "c1", "d1"], to: endpoint)
            let id = "\(endpoint.hub.epoch)-4.2"
            try await Self.publish(["a2", "d2"], to: endpoint)
            let client = try await endpoint.open(headers: "Last-Event-ID: \(id)\r\n")
            let expected = [Self.begin(4, 2)[0], "id: 4.3 data: \"c1\"", Self.end(4), "id: 5 data: \"a2\"", "id: 6 data: \"d2\""]
            #expect(try await Self.read(5, client, endpoint) == expected)
            // Before its first event it begins again, and after the end nothing repeats.
            let first = try await endpoint.open("?last_event_id=\(endpoint.hub.epoch)-4.0")
            #expect(try await Self.read(2, first, endpoint) == Self.begin(6))
            let last = try await endpoint.open("?last_event_id=\(endpoint.hub.epoch)-4")
            #expect(try await Self.read(3, last, endpoint).dropFirst() == expected[3...])
        }
    }

    @Test(arguments: ["1", "2.1"]) func `an id that can no longer be replayed gets a gap and a new snapshot`(_ id: String)
        async throws
    {
        try await Self.run({
            $0.replay.events = 2
            $0.slowClient.bytes = 4096
        }) { endpoint in
            try await Self.publish(["a1", "b1"], to: endpoint)
            for number in 2...5 { try await Self.publish(["c\(number)"], to: endpoint) }
            let client = try await endpoint.open("?last_event_id=\(endpoint.hub.epoch)-\(id)")
            #expect(client.head.contains("Streambridge-Gap: evicted\r\n"))
            let blocks = try await Self.read(7, client, endpoint)
            #expect(blocks[0].hasPrefix("event: gap data:{\"requested\":\"\(id)\""))
            let entries = ["id: 6.1 data: \"a1\"", "id: 6.2 data: \"b1\"", "id: 6.6 data: \"c5\""]
            #expect(Array(blocks.dropFirst()) == Self.begin(6) + entries + [Self.end(6)])
            for unknown in ["x", "e-1", "\(endpoint.hub.epoch)-9", "\(endpoint.hub.epoch)-9.1"] {
                let client = try await endpoint.open("?last_event_id=\(unknown)")
                #expect(try await Self.read(7, client, endpoint).dropFirst() == blocks[1...])
            }
        }
    }

    @Test func `naive clients, lines, pages and polls have the same events`() async throws {
        try await Self.run { endpoint in
            try await Self.publish(["a1", "b1", "a2"], to: endpoint)
            let epoch = endpoint.hub.epoch
            func event(_ text: String) -> String { #"{"id":"m","title":"","message":"\#(text)"}"# }
            let lines = try await endpoint.open("?format=ndjson")
            var text = ""
            while !text.contains("\"end\"") { text += (try await lines.block() ?? "") + "\n" }
            let expected = [
                #"{"event":"cursor","cursor":"\#(epoch)-3.0"}"#,
                #"{"event":"snapshot","snapshot":"begin","cursor":"\#(epoch)-3.0"}"#,
                #"{"cursor":"\#(epoch)-3.2",\#(event("b1").dropFirst())"#,
                #"{"cursor":"\#(epoch)-3.3",\#(event("a2").dropFirst())"#,
                #"{"event":"snapshot","snapshot":"end","cursor":"\#(epoch)-3"}"#,
            ]
            #expect(text.split(separator: "\n").map(String.init) == expected)
            let page = try await endpoint.open("?format=json&limit=1").body()
            #expect(page == #"{"cursor":"\#(epoch)-3.2","snapshot":true,"events":[\#(event("b1"))]}"#)
            let next = try await endpoint.open("?format=json&last_event_id=\(epoch)-3.2").body()
            #expect(next == #"{"cursor":"\#(epoch)-3","events":[\#(event("a2"))]}"#)
            let poll = try await endpoint.open("?poll=1").body()
            #expect(poll == #"{"cursor":"\#(epoch)-3","snapshot":true,"events":[\#(event("b1")),\#(event("a2"))]}"#)
            let latest = try await endpoint.open("?since=latest")
            #expect(try await latest.cursor() == 3)
            let replay = try await endpoint.open("?since=earliest")
            #expect(try await replay.event() == (1, "a1"))
        }
    }

    @Test func `filters choose from the snapshot, and streams of one connection are merged in order`() async throws {
        try await Self.run { endpoint in
            let other = try endpoint.offer("t") { $0.snapshot = Self.snapshot() }
            try await Self.publish(["a1", "b1"], to: endpoint)
            try await Self.publish(["x1"], to: endpoint, other)
            try await Self.publish(["a2"], to: endpoint)
            let both = try await endpoint.open(",t")
            let merged = ["id: 4.2 data: \"b1\"", "id: 4.3 data: \"x1\"", "id: 4.4 data: \"a2\""]
            #expect(try await Self.read(6, both, endpoint) == Self.begin(4) + merged + [Self.end(4)])
            let one = try await endpoint.open("?subject=b,c")
            #expect(try await Self.read(4, one, endpoint) == Self.begin(4) + [merged[0], Self.end(4)])
            try await Self.publish(["c1"], to: endpoint)
            #expect(try await Self.read(1, one, endpoint) == ["id: 5 data: \"c1\""])
            withExtendedLifetime(other) {}
        }
    }

    @Test func `the least recently updated keys leave above the limits, and are counted`() async throws {
        try await Self.run({ $0.snapshot?.max = 3 }) { endpoint in
            try await Self.publish(["a1", "b1", "c1", "a2", "d1", "e1"], to: endpoint)
            let entries = try await Self.read(5, endpoint.open(), endpoint).dropFirst(2)
            #expect(entries == ["id: 6.4 data: \"a2\"", "id: 6.5 data: \"d1\"", "id: 6.6 data: \"e1\""])
            #expect(endpoint.counter("sse_snapshot_evicted") == 2)
            #expect(endpoint.counter("sse_snapshot_keys") == 3)
        }
        try await Self.run({ $0.snapshot?.bytes = 4096 }) { endpoint in
            for key in "abcdefghij" { try await Self.publish(["\(key)\(String(repeating: "x", count: 100))"], to: endpoint) }
            let kept = endpoint.hub.snapshotCount(of: endpoint.sink.stream)
            #expect((4...6).contains(kept))
            // An event that is larger than the limit displaces no other; its key leaves.
            try await Self.publish(["j\(String(repeating: "x", count: 5000))"], to: endpoint)
            #expect(endpoint.hub.snapshotCount(of: endpoint.sink.stream) == kept - 1)
        }
    }

    @Test func `keys that leave are logged once per burst, with their number`() async throws {
        let log = RecordedLog()
        try await Self.run({ $0.snapshot?.max = 2 }, log: log) { endpoint in
            try await Self.publish(["a1", "b1"], to: endpoint)
            let message = "Snapshot full; least recently updated keys removed"
            #expect(log.lines(message).isEmpty)
            try await Self.publish(["c1", "d1", "e1"], to: endpoint)
            // Within the minute of the first line.
            for key in "fghij" { try await Self.publish(["\(key)1"], to: endpoint) }
            #expect(log.lines(message).map(\.level) == ["warning"])
            #expect(log.lines(message).map(\.metadata) == [["count": "3"]])
            #expect(endpoint.counter("sse_snapshot_evicted") == 8)
        }
    }

    @Test func `an empty message clears its key, and events without a key are counted`() async throws {
        try await Self.run { endpoint in
            try await Self.publish(["a1", "b1"], to: endpoint)
            let stream = endpoint.sink.stream
            let reader = EventReader()
            #expect(stream.mark(of: EndpointFixture.event("", subject: "a"), reader) == .clear("a"))
            #expect(stream.mark(of: EndpointFixture.event("x", subject: "a"), reader) == .keep("a"))
            #expect(stream.mark(of: EndpointFixture.event("x", kind: .gap, subject: "a"), reader) == SSESnapshot.Mark.none)
            #expect(stream.mark(of: EndpointFixture.event("x", subject: ""), reader) == SSESnapshot.Mark.none)
            #expect(endpoint.counter("sse_snapshot_unkeyed") == 1)
        }
    }

    /// A language in which every expression fails.
    private struct Failing: ExpressionCompiler, Expression {
        func compile(_ text: String) -> any Expression { self }
        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue {
            throw ExpressionError("startswith() requires string inputs")
        }
    }

    @Test func `an event for which remove fails is sent and kept, and counted`() async throws {
        let condition = try Template("{{ .payload.z | startswith(\"g\") }}", compiler: Failing())
        try await Self.run({ $0.snapshot?.remove = condition }) { endpoint in
            let live = try await endpoint.open()
            #expect(try await Self.read(3, live, endpoint) == Self.begin(0) + [Self.end(0)])
            try await Self.publish(["a1", "b1"], to: endpoint)
            #expect(try await Self.read(2, live, endpoint) == ["id: 1 data: \"a1\"", "id: 2 data: \"b1\""])
            #expect(endpoint.hub.snapshotCount(of: endpoint.sink.stream) == 2)
            #expect(endpoint.counter("sse_snapshot_remove_errors") == 2)
        }
    }

    @Test func `a log line about a failing remove quotes nothing of the event, and comes once per burst`() {
        let log = RecordedLog()
        let metrics = SSEMetrics(
            ComponentMetrics(component: "out", kind: "sse", direction: "sink", metrics: Metrics()), logger: log.logger("out"))
        for _ in 0..<3 {
            metrics.removeFailed(EndpointFixture.event("secret"), ExpressionError("secret", quotesEvent: true))
        }
        let lines = log.lines("Condition snapshot.remove failed; events kept")
        #expect(lines.map(\.metadata["error"]) == ["the expression raised an error for this event"])
    }

    @Test func `a page of streams with and without a snapshot begins with the oldest in the history of all`() async throws {
        try await Self.run { endpoint in
            let other = try endpoint.offer("t")
            try await Self.publish(["a1", "a2"], to: endpoint)
            try await Self.publish(["x1", "x2"], to: endpoint, other)
            let epoch = endpoint.hub.epoch
            func page(_ query: String) async throws -> String {
                try await endpoint.open(query).body().replacing(#"{"id":"m","title":"","message":"#, with: "")
            }
            #expect(try await page(",t?format=json") == #"{"cursor":"\#(epoch)-4","events":["a1"},"a2"},"x1"},"x2"}]}"#)
            #expect(try await page("?format=json") == #"{"cursor":"\#(epoch)-4","snapshot":true,"events":["a2"}]}"#)
            // Requested, it leaves out what the other stream had before.
            #expect(
                try await page(",t?format=json&since=snapshot")
                    == #"{"cursor":"\#(epoch)-4","snapshot":true,"events":["a2"}]}"#)
            withExtendedLifetime(other) {}
        }
    }

    @Test func `a snapshot is only offered where there is one`() async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open("?since=snapshot")
            #expect(reader.status == 400)
            #expect(try await reader.body() == #"{"error":"this stream has no snapshot; its 'snapshot' setting is absent"}"#)
            try await endpoint.publish(["a"])
            // A position within a snapshot of another time is a loss.
            let other = try await endpoint.open("?last_event_id=\(endpoint.hub.epoch)-1.1")
            #expect(other.head.contains("Streambridge-Gap: evicted\r\n"))
        }
    }

    @Test func `a large snapshot arrives whole while its keys change, and curl decodes it`() async throws {
        try await Self.run({
            $0.snapshot?.key = try! Template("{{ .message }}", compiler: nil)
            $0.snapshot?.max = 2000
        }) { endpoint in
            let texts = (0..<1000).map { "x\($0 + 1000)" }
            try await Self.publish(texts, to: endpoint)
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
            try await ChildProcess.with("curl", ["-sSN", "--compressed", "--limit-rate", "200k", url]) { curl in
                try await eventually("it has begun") { curl.standardOutput.contains("begin") }
                try await Self.publish(texts.suffix(10), to: endpoint)
                try await Self.publish(["y"], to: endpoint)
                try await eventually("it has all") { curl.standardOutput.contains("\"y\"") }
                let found = curl.standardOutput.split(separator: "\n").filter { $0.hasPrefix("data: ") }.compactMap {
                    $0.split(separator: "\"message\":\"").last?.dropLast(2)
                }
                #expect(Set(found.map(String.init)) == Set(texts + ["y"]))
                // Those that changed in between come once or twice, and no other.
                #expect((1001...1011).contains(found.count))
            }
        }
    }
}
