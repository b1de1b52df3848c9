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
                    ": connected\n\nretry: 2000\n\nevent: cursor\nid: \(epoch)-0\ndata:\n\n"
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

    @Test func `S21: over HTTP 2 the stream is the same, without fields of a connection, and ends in order`() async throws {
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

    @Test(arguments: ["\n", "\r", "\r\n", "\nid: evil\n", "\r\rdata: {}\r\r", "\u{0}", "\u{2028}", "\u{85}"])
    func `S1, S3, S4: line breaks in an event never forge a field`(_ text: String) async throws {
        let payload = ByteBuffer(string: "{\"a\":\n1,\r\n\"b\":\r[2]}")
        let event = Event(
            id: "m", title: "T\(text)T", message: "a\(text)b", priority: 3, tags: ["x\(text)y"],
            timestamp: Timestamp(milliseconds: 0), payload: payload, source: "in", subject: "x", attributes: Attributes(),
            raw: ByteBuffer(), limits: EventLimits()
        )
        var buffer = ByteBuffer()
        SSEFormat.events.write(event, epoch: "e", sequence: 1, into: &buffer)
        let block = String(buffer: buffer)
        let lines = block.utf8.split(omittingEmptySubsequences: false) { $0 == 10 || $0 == 13 }
        #expect(lines.count == 4)
        #expect(block.hasPrefix("id: e-1\ndata: {") && block.hasSuffix("}\n\n"))
    }
}
