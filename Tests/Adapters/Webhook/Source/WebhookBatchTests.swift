import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import WebhookAdapter

/// `batch`: bodies with several items, as several events or one.
struct WebhookBatchTests {
    private static func type(_ type: String) -> String { "Content-Type: \(type)\r\n" }

    @Test(arguments: [
        ("application/x-ndjson", "{\"message\":\"a\"}\n{\"message\":\"b\"}\n"),
        ("application/ndjson", "{\"message\":\"a\"}\r\n\r\n {\"message\":\"b\"}"),
        ("application/jsonl; charset=utf-8", "\u{FEFF}{\"message\":\"a\"}\n{\"message\":\"b\"}"),
        ("application/json-seq", "\u{1E}{\"message\":\"a\"}\n\u{1E}{\n\"message\":\n\"b\"}\n"),
        (
            "application/cloudevents-batch+json",
            #"[{"specversion":"1.0","id":"1","type":"t","source":"s","data":{"message":"a"}}, {"message":"b"}]"#
        ),
    ]) func `items that the type declares are events of their own`(type: String, body: String) async throws {
        try await WebhookFixture.run { hook in
            let answer = try await hook.post(body, to: "/n/h", headers: Self.type(type))
            #expect(answer.status == 201)
            try await eventually("both have arrived") { hook.sink.count == 2 }
            let events = hook.sink.events
            #expect(events.map(\.message) == ["a", "b"])
            let (first, second) = (events[0].id, events[1].id)
            #expect(
                answer.body
                    == #"{"id":"\#(first)","messageId":"\#(first)","ids":["\#(first)","\#(second)"],"status":"queued"}"#)
        }
    }

