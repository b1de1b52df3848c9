import BridgeCore
import NIOCore
import Testing

@Suite struct ShapingTests {
    /// The one event that a route with this `set:` makes.
    private static func shape(_ set: String, _ event: Event, limits: EventLimits = EventLimits()) throws -> Event {
        let shaping = try decode(Shaping.self, set, compiler: WordCompiler())
        let table = RouteTable(routes: [Route(name: "r", shaping: shaping, targets: [.init(sink: 0)])], limits: limits)
        var failures: [ExpressionError] = []
        let routing = table.routing(of: event, reader: EventReader(), now: .now()) { failures.append($1) }
        if let failure = failures.first { throw failure }
        #expect(routing.plan.entries.map(\.shape) == [0])
        return try #require(routing.shaped.first)
    }

    private static let event = sampleEvent(
        payload: #"{"a":[1, 2],"s":"text","n":null,"p":"4.6"}"#, attributes: [("qos", "1")], raw: "raw")

    @Test func `title, message and subject are templates`() throws {
        let changed = try Self.shape(
            #"{"title": "{{ .title }}!", "message": "{{ .payload.s }} {{ number:2 }}", "subject": "out/{{ $segments[1] }}"}"#,
            Self.event
        )
        #expect(changed.title == "Door open!")
        #expect(changed.message == "text 2")
        #expect(changed.subject == "out/shed")
        #expect(String(buffer: changed.json).hasPrefix(#"{"id":"msg_1","title":"Door open!","message":"text 2","priority":4"#))
    }

    @Test func `fields that are not named stay unchanged`() throws {
        let changed = try Self.shape(#"{"title": "x"}"#, Self.event)
        #expect(
            changed.id == "msg_1" && changed.message == Self.event.message && changed.priority == 4
                && changed.tags == ["Door", "shed"])
        #expect(changed.timestamp == Self.event.timestamp && changed.source == "home" && changed.subject == Self.event.subject)
        #expect(changed.payload == Self.event.payload && changed.raw == Self.event.raw && changed.attributes["qos"] == "1")
        #expect(changed.kind == .message)
    }

    /// What libjq writes of values that are nested more than 256 levels deep.
    @Test func `a payload that an expression has cut short is refused`() throws {
        #expect(throws: ExpressionError.self) {
            try Self.shape(#"{"payload": "json:[[<stripped: exceeds max depth>]]"}"#, Self.event)
        }
        let changed = try Self.shape(#"{"payload": "json:[[1]]", "message": "{{ .payload.s }}"}"#, Self.event)
        #expect(changed.payload.map { String(buffer: $0) } == "[[1]]")
        #expect(changed.message == "text")
    }

    @Test func `an empty title removes the title, an empty subject changes nothing`() throws {
        let changed = try Self.shape(#"{"title": "{{ .payload.none }}", "subject": "{{ .payload.none }}"}"#, Self.event)
        #expect(changed.title == nil)
        #expect(changed.subject == Self.event.subject)
    }

    @Test func `control characters cannot get into a subject`() throws {
        #expect(
            try Self.shape("{\"subject\": \"a{{ text:x\\ny }}\"}", Self.event).subject.unicodeScalars.allSatisfy {
                $0.value >= 32
            })
    }

    @Test(arguments: [
        ("2", 2), (#""5""#, 5), (#""{{ .payload.p }}""#, 5), (#""{{ number:9 }}""#, 5), (#""{{ number:-2 }}""#, 1),
        (#""{{ number:2.4 }}""#, 2),
        (#""{{ .payload.none }}""#, nil), (#""high""#, 4), (#""loud{{ .payload.none }}""#, nil),
        (#""Ur{{ .payload.none }}gent""#, 5),
        (#""{{ null }}""#, nil),
    ])
    func `the priority is rounded and clamped`(setting: String, priority: Int?) throws {
        #expect(try Self.shape(#"{"priority": \#(setting)}"#, Self.event).priority == priority)
    }

    @Test(arguments: [
        (#"{"tags": ["x", "{{ .payload.s }}", "{{ .payload.none }}"]}"#, ["x", "text"]),
        (#"{"tags": "x, {{ .payload.s }} ,,y"}"#, ["x", "text", "y"]),
        (#"{"tags": []}"#, []), (#"{"tags": ""}"#, []), (#"{"add_tags": ["new", "shed"]}"#, ["Door", "shed", "new"]),
        (#"{"add_tags": "a,b"}"#, ["Door", "shed", "a", "b"]), (#"{"tags": ["x"], "add_tags": "y"}"#, ["x", "y"]),
        (#"{"tags": "{{ .tags }}", "add_tags": "z"}"#, ["Door", "shed", "z"]), (#"{"tags": "[x"}"#, ["[x"]),
    ])
    func `tags are set or added`(set: String, tags: [String]) throws {
        #expect(try Self.shape(set, Self.event).tags == tags)
    }

    @Test(arguments: [
        (".payload.a", "[1,2]"), (".payload.s", #""text""#), (".title", #""Door open""#), (".tags", #"["Door","shed"]"#),
        (".priority", "4"),
        ("json:{}", "{}"), ("number:1.5", "1.5"), ("true", "true"), ("text:a b", #""a b""#), ("$segments[0]", #""house""#),
    ])
    func `the payload is the result of its expression`(code: String, payload: String) throws {
        let changed = try Self.shape(#"{"payload": "\#(code)"}"#, Self.event)
        #expect(changed.payload.map { String(buffer: $0) } == payload)
        #expect(String(buffer: changed.json).hasSuffix(#","payload":\#(payload)}"#))
    }

    @Test(arguments: [".payload.none", ".payload.n", "null"])
    func `a payload of null counts as absent`(code: String) throws {
        #expect(try Self.shape(#"{"payload": "\#(code)"}"#, Self.event).payload == nil)
    }

    @Test func `a payload without a result is a failure`() {
        let error = #expect(throws: ExpressionError.self) { try Self.shape(#"{"payload": "empty"}"#, Self.event) }
        #expect(error?.message == "the expression of the payload has no result")
    }

    @Test func `limits hold for changed events`() throws {
        #expect(try Self.shape(#"{"title": "abcdef"}"#, Self.event, limits: EventLimits(title: 3)).title == "abc")
    }

    private static let known = "title, message, subject, priority, tags, add_tags, payload"

    @Test(arguments: [
        (#"{"titel": "a"}"#, "titel: unknown key 'titel'; did you mean 'title'?"),
        (#"{"prio": 3}"#, "prio: unknown key 'prio'; there are add_tags, message, payload, priority, subject, tags, title"),
        (#"{}"#, "set needs a key; use one of \(known)"),
        (#""x""#, "set is a mapping with keys of \(known)"),
        (#"{"priority": 6}"#, "priority: 6 is out of range; 1 to 5 is allowed"),
        (#"{"title": "{{ wrong }}"}"#, "title: in '{{ wrong }}': no such word"),
        (#"{"payload": "wrong"}"#, "payload: in 'wrong': no such word"),
        (#"{"payload": {"a": 1}}"#, "payload: payload must be a jq expression, such as '{value: .payload.temp}'"),
        (#"{"payload": " "}"#, "payload: ' ' is empty; write a path such as .title, or other jq"),
        (#"{"tags": ["{{ .x"]}"#, "tags.Index 0: '{{ .x' is not closed: the text ends before '}}'"),
    ])
    func `a field that cannot be set is refused`(set: String, message: String) {
        #expect(refusal(of: Shaping.self, set, compiler: WordCompiler()) == message)
    }
}
