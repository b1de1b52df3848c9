import BridgeTesting
import Glibc
import NIOCore
import Testing

/// The program with a log on disk: killed and started again, on a disk that is full, with a log that is none.
@Suite(.timeLimit(.minutes(2)))
struct DurableLogTests {
    private static func yaml(sinks: String, route: String = "", log: String = "{directory}/events.db") -> String {
        let names = sinks.split(separator: "\n").compactMap { $0.split(separator: ":").first }.map { $0.trimmed }
        return """
            log: { kind: sqlite, path: "\(log)" }
            sources:
              in: { type: webhook, id: hello }
            sinks:
            \(sinks.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n"))
            routes:
              - { from: [in], \(route)to: [\(names.joined(separator: ", "))] }
            """
    }

    private static func post(_ texts: [String], to bridge: BridgeProcess) async throws {
        for text in texts {
            let answer = try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain")
            try #require(answer.status == 201, "\(answer.text)")
        }
    }

    private static func killed(_ bridge: BridgeProcess) async throws {
        bridge.process.kill()
        _ = try await bridge.process.untilEnded()
    }

    /// Each message of a file of events at its first occurrence.
    private static func messages(_ bridge: BridgeProcess, _ file: String = "out") throws -> [String] {
        var seen: Set<String> = []
        return try ReceivedEvent.all(bridge.lines(of: file)).map(\.message).filter { seen.insert($0).inserted }
    }

