import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

/// The endpoint as Python's `requests` and `httpx` read it, line by line.
@Suite(.timeLimit(.minutes(3)))
struct PythonReaderTests {
    enum Library: String, CaseIterable, Sendable {
        case requests
        case httpx
    }

    @Test(arguments: Library.allCases)
    func `Python reads a compressed stream, and resumes by Last-Event-ID after each loss`(
        _ library: Library
    ) async throws {
        let bridge = try await Self.start()
        let log = RequestLog()
        let proxy = try TCPProxy(server: bridge.port) { log.add($0, $1) }
        let python = try Self.run(Self.events, library, proxy.port)
        try await Self.untilConnected(bridge, python)
        try await eventually("it knows where it stands") { python.standardError.contains("stands at") }
        // Before its first event.
        proxy.set(.refuse)
        proxy.cut()
        try await eventually("it is cut off") { python.standardError.contains("cut off") }
        let texts = (0..<60).map { "number \($0) \u{E4}" + ($0 % 2 == 0 ? "" : String(repeating: " many words", count: 60)) }
        try await Self.publish(texts[..<10], to: bridge)
        proxy.set(.forward)
        try await eventually("it has caught up, not \(Self.lines(python))") { Self.lines(python).count == 10 }
        try await Self.publish(texts[10..<30], to: bridge)
        proxy.cut()
        try await Self.publish(texts[30...], to: bridge)
        try await eventually("all have arrived, not \(Self.lines(python))") { Self.lines(python).count >= texts.count }
        try await Self.publish(["last"], to: bridge)
        try await eventually("the last has arrived, not \(Self.lines(python))") { Self.lines(python).last == "message|last" }
        #expect(Self.lines(python) == (texts + ["last"]).map { "message|\($0)" })
        #expect(python.standardError.contains("200 text/event-stream gzip\n"))
        #expect(log.values("Last-Event-ID").count == log.methods.count - 1)
    }

