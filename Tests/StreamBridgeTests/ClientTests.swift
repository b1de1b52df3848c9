import BridgeTesting
import NIOCore
import Testing

/// The clients that the field's documentation shows, against the endpoint.
@Suite(.timeLimit(.minutes(2)))
struct ClientTests {
    private static let yaml = """
        sources:
          in: { type: webhook, id: hello }
        sinks:
          out: { type: sse, stream: demo, heartbeat: 1s }
        routes:
          - { from: [in], to: [out] }
        """

    /// The documented clients but for the browser's, unchanged: they take each line that begins with `data: `.
    enum Client: String, CaseIterable, Sendable {
        case curl, python, node, go

        /// - Parameter program: of ``go``.
        fileprivate func start(_ url: String, _ program: GoProgram?) throws -> ChildProcess {
            switch self {
            case .curl: try ChildProcess("curl", ["-N", url])
            case .python:
                try ChildProcess(
                    "python3",
                    [
                        "-c",
                        """
                        import json
                        import sys
                        import requests
                        response = requests.get(sys.argv[1], stream=True)
                        for line in response.iter_lines():
                            if line:
                                text = line.decode("utf-8")
                                if text.startswith("data: "):
                                    event = json.loads(text[6:])
                                    print(text if event["message"] and "title" in event else "incomplete", flush=True)
                        """, url,
                    ])
            case .node:
                try ChildProcess(
                    "node",
                    [
                        "--input-type=module", "-e",
                        """
                        const response = await fetch(process.argv[1]);
                        const reader = response.body.getReader();
                        const decoder = new TextDecoder();
                        let rest = "";
                        while (true) {
                            const { done, value } = await reader.read();
                            if (done) break;
                            const lines = (rest + decoder.decode(value, { stream: true })).split("\\n");
                            rest = lines.pop();
                            for (const line of lines) if (line.startsWith("data: ")) {
                                JSON.parse(line.slice(6));
                                console.log(line);
                            }
                        }
                        """, url,
                    ])
            case .go: try ChildProcess(program?.path ?? "", [url])
            }
        }
    }

    private static let goClient = """
        package main

        import (
        	"bufio"
        	"encoding/json"
        	"fmt"
        	"log"
        	"net/http"
        	"os"
        	"strings"
        )

        func main() {
        	response, err := http.Get(os.Args[1])
        	if err != nil {
        		log.Fatal(err)
        	}
        	defer response.Body.Close()
        	scanner := bufio.NewScanner(response.Body)
        	for scanner.Scan() {
        		line := scanner.Text()
        		if strings.HasPrefix(line, "data: ") {
        			var event map[string]any
        			if err := json.Unmarshal([]byte(line[6:]), &event); err != nil {
        				log.Fatal(err)
        			}
        			fmt.Println(line)
        		}
        	}
        	if err := scanner.Err(); err != nil {
        		log.Fatal(err)
        	}
        }
        """

    @Test(arguments: Client.allCases)
    func `a documented client receives each event before the next is posted, and nothing else`(_ client: Client) async throws {
        let program = client == .go ? try await GoProgram.build(Self.goClient) : nil
        let bridge = try await BridgeProcess.start(Self.yaml.replacing("heartbeat: 1s", with: "heartbeat: 200ms, drain: 0s"))
        let reader = try client.start("http://127.0.0.1:\(bridge.port)/api/stream/demo", program)
        try await eventually("it is connected") {
            if let ending = reader.ended { throw PeerError("it ended with \(ending): \(reader.standardError)") }
            return try await bridge.metric("streambridge_sse_subscribers") == 1
        }
        // Stored and compressed pieces, larger than the windows of decoders, and what some readers take for line ends.
        let texts = [
            "a", "b", String(repeating: "many words ", count: 60), "a\u{2028}b\u{2029}c\u{85}d",
            String((0..<900).map { "\($0 * $0) " }.joined().prefix(3900)),
            "end",
        ]
        for (number, text) in texts.enumerated() {
            #expect(try await bridge.post("/n/hello", ByteBuffer(string: text), type: "text/plain").status == 201)
            try await eventually("event \(number) has arrived, not \(reader.standardOutput.count) \(reader.standardError)") {
                Self.data(reader.standardOutput).count == number + 1
            }
        }
        #expect(try ReceivedEvent.all(Self.data(reader.standardOutput)).map(\.message) == texts)
        #expect(try await bridge.stop() == .exited(0))
        #expect(try await reader.untilEnded() == .exited(0), "\(reader.standardError)")
    }

