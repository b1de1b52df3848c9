import BridgeTesting
import NIOCore
import Testing

/// Routes without names that change places while events are owed, and a log that is away from the file for a while.
@Suite(.timeLimit(.minutes(2)))
struct MovedRouteTests {
    private static func yaml(_ server: HTTPPeer, _ routes: [String]) -> String {
        let lines = routes.map { path in
            "  - { match: { message: \(path) }, to: [{ sink: hook, with: { url: \"\(server.url("/\(path)"))\" } }] }"
        }
        return """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks:
              hook: { type: webhook, url: "\(server.url("/own"))", retry: { initial: 10ms, max: 100ms, attempts: 0 }, required: false }
            routes:
            \(lines.joined(separator: "\n"))
            """
    }

    private static func post(_ texts: [String], to bridge: BridgeProcess) async throws {
        for text in texts {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
    }

    /// Path and message of the requests from one on.
    private static func arrived(_ server: HTTPPeer, after count: Int) throws -> [String] {
        let requests = server.requests.dropFirst(count)
        return try zip(requests, ReceivedEvent.all(requests.map(\.text))).map { "\($0.uri) \($1.message)" }.sorted()
    }

    @Test func `pending events keep the target of their route at any place`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(503))
        let first = try await BridgeProcess.start(Self.yaml(server, ["a", "b", "c"]))
        try await Self.post(["a", "b", "c"], to: first)
        #expect(try await first.stop() == .exited(0))
        let refused = server.count
        server.answer(with: HTTPPeer.Answer(200))
        let second = try await BridgeProcess.start(Self.yaml(server, ["b", "new", "a"]), directory: first.directory)
        try await eventually("all have arrived") { server.count == refused + 3 }
        #expect(try Self.arrived(server, after: refused) == ["/a a", "/b b", "/own c"])
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `a dead letter is replayed to the target of its own route`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404))
        let first = try await BridgeProcess.start(Self.yaml(server, ["a", "b"]))
        try await Self.post(["a", "b"], to: first)
        try await eventually("both are given up") { try await first.metric("streambridge_log_dead_letters") == 2 }
        #expect(try await first.stop() == .exited(0))
        let file = first.directory.file("bridges.yaml")
        #expect(try await BridgeProcess.command("dead-letters", "show", "1", "-f", file).output.contains(#""route":"route-1","#))
        #expect(try await BridgeProcess.command("dead-letters", "replay", "--all", "-f", file).code == 0)
        // Refused once more, by a file that has another order, and then by one that has the old.
        for order in [["b", "a"], ["a", "b"]] {
            let refused = server.count
            let bridge = try await BridgeProcess.start(Self.yaml(server, order), directory: first.directory)
            try await eventually("both are sent once more") { server.count == refused + 2 }
            #expect(try Self.arrived(server, after: refused) == ["/a a", "/b b"])
            #expect(try await bridge.stop() == .exited(0))
            #expect(try await BridgeProcess.command("dead-letters", "replay", "--all", "-f", file).code == 0)
        }
    }

    @Test func `keys of dedupe stay with their route`() async throws {
        func yaml(_ routes: String...) -> String {
            """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks: { a: { type: file, path: "{directory}/out" } }
            routes: [\(routes.joined(separator: ", "))]
            """
        }
        let one = "{ match: { message: { starts_with: one } }, dedupe: { key: '{{ $source }}' }, to: a }"
        let two = "{ match: { message: { starts_with: two } }, dedupe: { key: '{{ $source }}' }, to: a }"
        let first = try await BridgeProcess.start(yaml(one, two))
        try await Self.post(["one"], to: first)
        try await eventually("it has arrived") { first.lines(of: "out").count == 1 }
        #expect(try await first.stop() == .exited(0))
        let second = try await BridgeProcess.start(yaml(two, one), directory: first.directory)
        try await Self.post(["one again", "two"], to: second)
        try await eventually("the other has arrived") { second.lines(of: "out").count == 2 }
        #expect(try ReceivedEvent.all(second.lines(of: "out")).map(\.message) == ["one", "two"])
        #expect(try await second.metric("streambridge_events_deduplicated_total") == 1)
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `a log removed from the file is reported while it holds events, and a restored one resumes`()
        async throws
    {
        let server = try await SSEServerPeer.start()
        let hook = try await HTTPPeer.start()
        hook.answer(with: HTTPPeer.Answer(503))
        func yaml(_ log: String) -> String {
            """
            \(log)
            sources: { in: { type: sse, url: "\(server.url())" } }
            sinks:
              out: { type: file, path: "{directory}/out" }
              hook: { type: webhook, url: "\(hook.url())", retry: { initial: 10ms, max: 50ms, attempts: 0 }, required: false }
            routes: [{ to: out }, { match: { message: a }, to: hook }]
            """
        }
        let warning = "A log that was removed from the file holds undelivered events"
        var directory: TemporaryDirectory?
        for (log, text) in [("log: { kind: sqlite }", "a"), ("", "b"), ("log: { kind: sqlite }", "c")] {
            let bridge = try await BridgeProcess.start(yaml(log), directory: directory)
            directory = bridge.directory
            try await eventually("it reads") { server.clients == 1 }
            server.publish([.init(id: text, text)])
            try await eventually("it has arrived") { bridge.lines(of: "out").last?.contains("\"message\":\"\(text)\"") == true }
            if log.isEmpty {
                try await eventually("the cursor is kept") { bridge.directory.read("in.cursor").isEmpty == false }
                #expect(bridge.log.contains(warning))
                #expect(bridge.log.contains("path=\(bridge.directory.file("events.db")) undelivered=1"))
            } else {
                #expect(!bridge.log.contains(warning))
            }
            #expect(try await bridge.stop() == .exited(0))
            try await eventually("it reads no more") { server.clients == 0 }
        }
        let lines = try #require(directory).read("out").split(separator: 10).map { String(decoding: $0, as: UTF8.self) }
        #expect(try ReceivedEvent.all(lines).map(\.message) == ["a", "b", "c"], "nothing twice, and nothing missed")
    }
}