    @Test func `answered events are delivered after a kill at any time`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(503))
        let yaml = Self.yaml(
            sinks: """
                file: { type: file, path: "{directory}/out" }
                away: { type: webhook, url: "\(server.url())", retry: { initial: 10ms, max: 100ms, attempts: 0 }, required: false }
                """
        )
        var bridge = try await BridgeProcess.start(yaml)
        var texts: [String] = []
        for round in 0..<3 {
            let new = (0..<40).map { "\(round)/\($0)" }
            try await Self.post(new, to: bridge)
            texts += new
            try await Self.killed(bridge)
            bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
        }
        try await eventually("the file has all") { try Self.messages(bridge).count == texts.count }
        #expect(try Self.messages(bridge) == texts)
        let refused = server.count
        server.answer(with: HTTPPeer.Answer(200))
        func arrived() throws -> [ReceivedEvent] { try ReceivedEvent.all(server.requests.dropFirst(refused).map(\.text)) }
        try await eventually(within: .seconds(30), "the server has all") {
            try Set(arrived().map(\.message)).count == texts.count
        }
        // Each attempt at an event carries the same key.
        #expect(try Set(arrived().map(\.id)).count == texts.count)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `events that no route takes are answered too`() async throws {
        let yaml = Self.yaml(
            sinks: "file: { type: file, path: \"{directory}/out\" }", route: "match: { message: { equals: taken } }, ")
        let bridge = try await BridgeProcess.start(yaml)
        try await Self.post(["not taken", "nor this"], to: bridge)
        try await Self.post(["taken"], to: bridge)
        try await eventually("it has arrived") { try Self.messages(bridge) == ["taken"] }
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a stop leaves the backlog of an unreachable peer in the log, and ends at once`() async throws {
        let port = try LastingPort()
        let yaml = Self.yaml(sinks: "away: { type: webhook, url: \"http://127.0.0.1:\(port.number)/\", required: false }")
        let bridge = try await BridgeProcess.start(yaml)
        try await Self.post(["a", "b"], to: bridge)
        let started = ContinuousClock.now
        #expect(try await bridge.stop() == .exited(0))
        #expect(ContinuousClock.now - started < .seconds(15), "the drain of 20 s is not waited for")
        #expect(bridge.process.standardError.contains("Stopped; the log keeps the undelivered events undelivered=2"))
        #expect(access(bridge.directory.file("events.db-wal"), F_OK) != 0, "everything is in the one file")
    }

    @Test func `a stream continues after a kill with its epoch, its ids and its history`() async throws {
        let yaml = Self.yaml(sinks: "demo: { type: sse, stream: demo }\nother: { type: sse, stream: 'at/{{ .message }}' }")
        var bridge = try await BridgeProcess.start(yaml)
        let client = try await bridge.stream("demo")
        let before = (0..<20).map { "before \($0)" }
        try await Self.post(before, to: bridge)
        try await eventually("all have arrived") { client.messages.count == 20 }
        var ids = client.messages.map(\.id)
        for round in 0..<3 {
            // What is published and not written yet would go out again, under new ids.
            try await Self.written("demo", 20 + round, bridge)
            try await Self.killed(bridge)
            bridge = try await BridgeProcess.start(yaml, directory: bridge.directory)
            let again = try await bridge.stream("demo", headers: [("Last-Event-ID", ids[9])])
            try await Self.post(["after \(round)"], to: bridge)
            let expected = Array(before[10...]) + (0...round).map { "after \($0)" }
            try await eventually("the rest has arrived, not \(again.events)") { again.messages.count >= expected.count }
            #expect(try ReceivedEvent.all(again.messages.map(\.data)).map(\.message) == expected)
            #expect(again.header("streambridge-gap") == nil)
            #expect(!again.events.contains { $0.type == "gap" })
            #expect(again.messages.prefix(10).map(\.id) == Array(ids[10..<20]))
            let new = try #require(again.messages.last?.id)
            #expect(!ids.contains(new), "no id stands for two events")
            ids.append(new)
        }
        let named = try await bridge.stream("at/before%207?since=earliest")
        try await eventually("streams that events name have their history too") { named.messages.count == 1 }
    }

    @Test func `an epoch is on disk before a client receives it`() async throws {
        let yaml = Self.yaml(sinks: "demo: { type: sse, stream: demo }")
        let first = try await BridgeProcess.start(yaml)
        let client = try await first.stream("demo")
        try await eventually("it knows where it stands") { client.count == 1 }
        try await Self.killed(first)
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        let again = try await second.stream("demo", headers: [("Last-Event-ID", client.events[0].id)])
        try await Self.post(["a"], to: second)
        try await eventually("it continues") { again.messages.count == 1 }
        #expect(again.header("streambridge-gap") == nil)
    }

    @Test func `a stream whose log has removed events reports a gap`() async throws {
        let yaml = Self.yaml(sinks: "demo: { type: sse, stream: demo, replay: { events: 5 } }")
        let first = try await BridgeProcess.start(yaml)
        let client = try await first.stream("demo")
        try await Self.post((0..<20).map(String.init), to: first)
        try await eventually("all have arrived") { client.messages.count == 20 }
        try await Self.written("demo", 20, first)
        try await Self.killed(first)
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        let again = try await second.stream("demo", headers: [("Last-Event-ID", client.messages[3].id)])
        try await eventually("what is left has arrived") { again.messages.count == 5 }
        #expect(again.events.first?.type == "gap")
        #expect(again.messages.map(\.id) == client.messages.suffix(5).map(\.id))
    }

    @Test func `dead letters are listed, shown, replayed and dropped`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404, body: "not here"))
        let bridge = try await BridgeProcess.start(Self.yaml(sinks: "hook: { type: webhook, url: \"\(server.url())\" }"))
        let file = bridge.directory.file("bridges.yaml")
        try await Self.post(["a", "b", "c"], to: bridge)
        func list() async throws -> [String] {
            try await BridgeProcess.command("dead-letters", "list", "-f", file).output.split(separator: "\n").map(String.init)
        }
        try await eventually("three are given up") { try await list().count == 3 }
        #expect(try await list()[0].hasSuffix("\tkept\thook\t1\thello\tthe server answered 404 Not Found: not here"))
        #expect(try await BridgeProcess.command("dead-letters", "list", "-f", file, "--sink", "none").output.isEmpty)
        let shown = try await BridgeProcess.command("dead-letters", "show", "2", "-f", file).output
        #expect(shown.hasPrefix(#"{"number":2,"time":""#))
        #expect(shown.contains(#"Z","state":"kept","reason""#))
        try await eventually("they are counted") { try await bridge.metric("streambridge_log_dead_letters") == 3 }
        #expect(shown.contains(#","reason":"the server answered 404 Not Found: not here","sink":"hook","route":"#))
        #expect(shown.contains(#","source":"in","subject":"hello","attempts":1,"event":{"id":""#))
        #expect(shown.contains(#""title":"hello","message":"b""#))
        #expect(try await BridgeProcess.command("dead-letters", "drop", "3", "-f", file).output == "1 dead letter dropped\n")
        server.answer(with: HTTPPeer.Answer(200))
        let before = server.count
        let replay = try await BridgeProcess.command("dead-letters", "replay", "--all", "-f", file)
        #expect(replay.output == "2 dead letters to be replayed\n")
        try await eventually("none is left") { try await list().isEmpty }
        #expect(try ReceivedEvent.all(server.requests.dropFirst(before).map(\.text)).map(\.message) == ["a", "b"])
        for action in ["show", "replay", "drop"] {
            let answer = try await BridgeProcess.command("dead-letters", action, "9", "8", "-f", file)
            #expect(answer.code == 1)
            #expect(answer.error == "dead letter 8: there is no such dead letter\ndead letter 9: there is no such dead letter\n")
        }
        for (arguments, complaint) in [
            (["replay"], "name dead letters by their numbers, or use --all or --sink NAME"),
            (["drop", "--all", "1"], "--all and numbers exclude each other"),
        ] {
            let answer = try await BridgeProcess.command(["dead-letters"] + arguments + ["-f", file])
            #expect(answer.code == 64)
            #expect(answer.error.contains(complaint))
        }
    }

    @Test func `a replay requested while the program was stopped happens at its start`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(404))
        let yaml = Self.yaml(sinks: "hook: { type: webhook, url: \"\(server.url())\" }")
        let first = try await BridgeProcess.start(yaml)
        try await Self.post(["a"], to: first)
        try await eventually("it is given up") { server.count == 1 }
        #expect(try await first.stop() == .exited(0))
        // The operator's shell need not have what the program gets.
        let unset = try first.directory.write(
            "service: { name: '${env:STREAMBRIDGE_IS_NOT_SET}' }\n" + yaml.replacing("{directory}", with: first.directory.path),
            to: "unset.yaml")
        #expect(try await BridgeProcess.command("dead-letters", "replay", "1", "-f", unset).code == 0)
        server.answer(with: HTTPPeer.Answer(200))
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        try await eventually("it is delivered") { server.count == 2 }
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `a log in memory has no dead letters`() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(
            """
            sources: { in: { type: webhook, id: a } }
            sinks: { out: { type: file, path: "-" } }
            routes: [{ to: out }]
            """, to: "bridges.yaml")
        let answer = try await BridgeProcess.command("dead-letters", "list", "-f", file)
        #expect(answer.output.contains("has no log on disk, so no dead letters are kept; write log: {kind: sqlite}"))
    }

    @Test func `dedupe works across a kill`() async throws {
        let yaml = Self.yaml(
            sinks: "file: { type: file, path: \"{directory}/out\" }", route: "dedupe: { key: '{{ .message }}', window: 1h }, ")
        let first = try await BridgeProcess.start(yaml)
        try await Self.post(["a", "b", "a"], to: first)
        try await eventually("two have arrived") { first.lines(of: "out").count == 2 }
        // The key is written with the mark of the sink.
        try await eventually("the key is on disk") {
            let keys = try SQLiteShell.query("SELECT count(*) FROM delivered_keys", in: first.directory.file("events.db"))
            return keys == "2"
        }
        try await Self.killed(first)
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        try await Self.post(["b", "c"], to: second)
        try await eventually("the new one has arrived") { try Self.messages(second).last == "c" }
        #expect(second.lines(of: "out").count == 3)
        #expect(try await second.metric("streambridge_events_deduplicated_total") >= 1)
    }

    @Test func `on a full disk nothing is answered, the program is not ready, and it resumes automatically`() async throws {
        let directory = try TemporaryDirectory()
        let disk = directory.file("disk")
        mkdir(disk, 0o755)
        guard mount("tmpfs", disk, "tmpfs", 0, "size=1m") == 0 else {
            print("skipped: only root may mount a small disk")
            return
        }
        defer { umount2(disk, Int32(MNT_DETACH)) }
        let yaml = Self.yaml(sinks: "file: { type: file, path: \"{directory}/out\" }", log: "\(disk)/events.db")
        let bridge = try await BridgeProcess.start(yaml, directory: directory)
        try await Self.post(["before"], to: bridge)
        try Self.fill("\(disk)/filler")
        // Larger than the journal, whose room is used again after a checkpoint.
        let refused = Task {
            try await bridge.post("/n/hello", ByteBuffer(string: String(repeating: "x", count: 300_000)), type: "text/plain")
                .status
        }
        try await eventually("it is not ready") { try await bridge.get("/readyz").status == 503 }
        #expect(try await bridge.get("/readyz").text.contains("cannot be written: the disk is full"))
        #expect(try Self.messages(bridge) == ["before"])
        unlink("\(disk)/filler")
        #expect(try await refused.value == 201, "it was accepted once there was room")
        try await eventually("it is ready") { try await bridge.get("/readyz").status == 200 }
        try await Self.post(["after"], to: bridge)
        try await eventually("all have arrived") { bridge.lines(of: "out").count == 3 }
        #expect(try await bridge.metric("streambridge_log_errors_total") > 0)
        #expect(try await bridge.stop() == .exited(0))
    }

    @Test func `a removed log is reported, nothing is answered, and the last line reports it`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml(sinks: "file: { type: file, path: \"{directory}/out\" }"))
        let path = bridge.directory.file("events.db")
        try await Self.post(["before"], to: bridge)
        rename(path, path + ".away")
        try await eventually("it is not ready") { try await bridge.get("/readyz").status == 503 }
        #expect(try await bridge.get("/readyz").text.contains("was removed, replaced or emptied while the program runs"))
        let waiting = Task { try await bridge.post("/n/hello", ByteBuffer(string: "meanwhile"), type: "text/plain").status }
        rename(path + ".away", path)
        #expect(try await waiting.value == 201)
        try await eventually("it is ready") { try await bridge.get("/readyz").status == 200 }
        try await eventually("both have arrived") { bridge.lines(of: "out").count == 2 }
        rename(path, path + ".away")
        try await eventually("it is not ready again") { try await bridge.get("/readyz").status == 503 }
        // Nothing is owed: both events are delivered.
        #expect(try await bridge.stop() == .exited(0))
        #expect(bridge.process.standardError.contains("Stopped; all events are delivered, but the log could not record that"))
    }

    @Test func `unreadable rows are skipped and reported, and the rest is delivered after a restart`() async throws {
        let server = try await HTTPPeer.start()
        server.answer(with: HTTPPeer.Answer(503))
        let yaml = Self.yaml(
            sinks: """
                away: { type: webhook, url: "\(server.url())", retry: { initial: 10ms, max: 100ms, attempts: 0 }, required: false }
                """
        )
        let first = try await BridgeProcess.start(yaml)
        try await Self.post(["one", "two"], to: first)
        let deep = String(repeating: #"{"a":"#, count: 510) + "{}" + String(repeating: "}", count: 510)
        #expect(try await first.post("/n/hello", ByteBuffer(string: deep), type: "application/json").status == 201)
        try await Self.post(["four"], to: first)
        #expect(try await first.stop() == .exited(0))
        _ = try SQLiteShell.query("UPDATE events SET event = 0 WHERE position = 2", in: first.directory.file("events.db"))
        server.answer(with: HTTPPeer.Answer(200))
        let before = server.count
        let second = try await BridgeProcess.start(yaml, directory: first.directory)
        try await eventually("the rest has arrived") { server.count == before + 3 }
        try await eventually("it is reported") { try await second.metric("streambridge_log_unreadable_total") == 1 }
        #expect(try await second.get("/readyz").status == 200)
        #expect(second.process.standardError.contains("Unreadable events in the log skipped"))
        #expect(try await second.stop() == .exited(0))
    }

    @Test func `an invalid log ends the program with the remedy`() async throws {
        let directory = try TemporaryDirectory()
        try directory.write(String(repeating: "no database", count: 100), to: "events.db")
        let file = try directory.write(
            """
            log: { kind: sqlite, path: \(directory.file("events.db")) }
            http: { listen: "127.0.0.1:0" }
            sources: { in: { type: webhook, id: a } }
            sinks: { out: { type: file, path: "-" } }
            routes: [{ to: out }]
            """, to: "bridges.yaml")
        let answer = try await BridgeProcess.command("run", file)
        #expect(answer.code == 1)
        #expect(answer.error.contains("is damaged (file is not a database); move it away to begin with an empty one"))
    }

    /// Waits until a sink's mark is on disk.
    private static func written(_ sink: String, _ position: Int, _ bridge: BridgeProcess) async throws {
        let path = bridge.directory.file("events.db")
        try await eventually("the mark of \(sink) is written") {
            try SQLiteShell.query("SELECT position FROM sinks WHERE name = \"\(sink)\"", in: path) == "\(position)"
        }
    }

    private static func fill(_ path: String) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        for size in [65_536, 4096, 1] {
            let chunk = [UInt8](repeating: 0, count: size)
            while write(descriptor, chunk, size) == size {}
        }
    }
}

extension Substring {
    fileprivate var trimmed: String { String(self.drop { $0 == " " }) }
}