    @Test(arguments: Library.allCases)
    func `Python reads lines of JSON as they arrive, and resumes by their cursor`(_ library: Library) async throws {
        let bridge = try await Self.start()
        let first = try Self.run(Self.jsonLines, library, bridge.port)
        try await Self.untilConnected(bridge, first)
        let texts = ["plain \u{E4}", String(repeating: "many words ", count: 60), "short"]
        for (number, text) in texts.enumerated() {
            try await Self.publish([text], to: bridge)
            try await eventually("event \(number) has arrived, not \(Self.lines(first)) \(first.standardError)") {
                Self.lines(first).count == number + 2
            }
        }
        let lines = try Self.lines(first).map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        #expect(lines.map(\.event) == ["cursor", nil, nil, nil])
        #expect(lines.dropFirst().map(\.message) == texts)
        #expect(first.standardError == "200 application/x-ndjson gzip\n")
        let second = try Self.run(Self.jsonLines, library, bridge.port, lines[1].cursor)
        try await eventually("it has caught up, not \(Self.lines(second)) \(second.standardError)") {
            Self.lines(second).count == 3
        }
        #expect(Self.lines(second).suffix(2) == Self.lines(first).suffix(2))
        // A stream without a proper end would be an exception.
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await first.untilEnded() == .exited(0), "\(first.standardError)")
        #expect(try await second.untilEnded() == .exited(0), "\(second.standardError)")
    }

    @Test(arguments: Library.allCases)
    func `Python that polls gets each event once and in order, and waits when there is none`(_ library: Library) async throws {
        let bridge = try await Self.start()
        let texts = (0..<100).map { "number \($0)" }
        try await Self.publish(texts[..<10], to: bridge)
        let python = try Self.run(Self.polls, library, bridge.port)
        try await eventually("the past has arrived, not \(Self.lines(python)) \(python.standardError)") {
            Self.lines(python).count >= 10
        }
        try await Self.publish(texts[10...], to: bridge)
        try await eventually("all have arrived, not \(Self.lines(python)) \(python.standardError)") {
            Self.lines(python).filter { $0 != "nothing" }.count >= texts.count
        }
        let quiet = Self.lines(python).filter { $0 == "nothing" }.count
        try await eventually("a poll ends without events") { Self.lines(python).filter { $0 == "nothing" }.count > quiet }
        try await Self.publish(["last"], to: bridge)
        try await eventually("the last has arrived") { Self.lines(python).last == "last" }
        #expect(Self.lines(python).filter { $0 != "nothing" } == texts + ["last"])
    }

    // MARK: - Scripts

    /// Debian's, for which Debian's libraries are.
    private static let interpreter = "/usr/bin/python3"

    /// Gives the lines of a stream, by either library.
    private static let common = """
        import json, sys
        url, library, last_id = sys.argv[1:4]
        if library == "requests":
            import requests as library
            Lost = (library.exceptions.ConnectionError, library.exceptions.ChunkedEncodingError)

            def read(headers):
                with library.get(url, headers=headers, stream=True) as response:
                    report(response)
                    for line in response.iter_lines():
                        yield line.decode("utf-8")
        else:
            import httpx as library
            Lost = library.TransportError

            def read(headers):
                with library.stream("GET", url, headers=headers, timeout=None) as response:
                    report(response)
                    for line in response.iter_lines():
                        yield line.rstrip("\\n")

        def report(response):
            fields = response.headers
            print(response.status_code, fields["Content-Type"], fields.get("Content-Encoding"), file=sys.stderr, flush=True)

        """

    /// An event stream by the rules of httpx-sse, started again whenever it ends.
    private static let events =
        common + """
            data, kind = [], ""
            while True:
                headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
                if last_id:
                    headers["Last-Event-ID"] = last_id
                try:
                    for line in read(headers):
                        if not line:
                            if data or kind:
                                text = "\\n".join(data)
                                if kind == "":
                                    print("message|" + json.loads(text)["message"], flush=True)
                                elif kind == "cursor":
                                    print("stands at", last_id, file=sys.stderr, flush=True)
                                else:
                                    print(kind + "|" + text, flush=True)
                            data, kind = [], ""
                            continue
                        if line.startswith(":"):
                            continue
                        name, _, value = line.partition(":")
                        if value.startswith(" "):
                            value = value[1:]
                        if name == "event":
                            kind = value
                        elif name == "data":
                            data.append(value)
                        elif name == "id" and "\\0" not in value:
                            last_id = value
                except Lost as error:
                    print("cut off:", type(error).__name__, file=sys.stderr, flush=True)
                data, kind = [], ""
            """

    private static let jsonLines =
        common + """
            headers = {"Accept": "application/x-ndjson"}
            if last_id:
                headers["Last-Event-ID"] = last_id
            for line in read(headers):
                if line:
                    print(line, flush=True)
            """

    private static let polls =
        common + """
            while True:
                place = {"last_event_id": last_id} if last_id else {"since": "earliest"}
                answer = library.get(url, params={"poll": 1, "timeout": 1, **place}, timeout=30)
                answer.raise_for_status()
                body = answer.json()
                last_id = body["cursor"]
                for event in body["events"]:
                    print(event["message"], flush=True)
                if not body["events"]:
                    print("nothing", flush=True)
            """

    // MARK: - What all have in common

    /// What a line of JSON says.
    private struct Line: Decodable {
        let cursor: String
        let event: String?
        let message: String?
    }

    private static func start() async throws -> BridgeProcess {
        try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: sse, stream: demo, heartbeat: 5m, drain: 0s }
            routes:
              - { from: [in], to: [out] }
            """
        )
    }

    private static func run(_ script: String, _ library: Library, _ port: Int, _ id: String = "") throws -> ChildProcess {
        try ChildProcess(
            self.interpreter, ["-c", script, "http://127.0.0.1:\(port)/api/stream/demo", library.rawValue, id])
    }

    private static func untilConnected(_ bridge: BridgeProcess, _ python: ChildProcess) async throws {
        try await eventually("it is connected") {
            if let ending = python.ended { throw PeerError("Python ended with \(ending): \(python.standardError)") }
            return try await bridge.metric("streambridge_sse_subscribers") == 1 && python.standardError.hasPrefix("200")
        }
    }

    private static func publish(_ texts: some Sequence<String>, to bridge: BridgeProcess) async throws {
        for text in texts {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
        }
    }

    private static func lines(_ python: ChildProcess) -> [String] {
        python.standardOutput.split(separator: "\n").map(String.init)
    }
}
