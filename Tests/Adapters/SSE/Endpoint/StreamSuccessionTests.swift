import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import SSEAdapter

/// A stream that a reload replaces: what its subscribers and its history become.
@Suite(.timeLimit(.minutes(1)))
struct StreamSuccessionTests {
    /// A sink that waits for its activation, as a reload makes it.
    private static func staged(
        _ stream: String, _ endpoint: EndpointFixture, _ change: (inout SSESinkConfiguration) -> Void = { _ in }
    ) throws -> SSESink {
        let own = endpoint.context
        let context = ComponentContext(
            name: own.name, logger: own.logger, eventLoopGroup: own.eventLoopGroup, bridge: own.bridge, cursors: own.cursors,
            metrics: own.metrics, shared: own.shared, isStaged: true)
        var configuration = try SSESinkConfiguration(stream: stream)
        configuration.drain = .zero
        change(&configuration)
        return try SSESink(variants: [configuration], context: context)
    }

    private static func messages(_ reader: StreamReader, _ count: Int) async throws -> [String] {
        var found: [String] = []
        while found.count < count, let block = try await reader.block() {
            if let start = block.firstRange(of: "\"message\":\"")?.upperBound {
                found.append(String(block[start...].prefix { $0 != "\"" }))
            }
        }
        return found
    }

    @Test func `a staged stream is not served before its activation`() async throws {
        try await EndpointFixture.run { endpoint in
            let next = try Self.staged("next", endpoint)
            #expect(try await endpoint.request("GET /api/stream/next").head.hasPrefix("HTTP/1.1 404"))
            next.activate(succeeding: nil)
            #expect(try await endpoint.request("GET /api/stream/next").head.hasPrefix("HTTP/1.1 200"))
            endpoint.hub.remove(next.stream)
        }
    }

    @Test func `a subscriber of the old stream stays until it closes, and resumes in the new one without a gap`() async throws {
        try await EndpointFixture.run { endpoint in
            let old = try await endpoint.open()
            try await endpoint.publish(["one", "two"])
            #expect(try await Self.messages(old, 2) == ["one", "two"])
            let next = try Self.staged("s", endpoint) { $0.heartbeat = .seconds(20) }
            next.activate(succeeding: endpoint.sink)
            #expect(endpoint.sink.stream.subscribers == 1, "the hand-over disconnects nobody")
            await endpoint.close()
            while try await old.block() != nil {}
            try await endpoint.publish([EndpointFixture.event("three")], to: next)
            let resumed = try await endpoint.open("?since=earliest")
            #expect(try await Self.messages(resumed, 3) == ["one", "two", "three"])
            #expect(!resumed.head.contains("Streambridge-Gap"))
            #expect(next.stream.subscribers == 1 && endpoint.sink.stream.subscribers == 0)
            await endpoint.hub.close(next.stream, within: .zero)
            endpoint.hub.remove(next.stream)
        }
    }

    @Test func `a stream of another name begins with an empty history`() async throws {
        try await EndpointFixture.run { endpoint in
            try await endpoint.publish(["one"])
            let next = try Self.staged("other", endpoint)
            next.activate(succeeding: endpoint.sink)
            #expect(endpoint.hub.allStreams.count == 1, "it takes the place of the old one")
            try await endpoint.publish([EndpointFixture.event("two")], to: next)
            let reader = try await endpoint.request("GET /api/stream/other?since=earliest")
            #expect(try await Self.messages(reader, 1) == ["two"])
            await endpoint.hub.close(next.stream, within: .zero)
            endpoint.hub.remove(next.stream)
        }
    }
}
