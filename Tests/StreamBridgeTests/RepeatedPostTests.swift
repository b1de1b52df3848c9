import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

/// Requests that a sender repeats with its `Idempotency-Key`, over the ends of the program.
@Suite(.timeLimit(.minutes(2)))
struct RepeatedPostTests {
    private static let yaml = """
        log: { kind: sqlite, path: "{directory}/events.db" }
        sources: { in: { type: webhook, id: hello } }
        sinks: { file: { type: file, path: "{directory}/out" } }
        routes: [{ to: [file] }]
        """

    private struct Answer: Decodable, Equatable {
        var id: String
        var status: String
    }

    private static func post(_ body: String, _ key: String, to bridge: BridgeProcess) async throws -> Answer {
        let answer = try await bridge.post(
            "/n/hello", ByteBuffer(string: body), type: "text/plain", headers: [("Idempotency-Key", key)])
        try #require(answer.status == 201, "\(answer.text)")
        return try JSONDecoder().decode(Answer.self, from: Data(answer.text.utf8))
    }

    @Test(arguments: [false, true])
    func `a repeat is recognised after a restart, and another body is another event`(isKilled: Bool) async throws {
        var bridge = try await BridgeProcess.start(Self.yaml)
        let keys = (0..<20).map { $0 % 2 == 0 ? "key-\($0)" : "\"key (\($0))\"" }
        var answers: [Answer] = []
        for key in keys { answers.append(try await Self.post("body of \(key)", key, to: bridge)) }
        for round in 0..<2 {
            if isKilled { bridge.process.kill() } else { bridge.process.signal(15) }
            _ = try await bridge.process.untilEnded()
            bridge = try await BridgeProcess.start(Self.yaml, directory: bridge.directory)
            for (key, answer) in zip(keys, answers) {
                #expect(try await Self.post("body of \(key)", key, to: bridge) == answer)
            }
            #expect(try await bridge.metric("streambridge_events_dropped_total", "repeated") == Double(keys.count))
            _ = try await Self.post("another body \(round)", keys[0], to: bridge)
        }
        var seen: Set<String> = []
        let expected = keys.map { "body of \($0)" } + ["another body 0", "another body 1"]
        func events() throws -> [ReceivedEvent] { try ReceivedEvent.all(bridge.lines(of: "out")) }
        try await eventually("all have arrived") { try events().last?.message == expected.last }
        // A kill may have the file written twice, with the same event.
        #expect(try events().map(\.message).filter { seen.insert($0).inserted } == expected)
        #expect(try isKilled || events().count == expected.count)
        #expect(try Set(events().prefix(keys.count).map(\.id)) == Set(answers.map(\.id)))
        #expect(try await bridge.stop() == .exited(0))
    }
}
