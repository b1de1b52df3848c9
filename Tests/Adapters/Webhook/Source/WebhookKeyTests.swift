import BridgeCore
import BridgeTesting
import Testing

@testable import WebhookAdapter

/// `Idempotency-Key`: who sends the same request again is answered the same, and the event is carried once.
struct WebhookKeyTests {
    private static func key(_ text: String) -> String { "Idempotency-Key: \(text)\r\n" }

    @Test(arguments: [
        ("abc-1", "abc-1"), ("\"8e03978e-40d5\"", "8e03978e-40d5"), (#""a \"b\" \\c""#, #"a "b" \c"#), ("\"", "\""),
        ("\"open", "\"open"), ("", nil), ("\"\"", nil),
    ]) func `a key is bare text or a quoted string`(_ field: String, _ text: String?) {
        #expect(WebhookKey(field)?.text == text)
    }

    @Test(arguments: ["key-1", "\"key-1\"", "not (legal) as an id"])
    func `a repeated request is answered as the first and makes no event`(key: String) async throws {
        let headers = Self.key(key)
        let answers = try await WebhookFixture.run { hook in
            let first = try await hook.post("x", headers: headers)
            _ = try await hook.post("between")
            let second = try await hook.post("x", headers: headers)
            let other = try await hook.post("x", to: "/n/h", headers: headers)
            _ = try await hook.post("last")
            try await eventually("the last has arrived") { hook.sink.events.last?.message == "last" }
            #expect(hook.sink.events.map(\.message) == ["x", "between", "last"])
            #expect(hook.sink.events[0].id == first.member("id"))
            #expect(hook.metrics.render().contains(#"reason="repeated"} 2"#))
            return [first, second, other]
        }
        #expect(answers.map(\.status) == [200, 200, 201], "the path decides the status")
        #expect(Set(answers.map(\.body)).count == 1)
        let id = try #require(answers[0].member("id"))
        #expect(key.contains("key-1") ? id == "key-1" : id.hasPrefix("key_"))
    }

    @Test func `a key with another body, for another webhook or without a key is another event`() async throws {
        try await WebhookFixture.run { hook in
            for _ in 0..<2 {
                #expect(try await hook.post("one", headers: Self.key("k")).status == 200)
                #expect(try await hook.post("two", headers: Self.key("k")).status == 200)
                #expect(try await hook.post("one", to: "/n/h2", headers: Self.key("k")).status == 201)
                #expect(try await hook.post("one").status == 200)
                #expect(try await hook.post("one", headers: Self.key("\"\"")).status == 200)
            }
            try await eventually("all have arrived") { hook.sink.count == 7 }
            #expect(hook.sink.events.map(\.message) == ["one", "two", "one", "one", "one", "one", "one"])
        }
    }

    @Test func `a repeat of an event in flight waits until that is safe`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered) { hook in
            hook.sink.hold()
            var waiting: [RawConnection] = []
            for _ in 0..<3 {
                let connection = try RawConnection(port: hook.port)
                try await WebhookFixture.send("x", headers: Self.key("k"), on: connection)
                waiting.append(connection)
            }
            try await eventually("all have come") { hook.metrics.render().contains(#"reason="repeated"} 2"#) }
            #expect(!hook.metrics.render().contains(#"status="200"} 1"#), "nobody is answered before it is safe")
            hook.sink.hold(false)
            for connection in waiting { #expect(try await Answer.read(from: connection).member("id") == "k") }
            #expect(hook.sink.count == 1)
        }
    }

    @Test func `an event refused as a loop is refused again`() async throws {
        try await WebhookFixture.run { hook in
            for _ in 0..<2 {
                let answer = try await hook.post(
                    "x", headers: Self.key("k") + "streambridge-origin: b\r\nstreambridge-hops: 2\r\n")
                #expect(answer.status == 508)
            }
            #expect(hook.sink.count == 0)
        }
    }
}
