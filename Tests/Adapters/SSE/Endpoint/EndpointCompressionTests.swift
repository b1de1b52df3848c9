import BridgeCore
import BridgeTesting
import Compression
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointCompressionTests {
    private static let long = String(repeating: "temperature ", count: 100)

    @Test(arguments: ["gzip", "zstd"]) func `curl decodes each event when it is written, and the end`(
        _ coding: String
    ) async throws {
        try await EndpointFixture.run { endpoint in
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s?since=earliest"
            try await endpoint.publish([Self.long])
            let arguments = ["-sSN", "--compressed", "-H", "Accept-Encoding: \(coding)", url]
            try await ChildProcess.with("curl", arguments) { curl in
                for (sequence, message) in ["short", Self.long, "end"].enumerated() {
                    try await eventually("curl has event \(sequence + 1)") {
                        curl.standardOutput.contains("-\(sequence + 1)\ndata: ")
                    }
                    try await endpoint.publish([message])
                }
                try await eventually("curl has the last event") { curl.standardOutput.hasSuffix("\"message\":\"end\"}\n\n") }
                await endpoint.close()
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0))
            }
        }
    }

    @Test(arguments: [
        ("Accept-Encoding: gzip\r\n", "gzip"), ("Accept-Encoding: gzip, zstd\r\n", "zstd"), ("", nil),
        ("Accept-Encoding: gzip;q=0\r\n", nil), ("Accept-Encoding: identity\r\n", nil), ("Accept-Encoding: br\r\n", nil),
    ]) func `an accepted coding is used and named`(_ headers: String, _ coding: String?) async throws {
        try await EndpointFixture.run { endpoint in
            let head = try await endpoint.open(headers: headers).head
            #expect(head.contains("Vary: Origin, Accept-Encoding\r\n"))
            #expect(head.contains("Content-Encoding: ") == (coding != nil))
            if let coding { #expect(head.contains("Content-Encoding: \(coding)\r\n")) }
            #expect(try await endpoint.open(headers: "Accept-Encoding: *;q=0\r\n").status == 406)
        }
        try await EndpointFixture.run({ $0.compression = false }) { endpoint in
            let head = try await endpoint.open(headers: headers).head
            #expect(!head.contains("Content-Encoding"))
        }
    }

    @Test func `Python and Node decode gzip as it comes`() async throws {
        try await EndpointFixture.run { endpoint in
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
            let python = """
                import requests, sys
                with requests.get(sys.argv[1], stream=True, headers={'Accept-Encoding': 'gzip'}) as answer:
                    assert answer.headers['Content-Encoding'] == 'gzip'
                    for line in answer.iter_lines():
                        if line.startswith(b'data: '): print(len(line), flush=True)
                """
            let node = """
                const answer = await fetch(process.argv[1], {headers: {'Accept-Encoding': 'gzip'}});
                if (answer.headers.get('content-encoding') !== 'gzip') process.exit(3);
                let text = '';
                for await (const part of answer.body) {
                  text += Buffer.from(part);
                  let end;
                  while ((end = text.indexOf('\\n')) >= 0) {
                    const line = text.slice(0, end); text = text.slice(end + 1);
                    if (line.startsWith('data: ')) console.log(line.length);
                  }
                }
                """
            for (program, arguments) in [
                ("python3", ["-c", python, url]), ("node", ["--input-type=module", "-e", node, url]),
            ] {
                try await ChildProcess.with(program, arguments) { reader in
                    try await endpoint.waitForSubscribers(1)
                    for count in 1...3 {
                        try await endpoint.publish([Self.long])
                        try await eventually("\(program) has \(count) lines") {
                            reader.standardOutput.split(separator: "\n").count == count
                        }
                    }
                    reader.kill()
                }
                try await endpoint.waitForSubscribers(0)
            }
        }
    }

    @Test func `Go with its defaults asks for gzip and has each event before the next is published`() async throws {
        let program = try await GoProgram.build(
            """
            package main

            import (
            	"bufio"
            	"fmt"
            	"net/http"
            	"os"
            	"strings"
            )

            func main() {
            	response, err := http.Get(os.Args[1])
            	if err != nil {
            		panic(err)
            	}
            	defer response.Body.Close()
            	fmt.Println("decodes:", response.Uncompressed)
            	scanner := bufio.NewScanner(response.Body)
            	for scanner.Scan() {
            		if line := scanner.Text(); strings.HasPrefix(line, "data: ") {
            			fmt.Println(len(line))
            		}
            	}
            	fmt.Println("end:", scanner.Err())
            }
            """
        )
        try await EndpointFixture.run { endpoint in
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
            try await ChildProcess.with(program.path, [url]) { reader in
                try await eventually("it has the head") { reader.standardOutput == "decodes: true\n" }
                // Stored as it is, compressed, and larger than the decoder's window.
                let texts = ["a", "b", Self.long, "c", String(repeating: Self.long, count: 40), "d"]
                for (index, text) in texts.enumerated() {
                    try await endpoint.publish([text])
                    try await eventually("Go has event \(index + 1), not only \(reader.standardOutput)") {
                        reader.standardOutput.split(separator: "\n").count == index + 2
                    }
                }
                await endpoint.close()
                try await eventually("the stream ends in order") { reader.standardOutput.hasSuffix("\nend: <nil>\n") }
            }
        }
    }

    @Test func `clients of one coding share the compressed bytes`() async throws {
        try await EndpointFixture.run { endpoint in
            _ = [
                try await endpoint.open(headers: "Accept-Encoding: gzip\r\n"),
                try await endpoint.open(headers: "Accept-Encoding: gzip, deflate\r\n"),
            ]
            #expect(endpoint.hub.views <= 1)
        }
    }
}