    @Test func `curl shows every event as one data line`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let curl = try ChildProcess("curl", ["-sN", "http://127.0.0.1:\(bridge.port)/api/stream/demo"])
        try await eventually("curl is connected") { curl.standardOutput.contains("event: cursor") }
        try await Self.publish(to: bridge)
        try await eventually("both have arrived") { Self.data(curl.standardOutput).count == 2 }
        try Self.expectEvents(Self.data(curl.standardOutput))
    }

    @Test func `Python requests reads line by line`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let script = """
            import json, sys, requests
            response = requests.get(sys.argv[1], stream=True)
            print(response.headers.get("Content-Encoding"), file=sys.stderr, flush=True)
            for line in response.iter_lines():
                if line:
                    text = line.decode("utf-8")
                    if text.startswith("data: "):
                        event = json.loads(text[6:])
                        print(event["title"] + "|" + event["message"], flush=True)
            """
        let python = try ChildProcess("python3", ["-c", script, "http://127.0.0.1:\(bridge.port)/api/stream/demo"])
        try await eventually("it is connected") {
            if let ending = python.ended { throw PeerError("python ended with \(ending): \(python.standardError)") }
            return try await bridge.metric("streambridge_sse_subscribers") == 1
        }
        try await Self.publish(to: bridge)
        // iter_lines keeps a line until more has arrived; the heartbeat delivers it.
        try await eventually("both are printed, not \(python.standardOutput) \(python.standardError)") {
            python.standardOutput == "hello|plain \u{E4}\nDeploy Complete|v2.1.0 deployed\n"
        }
        // It requests gzip by itself, and decodes it as it arrives.
        #expect(python.standardError == "gzip\n")
    }

    @Test func `Node reads the stream of fetch line by line`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let script = """
            const response = await fetch(process.argv[1]);
            let rest = "";
            for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
                const lines = (rest + chunk).split("\\n");
                rest = lines.pop();
                for (const line of lines) if (line.startsWith("data: ")) {
                    const event = JSON.parse(line.slice(6));
                    console.log(event.title + "|" + event.message);
                }
            }
            """
        let node = try ChildProcess(
            "node", ["--input-type=module", "-e", script, "http://127.0.0.1:\(bridge.port)/api/stream/demo"]
        )
        try await eventually("it is connected") {
            if let ending = node.ended { throw PeerError("node ended with \(ending): \(node.standardError)") }
            return try await bridge.metric("streambridge_sse_subscribers") == 1
        }
        try await Self.publish(to: bridge)
        try await eventually("both are printed, not \(node.standardOutput) \(node.standardError)") {
            node.standardOutput == "hello|plain \u{E4}\nDeploy Complete|v2.1.0 deployed\n"
        }
    }

    @Test func `EventSource receives every event as a message, and resumes after a loss`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let first = try await bridge.stream("demo")
        try await Self.publish(to: bridge)
        try await eventually("both have arrived") { first.messages.count == 2 }
        try Self.expectEvents(first.messages.map(\.data))
        first.close()
        try await Self.publish(to: bridge)
        let second = try await bridge.stream("demo", headers: [("Last-Event-ID", first.messages[0].id)])
        try await eventually("the three after the first have arrived") { second.messages.count == 3 }
        #expect(second.messages[0] == first.messages[1])
        #expect(second.header("content-type")?.hasPrefix("text/event-stream") == true)
    }

    @Test func `a scanner with lines of 64 KiB sees every event`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml)
        let client = try await bridge.stream("demo")
        #expect(client.header("content-encoding") == nil)
        try await Self.publish(to: bridge)
        try await eventually("both have arrived") { client.naiveData.count == 2 }
        try Self.expectEvents(client.naiveData)
        #expect(client.body.split(separator: 10).allSatisfy { $0.count < 65_536 })
    }

    @Test func `a client filters by jq where permitted, and a failing expression passes nothing`() async throws {
        let bridge = try await BridgeProcess.start(Self.yaml.replacing("heartbeat: 1s", with: "heartbeat: 1s, expressions: true"))
        let some = try await bridge.stream("demo?when=.priority%3E2%20and%20(.tags%7Cindex(%22deploy%22))")
        let none = try await bridge.stream("demo?when=.title%7Ctonumber%3E2")
        let all = try await bridge.stream("demo?when=")
        try await Self.publish(to: bridge)
        try await eventually("all have arrived") { all.messages.count == 2 }
        try await eventually("one has arrived") { some.messages.count == 1 }
        #expect(try ReceivedEvent.all(some.messages.map(\.data)).map(\.title) == ["Deploy Complete"])
        try await eventually("the others get the cursor of the stream") { none.events.count { $0.type == "cursor" } > 1 }
        #expect(none.messages.isEmpty)
        let wrong = try await bridge.get("/api/stream/demo?when=.a%7C")
        #expect(wrong.status == 400)
        #expect(wrong.text.hasPrefix(#"{"error":"when: "#))
    }

    private static func publish(to bridge: BridgeProcess) async throws {
        #expect(try await bridge.post("/n/hello", ByteBuffer(string: "plain \u{E4}"), type: "text/plain").status == 201)
        let body = ByteBuffer(
            string: #"{"title":"Deploy Complete","message":"v2.1.0 deployed","priority":3,"tags":["deploy","production"]}"#
        )
        let answer = try await bridge.post("/api/webhooks/hello", body, type: "application/json")
        #expect(answer.status == 200)
        #expect(
            answer.text.contains("\"id\":\"") && answer.text.contains("\"messageId\":\"") && answer.text.contains("\"status\":\"")
        )
    }

    private static func expectEvents(_ data: [String]) throws {
        let events = try ReceivedEvent.all(data)
        #expect(events.map(\.message) == ["plain \u{E4}", "v2.1.0 deployed"])
        #expect(events.map(\.title) == ["hello", "Deploy Complete"])
        #expect(events[1].priority == 3)
        #expect(events[1].tags == ["deploy", "production"])
    }

    private static func data(_ output: String) -> [String] {
        output.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }
}
