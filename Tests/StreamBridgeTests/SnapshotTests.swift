import BridgeTesting
import NIOCore
import Testing

/// The snapshot of a stream in the running program, with a log on disk.
@Suite(.timeLimit(.minutes(2)))
struct SnapshotTests {
    private static let yaml = """
        log: { kind: sqlite, path: "{directory}/events.db", retain: { events: 5 } }
        sources: { in: { type: webhook, id: hello } }
        sinks:
          out:
            type: sse
            stream: demo
            replay: { events: 5 }
            snapshot: { key: "{{ .payload.room }}", remove: '{{ .payload.gone == true }}' }
            format: raw
        routes: [{ to: [out] }]
        """

    private static func post(_ bodies: [String], to bridge: BridgeProcess) async throws {
        for body in bodies {
            let answer = try await bridge.post("/n/hello", ByteBuffer(string: body), type: "application/json")
            try #require(answer.status == 201)
        }
    }

    /// What curl has of a new stream, once its snapshot has ended.
    private static func snapshot(_ bridge: BridgeProcess) async throws -> [String] {
        try await ChildProcess.with("curl", ["-sSN", "--compressed", "http://127.0.0.1:\(bridge.port)/api/stream/demo"]) { curl in
            try await eventually("the snapshot has ended") { curl.standardOutput.contains("\"end\"") }
            return curl.standardOutput.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
        }
    }

    @Test(arguments: [false, true]) func `the present state survives a restart, also where the log has dropped its events`(
        _ isKilled: Bool
    ) async throws {
        var bridge = try await BridgeProcess.start(Self.yaml)
        func room(_ name: String, _ number: Int) -> String { #"{"room":"\#(name)","number":\#(number)}"# }
        try await Self.post(
            [room("attic", 1), room("hall", 1), room("gone", 1), #"{"room":"gone","gone":true}"#, #"{"number":0}"#], to: bridge)
        try await Self.post((1...20).map { room("busy", $0) }, to: bridge)
        let state = [room("attic", 1), room("hall", 1), room("busy", 20)]
        try await eventually("everything is published") { try await Self.snapshot(bridge) == state }
        let client = try await bridge.stream("demo")
        try await eventually("it has the state") { client.messages.count == 3 }
        let id = try #require(client.messages.dropFirst().first?.id)
        #expect(id.contains("."))
        for round in 1...3 {
            if isKilled {
                // What a client has is written soon after.
                try await Self.post([room("kitchen", round)], to: bridge)
                try await eventually("the log has it") {
                    try SQLiteShell.query("SELECT count(*) FROM snapshots", in: bridge.directory.file("events.db")) == "4"
                }
                bridge.process.kill()
                _ = try await bridge.process.untilEnded()
            } else {
                #expect(try await bridge.stop() == .exited(0))
            }
            bridge = try await BridgeProcess.start(Self.yaml, directory: bridge.directory)
            let rooms = try await Self.snapshot(bridge)
            #expect(Set(rooms).isSuperset(of: state))
            #expect(rooms.count == (isKilled ? 4 : 3))
            guard !isKilled else { continue }
            #expect(rooms == state)
            // A client that was cut off within the snapshot gets the rest of it, once.
            let again = try await bridge.stream("demo", headers: [("Last-Event-ID", id)])
            try await eventually("it has the rest") { again.messages.map(\.data) == [state[2]] }
            #expect(again.header("streambridge-gap") == nil)
        }
    }

    @Test func `a changed key rearranges the snapshot, and one without the setting leaves nothing in the log`() async throws {
        var bridge = try await BridgeProcess.start(Self.yaml)
        try await Self.post([#"{"room":"a","floor":1}"#, #"{"room":"b","floor":1}"#], to: bridge)
        try await eventually("everything is published") { try await Self.snapshot(bridge).count == 2 }
        #expect(try await bridge.stop() == .exited(0))
        let other = Self.yaml.replacing(".payload.room", with: ".payload.floor")
        bridge = try await BridgeProcess.start(other, directory: bridge.directory)
        #expect(try await Self.snapshot(bridge) == [#"{"room":"b","floor":1}"#])
        #expect(try await bridge.stop() == .exited(0))
        let file = bridge.directory.file("events.db")
        #expect(try SQLiteShell.query("SELECT count(*) FROM snapshots", in: file) == "1")
        let without = Self.yaml.split(separator: "\n").filter { !$0.contains("snapshot:") }.joined(separator: "\n")
        bridge = try await BridgeProcess.start(without, directory: bridge.directory)
        #expect(try await bridge.stop() == .exited(0))
        #expect(try SQLiteShell.query("SELECT count(*) FROM snapshots", in: file) == "0")
    }

    @Test(arguments: [
        ("snapshot: { key: all }", "snapshot.key", "'all' is the same for all events; write one such as {{ $subject }}"),
        (
            "snapshot: { key: '{{ $subject }}', remove: gone }", "snapshot.remove",
            "'gone' is no condition; write one such as '{{ .payload.state == \"gone\" }}'"
        ),
        ("event: gap", "event", "'gap' is a type of control events; write another, such as gap-event"),
        ("event: ''", "event", "is empty; write a type such as alarm, or leave the key out"),
        ("event: 3", "event", "must be text; write it in quotes if it is meant as an event type"),
        (
            "snapshot: { bytes: 100GiB }", "snapshot.bytes",
            "107374182400 bytes is out of range; 4KiB to 16GiB is allowed"
        ),
        ("format: xml", "format", "'xml' is not one of json, raw, base64, cloudevents"),
        ("include: [sources]", "include", "'sources' is not one of source, subject, attributes"),
        ("cloudevents: { source: 'a b' }", "cloudevents.source", "is not the beginning of a URI of at most 1024 characters"),
    ]) func `a mistake in the settings is refused with its place and the remedy`(
        _ keys: String, _ place: String, _ message: String
    ) async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(
            """
            sources: { in: { type: webhook, id: hello } }
            sinks: { out: { type: sse, stream: demo, \(keys) } }
            routes: [{ to: [out] }]

            """, to: "bridges.yaml")
        let (code, _, error) = try await BridgeProcess.command("check", path)
        #expect(code == 78)
        #expect(error.contains(".out.\(place)") && error.contains(message), "\(error)")
    }
}
