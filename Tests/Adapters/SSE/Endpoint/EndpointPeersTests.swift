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
                await endpoint.hub.close(within: .seconds(5))
                let ending = try await curl.untilEnded()
                #expect(ending == .exited(0))
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
        let delivery = Delivery(event: event, variant: 0, route: "", attempts: 0, position: .start, ticket: 0)
        let batch = SSEBatch([delivery], epoch: "e", first: 1, offset: 0, time: Timestamp(milliseconds: 0))
        let block = String(buffer: batch.framed(.untilClose))
        let lines = block.utf8.split(omittingEmptySubsequences: false) { $0 == 10 || $0 == 13 }
        #expect(lines.count == 4)
        #expect(block.hasPrefix("id: e-1\ndata: {") && block.hasSuffix("}\n\n"))
    }

    @Test func `every batch can be read from each of its events, in both framings`() throws {
        let deliveries = (1...20).map {
            Delivery(
                event: EndpointFixture.event(String(repeating: "x", count: $0 * 7)), variant: 0, route: "", attempts: 0,
                position: .start, ticket: 0
            )
        }
        let batch = SSEBatch(deliveries[...], epoch: "e", first: 41, offset: 1000, time: Timestamp(milliseconds: 0))
        let whole = String(buffer: batch.framed(.untilClose))
        #expect(batch.startOffset == 1000 && batch.endOffset == 1000 + UInt64(whole.utf8.count) && batch.end == 61)
        for sequence in UInt64(41)...60 {
            let rest = String(buffer: batch.framed(.untilClose, from: sequence))
            #expect(rest.hasPrefix("id: e-\(sequence)\n") && whole.hasSuffix(rest))
            #expect(batch.offset(of: sequence) == batch.endOffset - UInt64(rest.utf8.count))
            let chunk = String(buffer: batch.framed(.chunked, from: sequence))
            #expect(chunk == String(rest.utf8.count, radix: 16) + "\r\n" + rest + "\r\n")
        }
    }
}
