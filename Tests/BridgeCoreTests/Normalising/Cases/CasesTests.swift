import NIOCore
import Testing

@testable import BridgeCore

/// Cases of `normalise`: which one counts, and what is left to the automatic reading.
struct CasesTests {
    private static let zigbee = #"""
        {"cases": [
            {"match": {"subject": "zigbee2mqtt/bridge/devices"}, "drop": true},
            {"match": {"subject": "zigbee2mqtt/+/availability"}, "set": {
                "title": "{{ $segments[1] }} is {{ .payload.state }}",
                "priority": {"from": ".payload.state", "map": {"offline": 4}, "default": 2},
                "tags": ["zigbee2mqtt", "availability"]}},
            {"match": {"payload.smoke": true}, "set": {"priority": "urgent"}},
            {"set": {"message": {"fields": ".payload"}}}
        ]}
        """#

    @Test func `the first case that matches counts, and sets what it names`() throws {
        let event = try NormaliseSample.outcome(
            Self.zigbee, #"{"state":"offline"}"#, subject: "zigbee2mqtt/pump/availability"
        ).event
        #expect(event.title == "pump is offline")
        #expect(event.priority == 4)
        #expect(event.tags == ["zigbee2mqtt", "availability"])
        #expect(event.message == "offline")
        #expect(event.payload.map { String(buffer: $0) } == #"{"state":"offline"}"#)
        let back = try NormaliseSample.outcome(Self.zigbee, #"{"state":"online"}"#, subject: "zigbee2mqtt/pump/availability")
            .event
        #expect(back.priority == 2 && back.title == "pump is online")
        let smoke = try NormaliseSample.outcome(Self.zigbee, #"{"smoke":true,"battery":87}"#).event
        #expect(smoke.priority == 5 && smoke.title == "hall_motion" && smoke.tags.isEmpty)
        #expect(String(buffer: smoke.json).hasPrefix(#"{"id":"msg_"#))
        let state = try NormaliseSample.outcome(Self.zigbee, #"{"battery":87,"occupancy":true}"#).event
        #expect(state.title == "hall_motion" && state.message == "battery: 87, occupancy: true" && state.priority == nil)
    }

    @Test func `a message that a case drops is no event`() throws {
        let outcome = try NormaliseSample.outcome(Self.zigbee, "[]", subject: "zigbee2mqtt/bridge/devices")
        #expect(outcome.isNoise && outcome.failures.isEmpty)
        #expect(try !NormaliseSample.outcome(Self.zigbee, "[]", subject: "zigbee2mqtt/bridge/groups").isNoise)
    }

    @Test(arguments: [
        #"{"id":"msg_1","title":"T","message":"M","timestamp":"2026-01-15T10:00:00.000Z","payload":{"x": 1.50 }}"#,
        #"{"battery":87,"occupancy":true}"#, "plain text", #"["a"]"#,
    ])
    func `what no case matches is read as without cases`(body: String) throws {
        let cases = #"{"cases":[{"match":{"subject":"other"},"set":{"title":"x"}}]}"#
        let own = try NormaliseSample.outcome(cases, body, upstreamID: "up-1").event
        let plain = try NormaliseSample.outcome("{}", body, upstreamID: "up-1").event
        #expect(own.json == plain.json && own.raw == plain.raw && own.attributes == plain.attributes)
    }

    @Test func `keep-alives stay none, unless a case is for them`() throws {
        let cases = #"{"cases":[{"match":{"payload.a":1},"set":{"title":"x"}}]}"#
        let attributes = [(name: "sse-event", value: "ping")]
        #expect(try NormaliseSample.outcome(cases, #"{"a":2}"#, attributes: attributes).isNoise)
        #expect(try !NormaliseSample.outcome(cases, #"{"a":1}"#, attributes: attributes).isNoise)
    }

    @Test func `fields outside of cases are for every message, and a case wins over them`() throws {
        let both = #"""
            {"title": "{{ .payload.name }}!", "tags": "all",
             "cases": [{"match": {"payload.name": "pump"}, "set": {"title": "{{ .title }} 7"}}]}
            """#
        let pump = try NormaliseSample.outcome(both, #"{"name":"pump","message":"m"}"#).event
        #expect(pump.title == "pump 7" && pump.tags == ["all"])
        let lamp = try NormaliseSample.outcome(both, #"{"name":"lamp","message":"m"}"#).event
        #expect(lamp.title == "lamp!" && lamp.tags == ["all"])
    }

    @Test func `every field can be set and removed`() throws {
        let body = #"{"title":"T","message":"M","priority":4,"tags":["a"],"time":"2026-01-02T03:04:05Z","n":7}"#
        let set = try NormaliseSample.outcome(
            #"""
            {"cases": [{"set": {
                "title": "t{{ .payload.n }}", "message": {"from": ".payload.n"}, "priority": 1, "tags": "x, y",
                "timestamp": "2026-05-06T07:08:09Z", "id": "n-{{ .payload.n }}", "payload": {"json": {"n": "{{ .payload.n }}"}},
                "subject": "s/{{ $segments[1] }}"}}]}
            """#, body, upstreamID: "up"
        ).event
        #expect(set.title == "t7" && set.message == "7" && set.priority == 1 && set.tags == ["x", "y"] && set.id == "n-7")
        #expect(set.timestamp.description == "2026-05-06T07:08:09.000Z" && set.subject == "s/hall_motion")
        #expect(set.payload.map { String(buffer: $0) } == #"{"n":7}"#)
        let none = try NormaliseSample.outcome(
            #"""
            {"cases": [{"set": {"title": null, "message": null, "priority": null, "tags": null, "timestamp": null, "id": null,
                "payload": null, "subject": null}}]}
            """#, body, upstreamID: "up"
        ).event
        #expect(none.title == nil && none.message == "" && none.priority == nil && none.tags.isEmpty && none.payload == nil)
        #expect(none.timestamp == NormaliseSample.now && none.subject == "" && none.id.hasPrefix("msg_"))
        #expect(String(buffer: none.raw) == body)
    }

    @Test func `a template sees the id that the event gets`() throws {
        let event = try NormaliseSample.event(set: #"{"message":"{{ .id }}"}"#, "hello")
        #expect(event.message == event.id)
    }

    @Test func `a failure leaves the field as it is read automatically, with its place`() throws {
        let outcome = try NormaliseSample.outcome(
            #"""
            {"cases": [{"match": {"payload.x": 1}, "drop": true}, {"set": {
                "title": "{{ fail }}", "message": "fine", "priority": {"from": ".payload.state", "map": {"up": 1}},
                "timestamp": {"from": ".payload.state"}, "id": {"from": ".message"}}}]}
            """#, #"{"title":"T","state":"unknown","message":"a\u0001b"}"#, compiler: CountedLanguage())
        #expect(outcome.event.title == "T" && outcome.event.message == "fine" && outcome.event.id.hasPrefix("msg_"))
        #expect(
            outcome.failures.map { "\($0.field): \($0.reason)" } == [
                "cases[1].set.title: it failed",
                "cases[1].set.priority: 'unknown' is not in the map, which has no default",
                "cases[1].set.timestamp: 'unknown' is not a time, such as 2026-11-30T18:00:00Z or a number since 1970",
                "cases[1].set.id: 'a\u{1}b' is not an id that an event can have",
            ])
    }

    @Test func `only what is neither a path nor a table needs an evaluator`() throws {
        func evaluates(_ json: String) throws -> Bool {
            try decode(NormaliseSample.self, json, compiler: CountedLanguage()).settings.evaluates
        }
        #expect(try !evaluates(Self.zigbee))
        #expect(try !evaluates(#"{"cases":[{"set":{"title":{"join":["{{ .title }}",{"from":"$segments[0]"}]}}}]}"#))
        #expect(try !evaluates(#"{"root":".payload.a","split":".payload.b[0]","decode":"base64"}"#))
        #expect(try evaluates(#"{"cases":[{"set":{"title":{"from":"upper"}}}]}"#))
        #expect(try evaluates(#"{"cases":[{"set":{"payload":{"json":{"a":"{{ upper }}"}}}}]}"#))
    }

    @Test func `expressions of a batch are evaluated for the cases that count`() throws {
        let json = #"{"cases":[{"match":{"subject":"a"},"set":{"title":"{{ upper }}"}},{"set":{"message":{"from":"lower"}}}]}"#
        let settings = try decode(NormaliseSample.self, json, compiler: CountedLanguage()).settings
        let normaliser = Normaliser(source: "in", settings: settings, bridge: "b")
        let messages = ["a", "b", "a"].map { ReceivedMessage(subject: $0, body: ByteBuffer(string: "x")) }
        normaliser.begin(messages, now: NormaliseSample.now)
        let events = messages.enumerated().map {
            normaliser.event(from: $0.element, at: $0.offset, now: NormaliseSample.now).event
        }
        normaliser.endBatch()
        #expect(events.map(\.title) == ["upper of a", "b", "upper of a"])
        #expect(events.map(\.message) == ["x", "lower of b", "x"])
    }

    @Test(arguments: [
        (#"{"match":{"message":{"contains":"battery"}},"set":{"title":"x"}}"#, "x", "battery: 87, ok: true"),
        (#"{"set":{"title":"{{ .message }}"}}"#, "battery: 87, ok: true", "battery: 87, ok: true"),
        (#"{"set":{"title":{"from":".","default":"x"},"message":"y"}}"#, nil, "y"),
        (
            #"{"match":{"not":{"any":[{"message":"x"}]}},"set":{"message":{"from":".payload.absent"}}}"#, "pump",
            "battery: 87, ok: true"
        ),
        (#"{"set":{"message":{"from":".payload.absent"}}}"#, "pump", "battery: 87, ok: true"),
        (#"{"match":{"payload.battery":87},"set":{"message":null}}"#, "pump", ""),
    ])
    func `the automatic message is there for a case that reads it, and for one that does not set it`(
        json: String, title: String?, message: String
    ) throws {
        let event = try NormaliseSample.outcome(#"{"cases":[\#(json)]}"#, #"{"battery":87,"ok":true}"#, subject: "pump").event
        if let title { #expect(event.title == title) } else { #expect(event.title?.hasPrefix(#"{"id":"msg_"#) == true) }
        #expect(event.message == message)
    }

    @Test func `a large body is read like a small one`() throws {
        let padding = String(repeating: "x", count: 300 << 10)
        let event = try NormaliseSample.outcome(
            #"{"cases":[{"match":{"payload.n":7},"set":{"title":"n {{ .payload.n }}"}}]}"#, #"{"n":7,"padding":"\#(padding)"}"#
        ).event
        #expect(event.title == "n 7" && event.message.hasPrefix("n: 7, padding: xxx"))
    }
}