    @Test func `the elements of a list are events byte for byte where the file asks for it`() async throws {
        let items = [#"{"message":"a, ]} \" \\","n":1.0e2}"#, "[1,[2]]", #""t,]""#, "7", "null"]
        for type in [Self.type("application/json"), Self.type("text/plain"), ""] {
            try await WebhookFixture.run({ $0.batch = .split }) { hook in
                let body = "\n[ \(items.joined(separator: " ,\n")) ]"
                #expect(try await hook.post(body, headers: type).status == 200)
                try await eventually("all have arrived") { hook.sink.count == items.count }
                #expect(hook.sink.events.map { String(buffer: $0.raw) } == items)
                let single = try await hook.post(#"{"message":"single"}"#, headers: type)
                #expect(single.status == 200 && !single.body.contains("ids"))
            }
        }
    }

    @Test func `a list is one event unless the file asks for several, and is refused as application/json`() async throws {
        try await WebhookFixture.run { hook in
            #expect(try await hook.post(#"[{"message":"a"},{"message":"b"}]"#, headers: Self.type("text/plain")).status == 200)
            let refused = try await hook.post("[1]", headers: Self.type("application/json"))
            #expect(refused.status == 400 && refused.body == #"{"error":"JSON body must be an object"}"#)
            try await eventually("it has arrived") { hook.sink.count == 1 }
        }
    }

    @Test func `everything is one event where the file asks for it`() async throws {
        try await WebhookFixture.run({ $0.batch = .one }) { hook in
            #expect(try await hook.post("[1,2]", headers: Self.type("application/json")).status == 200)
            #expect(try await hook.post("{\"a\":1}\n{\"a\":2}", headers: Self.type("application/x-ndjson")).status == 200)
            for body in ["7", "\"text\"", ""] {
                let answer = try await hook.post(body, headers: Self.type("application/json"))
                #expect(answer.body == #"{"error":"JSON body must be an object or a list"}"#)
            }
            try await eventually("both have arrived") { hook.sink.count == 2 }
            #expect(hook.sink.events.map { String(buffer: $0.raw) } == ["[1,2]", "{\"a\":1}\n{\"a\":2}"])
        }
    }

    @Test(arguments: [
        ("application/x-ndjson", "{}\n\n{\"a\":\n", "Line 3 is not JSON"),
        ("application/json-seq", "\u{1E}{}\n\u{1E}{", "Record 2 is not JSON"),
        ("application/cloudevents-batch+json", "{}", "Body must be a JSON list"),
        ("application/cloudevents-batch+json", "[{}", "Body must be a JSON list"),
        ("application/json", "[{}", "Invalid JSON body"),
    ]) func `a body with a damaged item is refused as a whole`(type: String, body: String, reason: String) async throws {
        try await WebhookFixture.run({ $0.batch = .split }) { hook in
            let answer = try await hook.post(body, headers: Self.type(type))
            #expect(answer.status == 400 && answer.body == "{\"error\":\"\(reason)\"}")
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `the number of items is bounded`() async throws {
        let limit = WebhookItems.limit
        try await WebhookFixture.run({ $0.batch = .split }) { hook in
            let lines = String(repeating: "1\n", count: limit)
            let list = "[" + Array(repeating: "1", count: limit).joined(separator: ",")
            #expect(try await hook.post(lines, headers: Self.type("application/x-ndjson")).status == 200)
            #expect(try await hook.post(list + "]", headers: Self.type("application/json")).status == 200)
            try await eventually("all have arrived") { hook.sink.count == 2 * limit }
            for (body, type) in [(lines + "1", "application/x-ndjson"), (list + ",1]", "application/json")] {
                let answer = try await hook.post(body, headers: Self.type(type))
                #expect(answer.status == 413)
                #expect(answer.body == #"{"error":"Too many items in one request","limit":1000}"#)
            }
            #expect(hook.sink.count == 2 * limit)
        }
    }

    @Test(arguments: [("application/x-ndjson", ""), ("application/x-ndjson", "\n \r\n"), ("application/json", " [ ] ")])
    func `a body without items is accepted and makes no event`(type: String, body: String) async throws {
        try await WebhookFixture.run({ $0.batch = .split }) { hook in
            let answer = try await hook.post(body, headers: Self.type(type))
            #expect(answer.status == 200 && answer.body == #"{"ids":[],"status":"queued"}"#)
            #expect(hook.sink.count == 0)
        }
    }

    @Test(arguments: [AcknowledgePolicy.received, .delivered])
    func `an idempotency key counts for each item, and a repeat makes no event`(acknowledge: AcknowledgePolicy) async throws {
        try await WebhookFixture.run(acknowledge: acknowledge) { hook in
            let headers = Self.type("application/x-ndjson") + "Idempotency-Key: k\r\n"
            let answers = [
                try await hook.post("{\"message\":\"a\"}\n{\"message\":\"a\"}", headers: headers),
                try await hook.post("{\"message\":\"a\"}\n{\"message\":\"a\"}", headers: headers),
            ]
            #expect(answers[0].body == answers[1].body && answers[0].body.contains(#""ids":["k-1","k-2"]"#))
            try await eventually("both have arrived") { hook.sink.count == 2 }
            #expect(hook.sink.events.map(\.id) == ["k-1", "k-2"])
        }
    }

    @Test func `a batch is answered once all of its events are safe`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered, { $0.timeout = .milliseconds(1500) }) { hook in
            hook.sink.hold()
            let late = try await hook.post("1\n2", headers: Self.type("application/x-ndjson"))
            #expect(late.status == 503 && late.body == #"{"error":"Not confirmed in time"}"#)
            hook.sink.hold(false)
            #expect(try await hook.post("3\n4", headers: Self.type("application/x-ndjson")).status == 200)
            #expect(hook.sink.count == 4)
        }
    }

    @Test func `a batch in a loop is refused`() async throws {
        try await WebhookFixture.run { hook in
            let answer = try await hook.post("1\n2", headers: Self.type("application/x-ndjson") + "streambridge-hops: 8\r\n")
            #expect(answer.status == 508 && answer.body == #"{"error":"Loop detected"}"#)
        }
    }

    @Test func `a value other than split and one is refused`() {
        let error = #expect(throws: SettingError.self) { try WebhookFixture.configuration(#"{"id": "h", "batch": "all"}"#) }
        #expect(error?.description == "batch: 'all' is not one of split, one")
    }
}
