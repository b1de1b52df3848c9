import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

/// Dead letters that no sink gave up: what no route took, and what a source was handed out too often.
@Suite(.timeLimit(.minutes(2)))
struct DeadLetterTests {
    private static func command(_ arguments: String..., in bridge: BridgeProcess) async throws -> String {
        let answer = try await BridgeProcess.command(
            ["dead-letters"] + arguments + ["-f", bridge.directory.file("bridges.yaml")])
        try #require(answer.code == 0, "\(answer.error)")
        return answer.output
    }

    private static func letters(_ bridge: BridgeProcess) async throws -> [String] {
        try await self.command("list", in: bridge).split(separator: "\n").map(String.init)
    }

    private static func killed(_ bridge: BridgeProcess) async throws {
        bridge.process.kill()
        _ = try await bridge.process.untilEnded()
    }

    // MARK: What an expression failed for

    @Test func `an event whose condition fails is kept, and replayed through its route alone`() async throws {
        func yaml(_ condition: String) -> String {
            """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks:
              hot: { type: file, path: "{directory}/hot", body: "{{ .message }}" }
              all: { type: file, path: "{directory}/all", body: "{{ .message }}" }
            routes:
              - { when: '\(condition)', to: [hot] }
              - { to: [all] }
            """
        }
        let first = try await BridgeProcess.start(yaml(".payload.temp | tonumber > 30"))
        for body in [#"{"message":"a","temp":"40"}"#, #"{"message":"b","temp":"warm"}"#, #"{"message":"c","temp":"20"}"#] {
            #expect(try await first.post("/n/hello", ByteBuffer(string: body), type: "application/json").status == 201)
        }
        try await eventually("the others have had it") { first.lines(of: "all") == ["a", "b", "c"] }
        #expect(first.lines(of: "hot") == ["a"])
        let letters = try await Self.letters(first)
        #expect(letters.count == 1 && letters[0].contains("'when' of the route 'route-1' failed: "))
        #expect(try await first.metric("streambridge_dead_letters_total", "expression") == 1)
        let failures = first.log.split(separator: "\n").filter { $0.contains("Expression failed") }
        #expect(failures.count == 1 && failures[0].contains("route=route-1") && failures[0].contains("event=msg_"))
        // It fails again, and stays.
        #expect(try await Self.command("replay", "--all", in: first) == "1 dead letter to be replayed\n")
        try await eventually("it stays") { first.log.contains("Dead letter matches no route; it is kept") }
        #expect(try await first.stop() == .exited(0))

        let mended = yaml(#"(.payload.temp | tonumber? // 99) > 30"#)
        let second = try await BridgeProcess.start(mended, directory: first.directory)
        // A route without a name is known by its content, which has changed, so it is not the one that lost the event.
        #expect(try await Self.letters(second).count == 1)
        #expect(try await second.stop() == .exited(0))

        let named = try await BridgeProcess.start(
            yaml(".payload.temp | tonumber > 30").replacing("when:", with: "name: hot, when:"))
        let body = ByteBuffer(string: #"{"message":"d","temp":"cold"}"#)
        #expect(try await named.post("/n/hello", body, type: "application/json").status == 201)
        try await eventually("it is kept") { try await Self.letters(named).count == 1 }
        #expect(try await named.stop() == .exited(0))
        let third = try await BridgeProcess.start(mended.replacing("when:", with: "name: hot, when:"), directory: named.directory)
        #expect(try await Self.command("replay", "--all", in: third) == "1 dead letter to be replayed\n")
        try await eventually("its route takes it now") { third.lines(of: "hot") == ["d"] }
        try await eventually("the letter is gone") { try await Self.letters(third).isEmpty }
        #expect(third.lines(of: "all") == ["d"], "the other route has had it")
        #expect(try await third.stop() == .exited(0))
    }

    // MARK: What sinks are owed

    @Test func `a dead letter and a replay in delivery are delivered after a kill`() async throws {
        let (hook, letters) = (try await HTTPPeer.start(), try await HTTPPeer.start())
        hook.answer(with: HTTPPeer.Answer(404))
        letters.answer(with: HTTPPeer.Answer(503))
        let yaml = """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks:
              first: { type: webhook, url: "\(hook.url())", dead_letter: letters }
              second: { type: webhook, url: "\(hook.url())" }
              letters: { type: webhook, url: "\(letters.url())" }
            routes:
              - { match: { message: { equals: "a" } }, to: [first] }
              - { match: { message: { equals: "b" } }, to: [second] }
            """
        let first = try await BridgeProcess.start(yaml)
        for text in ["a", "b"] {
            #expect(try await first.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
        func states() async throws -> [String] {
            try await Self.letters(first).map { String($0.split(separator: "\t")[2]) }.sorted()
        }
        try await eventually("both are given up") { try await states() == ["in delivery", "kept"] && letters.count > 0 }
        hook.answer(with: HTTPPeer.Answer(503))
        #expect(try await Self.command("replay", "--sink", "second", in: first) == "1 dead letter to be replayed\n")
        try await eventually("it is offered again") {
            try await states() == ["in delivery", "in delivery"] && hook.count > 2
        }
        try await Self.killed(first)
        hook.answer(with: HTTPPeer.Answer(200))
        letters.answer(with: HTTPPeer.Answer(200))
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        try await eventually("both have arrived") { try await Self.letters(second).isEmpty }
        #expect(try await second.stop() == .exited(0))
        #expect(try ReceivedEvent.all(hook.requests.map(\.text)).last?.message == "b")
        #expect(try ReceivedEvent.all(letters.requests.map(\.text)).last?.tags == ["dead-letter"])
    }

    // MARK: What no route took

    /// - Parameter taken: what the route takes.
    private static func yaml(taken: String, letters url: String) -> String {
        """
        log: { kind: sqlite, path: "{directory}/events.db" }
        defaults: { dead_letter: letters, unrouted: dead_letter }
        sources: { in: { type: webhook, id: hello } }
        sinks:
          file: { type: file, path: "{directory}/out" }
          letters: { type: webhook, url: "\(url)" }
        routes:
          - { match: { message: { starts_with: "\(taken)" } }, to: [file] }
        """
    }

    private static func unrouted(_ server: HTTPPeer) async throws -> BridgeProcess {
        let bridge = try await BridgeProcess.start(Self.yaml(taken: "known", letters: server.url()))
        for text in ["known one", "new one", "new two", "other"] {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
        try await eventually("what the server refuses is kept") {
            let letters = try await Self.letters(bridge)
            return server.count == 3 && letters.count == 3
        }
        return bridge
    }

    @Test func `an event that no route took is replayed like a new event`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404))
        let first = try await Self.unrouted(server)
        #expect(try await Self.letters(first).allSatisfy { $0.hasSuffix("\tkept\t-\t0\thello\tno route matches it") })
        let ids = try ReceivedEvent.all(server.requests.map(\.text)).map(\.id)
        #expect(try await first.stop() == .exited(0))
        let second = try await BridgeProcess.start(Self.yaml(taken: "new", letters: server.url()), directory: first.directory)
        #expect(try await Self.command("replay", "--all", in: second) == "3 dead letters to be replayed\n")
        try await eventually("two are taken") { second.lines(of: "out").count == 3 }
        let arrived = try ReceivedEvent.all(second.lines(of: "out"))
        #expect(arrived.map(\.message) == ["known one", "new one", "new two"])
        #expect(arrived.dropFirst().map(\.id) == Array(ids[..<2]), "they are the same events")
        try await eventually("the third is a letter once more") {
            try await Self.letters(second).count == 1 && server.count == 4
        }
        #expect(try await Self.command("show", "--all", in: second).contains(#""message":"other""#))
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `a dead letter that no route takes stays a dead letter without a sink for such events`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404))
        let first = try await Self.unrouted(server)
        #expect(try await first.stop() == .exited(0))
        let before = try await Self.letters(first)
        let yaml = """
            log: { kind: sqlite, path: "{directory}/events.db" }
            sources: { in: { type: webhook, id: hello } }
            sinks: { file: { type: file, path: "{directory}/out" } }
            routes: [{ match: { message: { equals: "new one" } }, to: [file] }]
            """
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        #expect(try await Self.command("replay", "--all", in: second) == "3 dead letters to be replayed\n")
        try await eventually("one is taken, and the others wait again") {
            try await Self.letters(second) == Array(before.dropFirst())
        }
        #expect(second.log.contains("Dead letter matches no route; it is kept"))
        // They can be requested again.
        #expect(try await Self.command("replay", "--all", in: second) == "2 dead letters to be replayed\n")
        try await eventually("they wait again") { try await Self.letters(second) == Array(before.dropFirst()) }
        #expect(try await second.stop() == .exited(0))
        #expect(try await Self.letters(second) == Array(before.dropFirst()))
    }

    // MARK: What a source was handed out too often

    /// - Parameter maximum: how often an entry may be handed out.
    private static func orders(_ server: BrokerProcess, maximum: Int) -> String {
        """
        log: { kind: sqlite, path: "{directory}/events.db" }
        sources:
          in:
            { type: redis-stream, url: "redis://127.0.0.1:\(server.port)", stream: orders, group: workers,
              max_deliveries: \(maximum), claim_after: 100ms, block: 50ms }
        sinks: { file: { type: file, path: "{directory}/out" } }
        routes: [{ to: [file] }]
        """
    }

    @Test func `an entry with too many deliveries is a dead letter in the file and acknowledged in the stream`() async throws {
        let server = try await BrokerProcess.redis()
        let redis = try await RedisPeer.connect(port: server.port)
        try await redis.command("XGROUP", "CREATE", "orders", "workers", "0", "MKSTREAM")
        let text = "Tür \"auf\"\n" + String(repeating: "long ", count: 500)
        try await redis.add([ByteBuffer(string: text), ByteBuffer(string: "good")], to: "orders")
        let id = try await redis.entries(of: "orders")[0].id
        // Another consumer has failed at it again and again.
        try await redis.command("XREADGROUP", "GROUP", "workers", "crashing", "COUNT", "1", "STREAMS", "orders", ">")
        try await redis.command("XCLAIM", "orders", "workers", "crashing", "0", id, "RETRYCOUNT", "6")
        let yaml = Self.orders(server, maximum: 5)
        let first = try await BridgeProcess.start(yaml)
        try await eventually("both are acknowledged") {
            try await redis.command("XPENDING", "orders", "workers").items.first?.integer == 0
                && first.lines(of: "out").count == 1
        }
        // What is acknowledged is in the file already.
        try await Self.killed(first)
        let reason = "the entry \(id) of the stream orders was delivered 7 times without an acknowledgement"
        let listed = try await Self.letters(first)
        #expect(listed.count == 1)
        #expect(listed[0].hasPrefix("1\t"))
        #expect(listed[0].hasSuffix("\t-\t7\torders\t\(reason)"))
        let json = try await Self.command("show", "1", in: first)
        let shown = try JSONDecoder().decode(Shown.self, from: Data(json.utf8))
        #expect(shown.number == 1 && shown.sink.isEmpty && shown.route.isEmpty && shown.attempts == 7)
        #expect(shown.reason == reason)
        #expect(shown.source == "in" && shown.subject == "orders")
        #expect(shown.event.id.hasPrefix("\(id)."), "the entry's id, made unique among sources")
        #expect(shown.event.message == text)
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        #expect(try await Self.command("replay", "1", in: second) == "1 dead letter to be replayed\n")
        // The kill may have the other one written twice.
        try await eventually("it has arrived") {
            try Set(ReceivedEvent.all(second.lines(of: "out")).map(\.message)) == ["good", text]
        }
        try await eventually("it is a letter no more") { try await Self.letters(second).isEmpty }
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `an entry that is given up is one dead letter, even if its acknowledgement was lost`() async throws {
        let server = try await BrokerProcess.redis()
        let redis = try await RedisPeer.connect(port: server.port)
        try await redis.command("XGROUP", "CREATE", "orders", "workers", "0", "MKSTREAM")
        try await redis.add([ByteBuffer(string: "bad")], to: "orders")
        let id = try await redis.entries(of: "orders")[0].id
        let yaml = Self.orders(server, maximum: 1)
        var directory: TemporaryDirectory?
        for _ in 1...3 {
            // Another consumer has it in flight again, as before the acknowledgement.
            try await redis.command("XGROUP", "SETID", "orders", "workers", "0")
            try await redis.command("XREADGROUP", "GROUP", "workers", "crashing", "STREAMS", "orders", ">")
            try await redis.command("XCLAIM", "orders", "workers", "crashing", "0", id, "RETRYCOUNT", "6")
            let bridge = try await BridgeProcess.start(yaml, directory: directory)
            try await eventually("it is acknowledged") {
                try await redis.command("XPENDING", "orders", "workers").items.first?.integer == 0
            }
            try await Self.killed(bridge)
            #expect(try await Self.letters(bridge).count == 1)
            #expect(bridge.lines(of: "out").isEmpty)
            directory = bridge.directory
        }
    }

    /// A line of `dead-letters show`.
    private struct Shown: Decodable {
        var number: Int
        var reason: String
        var sink: String
        var route: String
        var source: String
        var subject: String
        var attempts: Int
        var event: ReceivedEvent
    }
}
