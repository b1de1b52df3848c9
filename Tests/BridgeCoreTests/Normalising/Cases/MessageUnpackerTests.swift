import NIOCore
import Testing

@testable import BridgeCore

/// `decode`, `root` and `split`: what a message is packed in.
struct MessageUnpackerTests {
    private static func outcomes(_ json: String, _ body: String, upstreamID: String? = nil) throws -> [Normaliser.Outcome] {
        try NormaliseSample.outcomes(json, ByteBuffer(string: body), subject: "alerts", upstreamID: upstreamID)
    }

    @Test func `the root is read as the body, and the upstream body stays`() throws {
        let body = #"{"v":1,"body":{"name":"pump","msg":"it runs", "n": 1.50}}"#
        let event = try NormaliseSample.outcome(#"{"root":".payload.body"}"#, body).event
        #expect(event.title == "pump" && event.message == "it runs")
        #expect(event.payload.map { String(buffer: $0) } == #"{"name":"pump","msg":"it runs", "n": 1.50}"#)
        #expect(String(buffer: event.raw) == body)
    }

    @Test(arguments: [
        (#"{"root":".payload.a[1].b"}"#, #"{"a":[0,{"b":"x","b":"y"}]}"#, "y"),
        (#"{"root":".payload.a[-1]"}"#, #"{"a":[0,"last"]}"#, "last"),
        (#"{"root":".payload[\"a b\"]"}"#, #"{"a b":"spaced"}"#, "spaced"),
    ])
    func `a root may be deep`(json: String, body: String, expected: String) throws {
        let outcome = try NormaliseSample.outcome(json, body)
        #expect(outcome.event.message == expected && outcome.failures.isEmpty)
    }

    @Test func `a root that is not there is a failure, and the whole body is read`() throws {
        let outcome = try NormaliseSample.outcome(#"{"root":".payload.body"}"#, #"{"name":"pump","msg":"it runs"}"#)
        #expect(outcome.event.title == "pump")
        #expect(outcome.failures == [FieldFailure(field: "root", reason: "the payload has no such member")])
        #expect(try NormaliseSample.outcome(#"{"root":".payload.body"}"#, "text").failures.isEmpty)
    }

    @Test func `each item of a list becomes an event with an id of its own`() throws {
        let body = #"{"status":"firing","alerts":[{"name":"a","msg":"one"}, {"name":"b","msg":"two", "n": 1.0} ,"three"]}"#
        let events = try Self.outcomes(#"{"split":".payload.alerts"}"#, body, upstreamID: "up:1").map(\.event)
        #expect(events.map(\.title) == ["a", "b", "alerts"])
        #expect(events.map(\.message) == ["one", "two", "three"])
        #expect(events.map(\.id) == ["up%3A1-0", "up%3A1-1", "up%3A1-2"])
        #expect(String(buffer: events[1].raw) == #"{"name":"b","msg":"two", "n": 1.0}"#)
        let others = try Self.outcomes(#"{"split":".payload.alerts"}"#, body).map(\.event.id)
        #expect(Set(others).count == 3)
        let long = String(repeating: "x", count: 127)
        let first = try Self.outcomes(#"{"split":".payload.alerts"}"#, body, upstreamID: long).map(\.event.id)
        #expect(
            try Set(first).count == 3
                && first == Self.outcomes(#"{"split":".payload.alerts"}"#, body, upstreamID: long).map(\.event.id))
    }

    @Test func `cases see each item, and a body that is a list splits too`() throws {
        let json = #"""
            {"decode":["base64","json"],"root":".payload.data","split":".payload",
             "cases":[{"match":{"payload.n":2},"drop":true},{"set":{"title":"n {{ .payload.n }}"}}]}
            """#
        let inner = #"{"data":[{"n":1},{"n":2},{"n":3}]}"#
        let outcomes = try Self.outcomes(json, Base64.text(of: inner))
        #expect(outcomes.map(\.isNoise) == [false, true, false])
        #expect(outcomes[0].event.title == "n 1" && outcomes[2].event.title == "n 3")
    }

    @Test(arguments: [
        (#"{"a":1}"#, nil), (#"{"alerts":null}"#, nil), ("text", nil), (#"{"alerts":5}"#, "the value is not a list"),
        (#"{"alerts":{"a":1}}"#, "the value is not a list"),
    ])
    func `what has no list is one event`(body: String, failure: String?) throws {
        let outcomes = try Self.outcomes(#"{"split":".payload.alerts"}"#, body, upstreamID: "up")
        #expect(outcomes.count == 1 && outcomes[0].event.id == "up" && !outcomes[0].isNoise)
        #expect(outcomes[0].failures.map(\.reason) == (failure.map { [$0] } ?? []))
    }

    @Test func `a part that is packed is decoded, and then divided`() throws {
        let json = #"{"root":{"from":".payload.body","decode":["base64","json"]},"split":".payload"}"#
        let list = #"{"body":"\#(Base64.text(of: #"[{"name":"a","msg":"1"},{"name":"b","msg":"2"}]"#))","headers":{}}"#
        #expect(try Self.outcomes(json, list).map(\.event.title) == ["a", "b"])
        let one = try Self.outcomes(json, #"{"body":"\#(Base64.text(of: #"{"name":"a","msg":"1"}"#))"}"#)
        #expect(one.map(\.event.title) == ["a"] && one[0].failures.isEmpty)
        let text = #"{"root":{"from":".payload.Message","decode":"json"}}"#
        #expect(try Self.outcomes(text, #"{"Message":"\"{\\\"name\\\":\\\"a\\\"}\""}"#)[0].event.title == "a")
        let damaged = try Self.outcomes(json, #"{"body":"%"}"#)
        #expect(damaged.map(\.event.message) == ["%"])
        #expect(damaged[0].failures == [FieldFailure(field: "root", reason: "base64: the body is not base64")])
    }

    @Test(arguments: [
        (#"{"root":{"from":".payload.a"}}"#, "'decode' is missing"), (#"{"root":{"decode":"json"}}"#, "'from' is missing"),
        (#"{"root":{"from":".payload.a","decode":"x"}}"#, "root.decode: 'x' is not a way to decode"),
        (#"{"root":{"from":".title","decode":"json"}}"#, "root.from: '.title' is not a path in the payload"),
    ])
    func `a root that says too little is refused`(json: String, message: String) {
        #expect(NormaliseSample.refusal(json).contains(message), "\(NormaliseSample.refusal(json))")
    }

    @Test func `an empty list is no event, and a long one is kept as one`() throws {
        let empty = try Self.outcomes(#"{"split":".payload.alerts"}"#, #"{"alerts":[ ]}"#)
        #expect(empty.count == 1 && empty[0].isNoise)
        let items = (0...MessageUnpacker.mostParts).map { _ in "1" }.joined(separator: ",")
        let long = try Self.outcomes(#"{"split":".payload"}"#, "[\(items)]")
        #expect(long.count == 1 && !long[0].isNoise)
        #expect(long[0].failures.map(\.reason) == ["the list has more than 1000 items, and the message is kept as one"])
        #expect(try Self.outcomes(#"{"split":".payload"}"#, "[\(items.dropFirst(2))]").count == MessageUnpacker.mostParts)
    }
}
