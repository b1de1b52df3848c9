import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import WebhookAdapter

/// Requests whose events need expressions: they wait for the decision, and the loops serve others meanwhile.
@Suite(.timeLimit(.minutes(1)))
struct WebhookExpressionTests {
    private let language = GatedLanguage()

    private func run(
        acknowledge: AcknowledgePolicy = .delivered, _ change: (inout WebhookSourceConfiguration) -> Void = { _ in },
        _ body: (WebhookFixture) async throws -> Void
    ) async throws {
        try await WebhookFixture.run(acknowledge: acknowledge, when: try self.language.compile("true"), change, body)
    }

    @Test(arguments: [AcknowledgePolicy.received, .delivered])
    func `a request is answered with its id once its event is evaluated, and others are served`(
        acknowledge: AcknowledgePolicy
    ) async throws {
        try await self.run(acknowledge: acknowledge) { fixture in
            self.language.close()
            let connections = try (0..<12).map { _ in try RawConnection(port: fixture.port) }
            for (number, connection) in connections.enumerated() {
                try await WebhookFixture.send("\(number)", headers: "Idempotency-Key: key-\(number)\r\n", on: connection)
            }
            try await eventually("they are evaluated") { !self.language.exchanges.isEmpty }
            // On every loop.
            for _ in 0..<8 { #expect(try await fixture.post("x", to: "/api/webhooks/unknown").status == 404) }
            #expect(fixture.sink.events.isEmpty)
            self.language.open()
            for (number, connection) in connections.enumerated() {
                let answer = try await Answer.read(from: connection)
                #expect(answer.status == 200 && answer.member("id") == "key-\(number)")
            }
            try await eventually("all are delivered") { fixture.sink.events.count == 12 }
            // One that arrived before, and one that returns.
            #expect(try await fixture.post("3", headers: "Idempotency-Key: key-3\r\n").member("id") == "key-3")
            let provenance = "streambridge-origin: b\r\nstreambridge-hops: 2\r\n"
            #expect(try await fixture.post("x", headers: provenance).status == 508)
            #expect(fixture.sink.events.count == 12)
        }
    }

    @Test(arguments: [AcknowledgePolicy.received, .delivered])
    func `a batch is answered once all of its events are evaluated`(acknowledge: AcknowledgePolicy) async throws {
        try await self.run(acknowledge: acknowledge) { fixture in
            self.language.close()
            let connection = try RawConnection(port: fixture.port)
            let type = "Content-Type: application/x-ndjson\r\n"
            try await WebhookFixture.send("1\n2\n3", headers: type + "Idempotency-Key: k\r\n", on: connection)
            try await eventually("it is evaluated") { !self.language.exchanges.isEmpty }
            self.language.open()
            let answer = try await Answer.read(from: connection)
            #expect(answer.status == 200 && answer.body.contains(#""ids":["k-1","k-2","k-3"]"#))
            try await eventually("all are delivered") { fixture.sink.events.map(\.message) == ["1", "2", "3"] }
            let provenance = "streambridge-origin: b\r\nstreambridge-hops: 2\r\n"
            #expect(try await fixture.post("1\n2", headers: type + provenance).status == 508)
        }
    }

    @Test func `a request that is not evaluated in time is answered 503, and its event is delivered nevertheless`() async throws {
        try await self.run({ $0.timeout = .seconds(1) }) { fixture in
            self.language.close()
            let answer = try await fixture.post("late")
            #expect(answer.status == 503 && answer.head.contains("Retry-After"))
            self.language.open()
            try await eventually("it is delivered") { fixture.sink.events.map(\.message) == ["late"] }
            #expect(try await fixture.post("next").status == 200)
        }
    }

    @Test func `requests are refused while too many events wait for expressions`() async throws {
        try await self.run({ $0.maxBody = 4 << 20 }) { fixture in
            self.language.close()
            let body = String(repeating: "x", count: 3 << 20)
            let waiting = try (0..<3).map { _ in try RawConnection(port: fixture.port) }
            for connection in waiting { try await WebhookFixture.send(body, on: connection) }
            try await eventually("one more is refused") {
                // Only once the others have been read whole.
                guard fixture.bridge.pending == 3 else { return false }
                return try await fixture.post("x").status == 429
            }
            self.language.open()
            for connection in waiting { #expect(try await Answer.read(from: connection).status == 200) }
            try await eventually("there is room again") { try await fixture.post("x").status == 200 }
        }
    }

    @Test func `requests that wait for an evaluation at the end are answered`() async throws {
        try await self.run { fixture in
            self.language.close()
            let connection = try RawConnection(port: fixture.port)
            try await WebhookFixture.send("last", on: connection)
            try await eventually("it is evaluated") { !self.language.exchanges.isEmpty }
            fixture.stop()
            try await eventually("it takes no more") { try await fixture.post("x").status == 503 }
            self.language.open()
            #expect(try await Answer.read(from: connection).status == 200)
            #expect(fixture.sink.events.map(\.message) == ["last"])
        }
    }
}
