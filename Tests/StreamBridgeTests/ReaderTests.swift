import BridgeTesting
import NIOCore
import Testing

/// The endpoint as curl and Node read it.
@Suite(.timeLimit(.minutes(3)))
struct ReaderTests {
    @Test func `curl with HTTP/1.0 gets a body that ends with the connection`() async throws {
        let bridge = try await Self.start()
        let curl = try ChildProcess("curl", ["-sSN", "--http1.0", "-D", "-", Self.url(bridge)])
        try await Self.expectEvents(bridge) { Self.data(curl.standardOutput) }
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError)")
        let parts = curl.standardOutput.split(separator: "\r\n\r\n", maxSplits: 1)
        let head = try #require(parts.first).lowercased()
        #expect(head.hasPrefix("http/1.1 200") || head.hasPrefix("http/1.0 200"))
        #expect(!head.contains("transfer-encoding") && !head.contains("content-length"))
        #expect(parts.last?.hasPrefix(": connected\nretry: 50\nevent: cursor\nid: ") == true)
    }

    @Test(arguments: ["gzip", "zstd"])
    func `curl decodes each event of a compressed stream as it arrives, and its end is regular`(
        _ coding: String
    ) async throws {
        let bridge = try await Self.start()
        // Its own offer is everything it knows, of which the stream takes zstd.
        let offer = coding == "zstd" ? [] : ["-H", "Accept-Encoding: gzip, zstd;q=0"]
        let directory = try TemporaryDirectory()
        let curl = try ChildProcess(
            "curl", ["-sSN", "--compressed", "-D", directory.file("head")] + offer + [Self.url(bridge)])
        try await Self.expectEvents(bridge) { Self.data(curl.standardOutput) }
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await curl.untilEnded() == .exited(0), "\(curl.standardError)")
        let head = String(decoding: directory.read("head"), as: UTF8.self).lowercased()
        #expect(head.contains("content-encoding: \(coding)\r\n"))
        #expect(head.contains("transfer-encoding: chunked\r\n"))
        #expect(curl.standardOutput.hasPrefix(": connected\nretry: 50\nevent: cursor\nid: "))
        // The last `retry:` has arrived too.
        let lines = curl.standardOutput.split(separator: "\n")
        #expect(lines.dropLast(3).last?.hasPrefix("retry: ") == true)
        #expect(lines.dropLast(2).last == "event: cursor")
    }

    @Test func `Node's fetch decodes gzip as it arrives, and resumes by Last-Event-ID`() async throws {
        let bridge = try await Self.start()
        let script = """
            const [url, id] = process.argv.slice(1);
            const headers = { "Accept": "text/event-stream", "Accept-Encoding": "gzip" };
            if (id) headers["Last-Event-ID"] = id;
            const response = await fetch(url, { headers });
            console.error(response.status, response.headers.get("content-encoding"));
            let rest = "";
            for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
                const lines = (rest + chunk).split("\\n");
                rest = lines.pop();
                for (const line of lines) if (line) console.log(line);
            }
            """
        let first = try ChildProcess("node", ["--input-type=module", "-e", script, Self.url(bridge)])
        try await Self.expectEvents(bridge) { Self.data(first.standardOutput) }
        #expect(first.standardError == "200 gzip\n")
        let id = try #require(first.standardOutput.split(separator: "\n").first { $0.hasPrefix("id: ") }?.dropFirst(4))
        let second = try ChildProcess("node", ["--input-type=module", "-e", script, Self.url(bridge), String(id)])
        try await eventually("it has caught up, not \(second.standardOutput) \(second.standardError)") {
            Self.data(second.standardOutput).count == Self.texts.count
        }
        #expect(Self.data(second.standardOutput) == Self.data(first.standardOutput))
        // A trailer that is wrong would end them with an error.
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await first.untilEnded() == .exited(0), "\(first.standardError)")
        #expect(try await second.untilEnded() == .exited(0), "\(second.standardError)")
    }

    @Test(.enabled("Node 20.18 or later has EventSource") { try await Self.hasEventSource() })
    func `Node's EventSource that is disconnected twice receives each event once and in order`() async throws {
        let bridge = try await Self.start(reconnect: "3s")
        let log = RequestLog()
        let proxy = try TCPProxy(server: bridge.port) { log.add($0, $1) }
        // Its wait for the next connection does not keep Node alive.
        let script = """
            setInterval(() => {}, 60_000);
            const stream = new EventSource(process.argv[1]);
            for (const type of ["open", "error", "message", "cursor", "gap"])
                stream.addEventListener(type, (event) => console.log(type + "|" + event.lastEventId + "|" + (event.data ?? "")));
            """
        let node = try ChildProcess("node", ["--experimental-eventsource", "-e", script, Self.url(proxy.port)])
        func heard(_ type: String) -> [[Substring]] {
            node.standardOutput.split(separator: "\n")
                .map { $0.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false) }.filter { $0[0] == type }
        }
        try await eventually("it knows where it stands, not \(node.standardOutput) \(node.standardError)") {
            heard("cursor").count == 1
        }
        let texts = Self.texts + (0..<200).map { "number \($0)" }
        proxy.cut()
        try await Self.publish(texts[..<1], to: bridge)
        #expect(log.methods == ["GET"], "it is away")
        try await eventually("it has what it missed, not \(node.standardOutput) \(node.standardError)") {
            heard("message").count == 1
        }
        try await Self.publish(texts[1..<100], to: bridge)
        try await eventually("some have arrived") { heard("message").count > 80 }
        proxy.cut()
        try await Self.publish(texts[100...], to: bridge)
        try await eventually("all have arrived, not \(heard("message").count); \(node.standardError)") {
            heard("message").count >= texts.count
        }
        try await Self.publish(["last"], to: bridge)
        try await eventually("the last has arrived") { heard("message").last?[2].contains("\"last\"") == true }
        #expect(try ReceivedEvent.all(heard("message").map { String($0[2]) }).map(\.message) == texts + ["last"])
        #expect(heard("gap").isEmpty)
        let ids = log.values("Last-Event-ID")
        #expect(ids.count == 2 && ids.first == heard("cursor").first.map { String($0[1]) })
    }

    // MARK: - What both have in common

    /// Long enough to be compressed, and not.
    private static let texts = ["plain \u{E4}\u{1F600}", String(repeating: "many words ", count: 60), "short"]

    private static func hasEventSource() async throws -> Bool {
        try await ChildProcess("node", ["--experimental-eventsource", "-e", "EventSource"]).untilEnded() == .exited(0)
    }

    private static func start(reconnect: String = "50ms") async throws -> BridgeProcess {
        try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: sse, stream: demo, heartbeat: 5m, reconnect: \(reconnect), drain: 0s }
            routes:
              - { from: [in], to: [out] }
            """
        )
    }

    private static func url(_ bridge: BridgeProcess) -> String { self.url(bridge.port) }
    private static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)/api/stream/demo" }

    private static func publish(_ texts: some Sequence<String>, to bridge: BridgeProcess) async throws {
        for text in texts {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
    }

    /// Publishes one event after the other, each when the one before has arrived.
    private static func expectEvents(_ bridge: BridgeProcess, _ received: () -> [String]) async throws {
        try await eventually("it is connected") { try await bridge.metric("streambridge_sse_subscribers") == 1 }
        for (number, text) in self.texts.enumerated() {
            try await self.publish([text], to: bridge)
            try await eventually("event \(number) has arrived, not only \(received())") { received().count > number }
        }
        #expect(try ReceivedEvent.all(received()).map(\.message) == self.texts)
    }

    /// The text after each `data: `; control events have no space there.
    private static func data(_ output: String) -> [String] {
        output.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }
}
