import BridgeTesting
import NIOCore
import Testing

/// The endpoint as the event stream libraries of Python read it, each used as its own documentation shows.
@Suite(.timeLimit(.minutes(3)))
struct ClientLibraryTests {
    enum Library: String, CaseIterable, Sendable {
        case httpxSSE = "httpx-sse"
        case sseclient
        case aiosseclient
        case launchDarkly = "launchdarkly-eventsource"

        /// Prints type, id and data of every message that the library makes; resumes after an id if there is one.
        fileprivate var script: String {
            let body =
                switch self {
                case .httpxSSE:
                    """
                    import httpx
                    from httpx_sse import connect_sse
                    with httpx.Client(timeout=None) as client:
                        headers = {"Last-Event-ID": last_id} if last_id else {}
                        with connect_sse(client, "GET", url, headers=headers) as source:
                            print(source.response.headers["Content-Encoding"], file=sys.stderr, flush=True)
                            for sse in source.iter_sse():
                                show(sse.event, sse.id, sse.data)
                    """
                case .sseclient:
                    """
                    from sseclient import SSEClient
                    for message in SSEClient(url, last_id=last_id or None):
                        show(message.event, message.id, message.data)
                    """
                case .aiosseclient:
                    """
                    import asyncio
                    from aiosseclient import aiosseclient

                    async def main():
                        async for event in aiosseclient(url, last_id=last_id or None):
                            show(event.event, event.id, event.data)

                    asyncio.run(main())
                    """
                case .launchDarkly:
                    """
                    from ld_eventsource import SSEClient
                    for event in SSEClient(url, last_event_id=last_id or None).events:
                        show(event.event, event.last_event_id, event.data)
                    """
                }
            return """
                import sys
                url, last_id = sys.argv[1:3]

                def show(kind, id, data):
                    print(kind, id, data, sep="|", flush=True)

                """ + body
        }
    }

    /// The last of these holds what Python's `splitlines` takes for line ends.
    private static let texts = ["plain", String(repeating: "many words ", count: 60), "a\u{2028}b\u{2029}c\u{85}d"]

    @Test(arguments: Library.allCases)
    func `a library makes a message of each event as it arrives, of nothing else, and resumes`(_ library: Library) async throws {
        let bridge = try await BridgeProcess.start(
            """
            sources:
              in: { type: webhook, id: hello }
            sinks:
              out: { type: sse, stream: demo, heartbeat: 200ms, drain: 0s }
            routes:
              - { from: [in], to: [out] }
            """
        )
        // sseclient reads ISO 8859-1, as requests says of text without a charset.
        let texts = Self.texts + (library == .sseclient ? [] : ["\u{E4}\u{1F600}"])
        let python = try Self.run(library, bridge, "")
        try await eventually("it is connected, not \(python.standardOutput) \(python.standardError)") {
            if let ending = python.ended { throw PeerError("Python ended with \(ending): \(python.standardError)") }
            return try await bridge.metric("streambridge_sse_subscribers") == 1
        }
        // As many heartbeats as come meanwhile; each client gets its own within as much time.
        let other = try RawConnection(port: bridge.port)
        try await other.send("GET /api/stream/demo HTTP/1.0\r\n\r\n")
        for _ in 0..<4 { _ = try await other.receive(through: "\n:\n") }
        for (number, text) in texts.enumerated() {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
            try await eventually("event \(number) has arrived, not \(python.standardOutput) \(python.standardError)") {
                Self.messages(python).count == number + 1
            }
        }
        #expect(try ReceivedEvent.all(Self.messages(python).map(\.data)).map(\.message) == texts)
        // What it offers by itself, with the decoder that it finds installed.
        if library == .httpxSSE { #expect(python.standardError == "zstd\n") }
        let shown = Self.shown(python)
        #expect(shown.allSatisfy { !$0.data.isEmpty })
        #expect(shown.filter { $0.kind != "message" }.allSatisfy { $0.kind == "cursor" })
        let resumed = try Self.run(library, bridge, Self.messages(python)[0].id)
        try await eventually("it has what it missed, not \(resumed.standardOutput) \(resumed.standardError)") {
            Self.messages(resumed).count == texts.count - 1
        }
        #expect(Self.messages(resumed).map(\.data) == Self.messages(python).dropFirst().map(\.data))
        #expect(Self.shown(resumed).allSatisfy { !$0.data.isEmpty })
    }

    private static func run(_ library: Library, _ bridge: BridgeProcess, _ id: String) throws -> ChildProcess {
        let url = "http://127.0.0.1:\(bridge.port)/api/stream/demo"
        return try ChildProcess(try PythonEnvironment.interpreter(), ["-c", library.script, url, id])
    }

    /// All that the library made a message of.
    private static func shown(_ python: ChildProcess) -> [(kind: String, id: String, data: String)] {
        python.standardOutput.split(separator: "\n").compactMap { line in
            let parts = line.split(separator: "|", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            // httpx-sse leaves the type of a plain message empty.
            return parts.count == 3 ? (parts[0].isEmpty ? "message" : parts[0], parts[1], parts[2]) : nil
        }
    }

    private static func messages(_ python: ChildProcess) -> [(kind: String, id: String, data: String)] {
        self.shown(python).filter { $0.kind == "message" }
    }
}
