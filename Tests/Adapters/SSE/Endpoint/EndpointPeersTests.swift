import BridgeCore
import BridgeTesting
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointPeersTests {
    @Test func `curl reads the stream as it is written`() async throws {
        try await EndpointFixture.run { endpoint in
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
            try await ChildProcess.with("curl", ["-sSN", "--http2", "--compressed", url]) { curl in
                try await endpoint.waitForSubscribers(1)
                try await endpoint.publish(["a", "b"])
                let epoch = endpoint.hub.epoch
                let expected =
                    ": connected\nretry: 2000\nevent: cursor\nid: \(epoch)-0\ndata:{\"cursor\":\"\(epoch)-0\"}\n\n"
                    + ["a", "b"].enumerated().map {
                        "id: \(epoch)-\($0 + 1)\ndata: {\"id\":\"m\",\"title\":\"\",\"message\":\"\($1)\"}\n\n"
                    }
                    .joined()
                try await eventually("curl has it all") { curl.standardOutput == expected }
                await endpoint.close()
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0))
            }
        }
    }

    @Test func `over HTTP 2 the stream is the same, without fields of a connection, and ends in order`() async throws {
        try await EndpointFixture.run { endpoint in
            let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
            try await ChildProcess.with("curl", ["-sSNi", "--http2-prior-knowledge", url]) { curl in
                try await endpoint.waitForSubscribers(1)
                try await endpoint.publish(["a"])
                let message = "id: \(endpoint.hub.epoch)-1\ndata: {\"id\":\"m\",\"title\":\"\",\"message\":\"a\"}\n\n"
                try await eventually("curl has it") { curl.standardOutput.hasSuffix(message) }
                let head = curl.standardOutput.lowercased()
                #expect(head.hasPrefix("http/2 200"))
                #expect(head.contains("content-type: text/event-stream\r\n"))
                #expect(head.contains("cache-control: no-store, no-transform\r\n"))
                #expect(!head.contains("connection:") && !head.contains("transfer-encoding"))
                await endpoint.close()
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0))
                #expect(endpoint.sink.stream.subscribers == 0)
            }
        }
    }

    @Test(arguments: ["--http1.1", "--http2"])
    func `over TLS an event larger than its channel holds is written once`(_ version: String) async throws {
        let files = try await Certificates.make()
        try await EndpointFixture.run(server: {
            $0.tls = .init(certificates: files.server, key: files.serverKey)
        }) { endpoint in
            let url = "https://localhost:\(endpoint.port)/api/stream/s"
            try await ChildProcess.with("curl", ["-sSN", version, "--cacert", files.authority, url]) { curl in
                try await eventually("the stream has begun") { curl.standardOutput.contains("event: cursor") }
                let large = String(repeating: "x", count: SSESocket.highWaterMark + 1)
                for _ in 1...3 { try await endpoint.publish([large]) }
                try await endpoint.publish(["the last"])
                try await eventually("curl has it all") { curl.standardOutput.contains("the last") }
                let ids = curl.standardOutput.split(separator: "\n").filter { $0.hasPrefix("id: ") }
                #expect(ids == (0...4).map { "id: \(endpoint.hub.epoch)-\($0)" })
            }
        }
    }

    @Test func `characters that some readers take for line ends are escaped, and nothing else changes`() {
        let pieces = [
            "\u{85}", "\u{2028}", "\u{2029}", "a", "\u{E4}", "\u{B0}", "\u{20AC}", "\u{2027}", "\u{202A}", "\u{2068}",
            "\u{1F600}",
        ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...12)).map { _ in pieces.randomElement() ?? "" }.joined()
            // As a publisher wrote it: such a text passes byte for byte.
            let json = ByteBuffer(string: "{\"id\":\"m\",\"message\":\"\(text)\"}")
            let event = Event(
                id: "m", title: nil, message: text, priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
                json: json, source: "in", subject: "x", attributes: Attributes(), raw: ByteBuffer())
            for format in [SSEFormat.events, .lines] {
                var buffer = ByteBuffer()
                format.write(SSEItem(event: event, sequence: 1), epoch: "e", into: &buffer)
                let written = String(buffer: buffer)
                let expected = text.unicodeScalars.map { scalar in
                    [0x85, 0x2028, 0x2029].contains(scalar.value)
                        ? "\\u" + String(repeating: "0", count: scalar.value < 256 ? 2 : 0) + String(scalar.value, radix: 16)
                        : String(scalar)
                }.joined()
                #expect(written.contains("\"message\":\"\(expected)\"}"))
                #expect(written.unicodeScalars.count { $0 == "\n" } == (format == .events ? 3 : 1))
            }
        }
    }

    @Test(arguments: ["\n", "\r", "\r\n", "\nid: evil\n", "\r\rdata: {}\r\r", "\u{0}", "\u{2028}", "\u{85}"])
    func `line breaks in an event never forge a field`(_ text: String) async throws {
        let payload = ByteBuffer(string: "{\"a\":\n1,\r\n\"b\":\r[2]}")
        let event = Event(
            id: "m", title: "T\(text)T", message: "a\(text)b", priority: 3, tags: ["x\(text)y"],
            timestamp: Timestamp(milliseconds: 0), payload: payload, source: "in", subject: "x", attributes: Attributes(),
            raw: ByteBuffer(), limits: EventLimits()
        )
        var buffer = ByteBuffer()
        SSEFormat.events.write(SSEItem(event: event, sequence: 1), epoch: "e", into: &buffer)
        let block = String(buffer: buffer)
        let lines = block.utf8.split(omittingEmptySubsequences: false) { $0 == 10 || $0 == 13 }
        #expect(lines.count == 4)
        #expect(block.hasPrefix("id: e-1\ndata: {") && block.hasSuffix("}\n\n"))
        // Readers that divide as Python's str.splitlines does see the same lines.
        #expect(!block.unicodeScalars.contains { [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029].contains($0.value) })
    }
}
