import BridgeTesting
import NIOCore
import Testing

/// The ids of streams over the ends of the program: they continue with the next number after an orderly shutdown, and never repeat.
@Suite(.timeLimit(.minutes(2)))
struct StreamNumberTests {
    private static func yaml(replay: Int = 1000) -> String {
        """
        log: { kind: sqlite, path: "{directory}/events.db" }
        sources: { in: { type: webhook, id: hello } }
        sinks:
          demo: { type: sse, stream: demo, replay: { events: \(replay) } }
          named: { type: sse, stream: "at/{{ .message }}" }
        routes:
          - { match: { message: { starts_with: "at" } }, to: [named] }
          - { match: { not: { message: { starts_with: "at" } } }, to: [demo] }
        """
    }

    /// The parts of an id.
    private static func parts(_ id: String) throws -> (epoch: String, number: Int) {
        let parts = id.split(separator: "-")
        return (String(parts[0]), try #require(Int(parts[1])))
    }

    /// Posts one after the other, so that each goes out by itself, and says under which ids.
    private static func post(_ texts: [String], to bridge: BridgeProcess, _ client: SSEClientPeer) async throws -> [String] {
        let before = client.messages.count
        for text in texts {
            try #require(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
        try await eventually("all have arrived") { client.messages.count == before + texts.count }
        return client.messages.suffix(texts.count).map(\.id)
    }

    @Test func `after an orderly end ids continue with the next number, and earlier ids still resolve`() async throws {
        var bridge = try await BridgeProcess.start(Self.yaml())
        var client = try await bridge.stream("demo,at/at%20one")
        var ids = try await Self.post(["a", "at one", "b"], to: bridge, client)
        for round in 0..<3 {
            #expect(try await bridge.stop() == .exited(0))
            bridge = try await BridgeProcess.start(Self.yaml(), directory: bridge.directory)
            // The last id of all, and one of an earlier run.
            for id in [ids[ids.count - 1], ids[0]] {
                let again = try await bridge.stream("demo", headers: [("Last-Event-ID", id)])
                let missed = id == ids[0] ? ids.count - 2 : 0  // all but the first and the one of the other stream
                try await eventually("what it missed has arrived") { again.messages.count == missed }
                #expect(again.header("streambridge-gap") == nil)
                #expect(!again.events.contains { $0.type == "gap" })
                client = again
            }
            ids += try await Self.post(["c\(round)", "d\(round)"], to: bridge, client)
        }
        let parts = try ids.map(Self.parts)
        #expect(parts.map(\.number) == Array(1...9))
        #expect(Set(parts.map(\.epoch)).count == 1)
    }

    @Test func `a shutdown without any event changes nothing`() async throws {
        var bridge = try await BridgeProcess.start(Self.yaml())
        let first = try await bridge.stream("demo")
        try await eventually("it knows where it stands") { first.count == 1 }
        for _ in 0..<2 {
            #expect(try await bridge.stop() == .exited(0))
            bridge = try await BridgeProcess.start(Self.yaml(), directory: bridge.directory)
        }
        let again = try await bridge.stream("demo", headers: [("Last-Event-ID", first.events[0].id)])
        #expect(try await Self.parts(Self.post(["a"], to: bridge, again)[0]).number == 1)
        #expect(again.header("streambridge-gap") == nil)
    }

    @Test func `a killed program never repeats a number, after an orderly start or not`() async throws {
        var bridge = try await BridgeProcess.start(Self.yaml())
        var ids: [String] = []
        for isKilled in [false, true, true, false, true, false] {
            let client = try await bridge.stream("demo")
            ids += try await Self.post(["a", "b", "c"], to: bridge, client)
            if isKilled { bridge.process.kill() } else { bridge.process.signal(15) }
            _ = try await bridge.process.untilEnded()
            bridge = try await BridgeProcess.start(Self.yaml(), directory: bridge.directory)
        }
        let numbers = try ids.map { try Self.parts($0).number }
        #expect(numbers == numbers.sorted())
        #expect(Set(numbers).count == numbers.count, "\(numbers)")
        #expect(zip(numbers, numbers.dropFirst()).filter { $1 - $0 > 1 }.count == 3, "after each kill, and then only: \(numbers)")
    }

    @Test func `a stream whose sink was renamed reports a gap for earlier ids`() async throws {
        let first = try await BridgeProcess.start(Self.yaml())
        let client = try await first.stream("demo")
        let ids = try await Self.post(["a", "b", "c"], to: first, client)
        #expect(try await first.stop() == .exited(0))
        let yaml = Self.yaml().replacing("demo: {", with: "renamed: {").replacing("[demo]", with: "[renamed]")
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        let late = try await second.stream("demo", headers: [("Last-Event-ID", ids[0])])
        #expect(late.header("streambridge-gap") != nil)
        let current = try await second.stream("demo", headers: [("Last-Event-ID", ids[2])])
        #expect(current.header("streambridge-gap") == nil, "it has missed nothing")
        #expect(try await Self.parts(Self.post(["d"], to: second, current)[0]).number == 4)
    }

    @Test func `dead letters on a stream keep its history across a restart`() async throws {
        let yaml = """
            log: { kind: sqlite, path: "{directory}/events.db" }
            defaults: { dead_letter: demo, unrouted: dead_letter }
            sources: { in: { type: webhook, id: hello } }
            sinks: { demo: { type: sse, stream: demo } }
            routes: [{ match: { message: { starts_with: "r" } }, to: [demo] }]
            """
        let first = try await BridgeProcess.start(yaml)
        let client = try await first.stream("demo")
        let texts = ["r1", "r2", "unrouted", "r4"]
        let ids = try await Self.post(texts, to: first, client)
        let published = client.messages.map(\.data)
        #expect(try await first.stop() == .exited(0))
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        for (index, id) in ids.enumerated() {
            let again = try await second.stream("demo", headers: [("Last-Event-ID", id)])
            try await eventually("what it missed has arrived") { again.messages.count == ids.count - 1 - index }
            #expect(again.header("streambridge-gap") == nil)
            #expect(again.messages.map(\.id) == Array(ids[(index + 1)...]))
            #expect(again.messages.map(\.data) == Array(published[(index + 1)...]))
        }
        let last = try await second.stream("demo", headers: [("Last-Event-ID", ids[3])])
        #expect(try await Self.parts(Self.post(["r5"], to: second, last)[0]).number == 5)
    }

    @Test(arguments: [false, true])
    func `a stream without history reports missing events after a restart`(isKilled: Bool) async throws {
        let first = try await BridgeProcess.start(Self.yaml(replay: 0))
        let client = try await first.stream("demo")
        let ids = try await Self.post(["a", "b", "c"], to: first, client)
        if isKilled {
            try await eventually("the numbers are written") {
                try SQLiteShell.query("SELECT max(sequence + count) FROM numbers", in: first.directory.file("events.db")) == "4"
            }
            first.process.kill()
        } else {
            first.process.signal(15)
        }
        _ = try await first.process.untilEnded()
        let second = try await BridgeProcess.start(Self.yaml(replay: 0), directory: first.directory)
        let late = try await second.stream("demo", headers: [("Last-Event-ID", ids[0])])
        #expect(late.header("streambridge-gap") != nil)
        let current = try await second.stream("demo", headers: [("Last-Event-ID", ids[2])])
        #expect(current.header("streambridge-gap") == nil, "it has missed nothing")
    }
}
