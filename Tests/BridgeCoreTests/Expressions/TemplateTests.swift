import BridgeCore
import NIOCore
import Testing

@Suite struct TemplateTests {
    private static func render(
        _ text: String, _ event: Event, compiler: (any ExpressionCompiler)? = nil, escape: (String) -> String = { $0 }
    ) throws -> String {
        let reader = EventReader()
        reader.load(event, now: Timestamp(milliseconds: 1_768_471_200_500))
        return try Template(text, compiler: compiler).render(reader, escape: escape)
    }

    private static func error(_ text: String, compiler: (any ExpressionCompiler)? = nil) -> String {
        do {
            _ = try Template(text, compiler: compiler)
            return "accepted"
        } catch let error as ExpressionError {
            return "\(error.line ?? 0): \(error.message)"
        } catch {
            return "\(error)"
        }
    }

    private static let event = sampleEvent(
        payload: #"{"a":{"b":"x","c d":["p",{"q":2}]},"n":5,"whole":3.0,"f":0.5,"t":true,"z":null,"s":"say \"hi\""}"#,
        attributes: [("qos", "1"), ("content-type", "text/plain"), ("qos", "2")], raw: "raw body"
    )

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("{{ .title }}", "Door open"), ("{{.title}}", "Door open"),
        ("<{{ .message }}>", "<The door of the shed is open>"),
        ("{{ .id }}/{{ .priority }}", "msg_1/4"), ("{{ .tags }}", #"["Door","shed"]"#),
        ("{{ .tags[0] }}{{ .tags[-1] }}{{ .tags[2] }}", "Doorshed"),
        ("{{ .timestamp }}", "2026-01-15T10:00:00.000Z"), ("{{ .payload.a.b }}", "x"), (#"{{ .payload.a["c d"][0] }}"#, "p"),
        (#"{{ .payload.a."c d"[1].q }}"#, "2"), ("{{ .payload.a }}", #"{"b":"x","c d":["p",{"q":2}]}"#),
        ("{{ .payload.n }}", "5"),
        ("{{ .payload.whole }}", "3"), ("{{ .payload.f }}", "0.5"), ("{{ .payload.t }}", "true"), ("[{{ .payload.z }}]", "[]"),
        ("[{{ .payload.no.such[3] }}]", "[]"), ("{{ .payload.s }}", #"say "hi""#), ("{{ $subject }}", "house/shed/door"),
        ("{{ $source }}", "home"),
        ("{{ $segments[1] }}.{{ $segments[-1] }}.{{ $segments[7] }}{{ $segments[-7] }}", "shed.door."),
        ("{{ $segments }}", #"["house","shed","door"]"#),
        ("{{ $attributes.qos }}", "1"), (#"{{ $attributes["content-type"] }}"#, "text/plain"), ("[{{ $attributes.none }}]", "[]"),
        ("{{ $attributes }}", #"{"qos":"1","content-type":"text/plain"}"#), ("{{ $raw }}", "raw body"),
        ("{{ $now }}", "1768471200.5"),
        (#"{"a":{"b":"{{ .title }}"}}"#, #"{"a":{"b":"Door open"}}"#), ("}} {", "}} {"),
        ("[{{ .title.x }}{{ .tags.x }}{{ $segments.x }}]", "[]"),
    ])
    func `plain paths need no compiler`(text: String, result: String) throws {
        #expect(try Self.render(text, Self.event) == result)
    }

    @Test func `the dot is the whole event`() throws {
        #expect(try Self.render("{{ . }}", Self.event) == String(buffer: Self.event.json))
    }

    private static let bare = sampleEvent(title: nil, priority: nil, tags: [], payload: nil, subject: "")

    @Test func `missing values are empty`() throws {
        #expect(
            try Self.render("[{{ .title }}{{ .tags[0] }}{{ .payload }}{{ .payload.a }}{{ $segments[0] }}]", Self.bare) == "[]")
        #expect(try Self.render("{{ $segments }}{{ $attributes }}", Self.bare) == "[]{}")
    }

    @Test func `tags are always a list and the priority is always a number`() throws {
        #expect(try Self.render("{{ .tags }} {{ .priority }}", Self.bare) == "[] 3")
        let json = try Self.render("{{ input }}", Self.bare, compiler: InputCompiler())
        #expect(json.hasSuffix(#","priority":3,"tags":[]}"#))
        let tagged = sampleEvent(priority: nil, tags: ["a"])
        #expect(try Self.render("{{ .tags }} {{ .priority }}", tagged) == #"["a"] 3"#)
        #expect(
            try Self.render("{{ input }}", Self.event, compiler: InputCompiler()) == String(buffer: Self.event.json),
            "an event with both is seen as it is")
        #expect(try Self.render("{{ . }}", Self.bare) == String(buffer: Self.bare.json))
    }

    private static func address(_ text: String, _ event: Event) throws -> String {
        let reader = EventReader()
        reader.load(event)
        return try Template(text, compiler: WordCompiler()).renderAddress(reader) { $0.replacing("/", with: "_") }
    }

    @Test(arguments: [
        ("a/{{ .payload.device }}/set", ".payload.device"), ("{{.title}}", ".title"), ("a/{{ .payload.z }}", ".payload.z"),
        ("{{ $attributes.none }}", "$attributes.none"), ("a/{{ $segments[0] }}", "$segments[0]"), ("a/{{ null }}", "null"),
        ("a/{{ empty }}", "empty"), ("{{ .tags[0] }}/a", ".tags[0]"), ("{{ text:x }}{{ .payload.a.b.c }}", ".payload.a.b.c"),
    ])
    func `an address without one of its values is a failure that names it`(text: String, part: String) throws {
        let event = sampleEvent(title: nil, priority: nil, tags: [], payload: #"{"z":null,"a":{"b":1}}"#, subject: "")
        let error = #expect(throws: ExpressionError.self) { try Self.address(text, event) }
        #expect(error?.message == "{{ \(part) }} has no value in this event")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", ""), ("a/{{ text:x/y }}/{{ .priority }}", "a/x_y/3"), ("a{{ .payload.e }}", "a"),
        ("{{ false }}", "false"), ("{{ .payload.n }}", "0"),
    ])
    func `an address is rendered from values, including empty ones`(text: String, result: String) throws {
        #expect(try Self.address(text, sampleEvent(priority: nil, payload: #"{"e":"","n":0}"#)) == result)
    }

    @Test(arguments: [
        ("{{ {a:1}|.a }}", "{a:1}|.a"), (#"{{ "}}" }}"#, #""}}""#), ("{{ {a:{b:1}} }}x", "{a:{b:1}}x"), ("{{ {a:1}}}", "{a:1}"),
        (#"{{ "\("}}" | "\({})") }}" }}!"#, #""\("}}" | "\({})") }}"!"#), (#"{{ "\"}}" }}"#, #""\"}}""#),
        ("{{ .a[] # all }}", ".a[] # all"),
        ("{{ .a # }\n | .b }}", ".a # }\n | .b"), ("{{ [(1)] }}", "[(1)]"),
    ])
    func `a part ends at its own braces`(text: String, code: String) throws {
        #expect(try Self.render(text, Self.event, compiler: EchoCompiler()) == code)
    }

    @Test(arguments: [
        ("a {{ .title", "1: '{{ .title' is not closed: the text ends before '}}'"),
        ("{{ \"a }}", "1: '{{ \"a }}' is not closed: a string in it is not closed"),
        ("{{ {a:1 }}", "1: unmatched '}' in '{{ {a:1 }}'"), ("{{ (1 }}", "1: unmatched '}' in '{{ (1 }}'"),
        ("{{ [1", "1: '{{ [1' is not closed: a '[' in it is not closed"),
        ("{{ (1", "1: '{{ (1' is not closed: a '(' in it is not closed"),
        ("{{ {", "1: '{{ {' is not closed: a '{' in it is not closed"), ("{{ 1) }}", "1: unmatched ')' in '{{ 1) }}'"),
        ("\n{{ }}", "2: '{{ }}' is empty; write a path such as .title, or other jq"),
        (
            "{{ .titel }}",
            "1: in '{{ .titel }}': an event has no field 'titel'; it has id, title, message, priority, tags, timestamp, payload"
        ),
        (
            "a\nb {{ .tags | length }}",
            "2: in '{{ .tags | length }}': this needs jq, which is not available here; plain paths such as .title work"
        ),
    ])
    func `an invalid template is refused`(text: String, message: String) {
        #expect(Self.error(text) == message)
    }

    @Test func `the compiler's message is forwarded with its line`() {
        #expect(Self.error("x\n{{ wrong }}", compiler: WordCompiler()) == "2: in '{{ wrong }}': no such word")
    }

    @Test func `a failing part throws`() throws {
        let error = #expect(throws: ExpressionError.self) { try Self.render("{{ fail }}", Self.event, compiler: WordCompiler()) }
        #expect(error?.message == "it failed")
    }

    @Test func `only values of the event are escaped`() throws {
        let escape: (String) -> String = { $0.replacing("/", with: "_") }
        #expect(
            try Self.render("a/{{ $subject }}/{{ text:b/c }}", Self.event, compiler: WordCompiler(), escape: escape)
                == "a/house_shed_door/b_c")
    }

    @Test func `decoding names the place`() throws {
        #expect(
            refusal(of: [String: Template].self, #"{"topic": "{{ .x }}"}"#).hasPrefix(
                "topic: in '{{ .x }}': an event has no field 'x'"))
        let template = try decode(Template.self, #""a/{{ .title }}""#)
        #expect(template.staticPrefix == "a/" && template.constant == nil && template.text == "a/{{ .title }}")
        #expect(try decode(Template.self, #""a""#).constant == "a")
    }
}

/// Yields the text that it was given.
private struct EchoCompiler: ExpressionCompiler {
    func compile(_ text: String) throws -> any Expression {
        Echo(text: String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()))
    }

    struct Echo: Expression {
        let text: String

        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue { .string(self.text) }
    }
}

/// Yields what expressions see as `.`.
private struct InputCompiler: ExpressionCompiler {
    func compile(_ text: String) throws -> any Expression { Input() }

    struct Input: Expression {
        func evaluate(_ input: ExpressionInput) throws -> ExpressionValue { .json(String(buffer: input.json)) }
    }
}
