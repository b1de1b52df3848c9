import NIOCore
import Testing

@testable import BridgeCore

/// The values of a structured body that are not templates.
struct JSONValueTests {
    private static func json(_ structure: String, _ event: Event = sampleEvent(), _ compiler: WordCompiler? = nil) throws
        -> String
    {
        let template = try decode(JSONTemplate.self, structure, compiler: compiler)
        let reader = EventReader()
        reader.load(event)
        return String(buffer: try template.render(reader))
    }

    private static let bare = sampleEvent(
        title: nil, message: "m", priority: nil, tags: [], payload: "{\"n\":1.50,\"none\":null}")

    @Test(arguments: [
        (#"{"a": {"from": ".priority"}}"#, "{}"),
        (#"[{"from": ".priority"}, {"from": ".tags"}, {"from": ".title"}, {"from": "$source"}]"#, #"["home"]"#),
        (#"[{"from": ".payload.n"}, {"from": ".payload.none", "default": "x"}]"#, #"[1.5,"x"]"#),
        (#"[{"from": ".priority", "map": {"5": 10}, "default": 5}]"#, "[5]"),
        (#"[{"from": ".priority", "map": {"5": 10}, "default": null}]"#, "[]"),
        (#"[{"when": ".title", "then": {"x": 1}}, {"when": ".tags", "then": 1, "else": [2]}]"#, "[[2]]"),
        (#"[{"join": ["{{ .title }}", {"from": ".message"}], "with": ": "}, {"join": ["{{ .title }}"]}]"#, #"["m"]"#),
    ])
    func `a value that the event lacks is left out or has a default`(structure: String, expected: String) throws {
        #expect(try Self.json(structure, Self.bare) == expected)
    }

    @Test(arguments: [
        #"{"from":"me@example.com"}"#, #"{"join":"x"}"#, #"{"required":["a"]}"#, #"{"when":"now"}"#, #"{"then":null}"#,
    ])
    func `a member of the same name is a member`(structure: String) throws {
        #expect(try Self.json(structure) == structure)
    }

    @Test(arguments: [
        (
            #"[{"from": ".priority"}, {"from": ".tags"}, {"from": ".tags", "with": "+"}]"#,
            #"[4,["Door","shed"],"Door+shed"]"#
        ),
        (
            #"[{"from": ".priority", "map": {"4": {"level": "high"}}}, {"from": ".title", "map": {"DOOR OPEN": true}}]"#,
            #"[{"level":"high"},true]"#
        ),
        (
            #"[{"from": ".tags", "map": {"door": "D", "SHED": "S"}}, {"from": ".timestamp", "as": "unix"}]"#,
            #"["D, S",1768471200]"#
        ),
        (#"[{"when": ".title", "then": {"t": "{{ .title }}"}, "else": 1}]"#, #"[{"t":"Door open"}]"#),
        (
            #"[{"from": ".title", "limit": 4}, {"from": ".title", "limit": 5, "ellipsis": "…"}, {"from": ".title", "limit": 9}]"#,
            #"["Door","Door…","Door open"]"#
        ),
        (
            #"[{"join": [{"from": ".title", "before": "<b>", "after": "</b>"}, {"from": "$subject"}], "limit": 12}]"#,
            #"["<b>Door open</b> ho"]"#
        ),
        (
            #"[{"join": ["{{ .title }}", "{{ .title }}"], "with": "\n", "replace": {"\n": "<br>", "o": "0"}}]"#,
            #"["D00r 0pen<br>D00r 0pen"]"#
        ),
    ])
    func `a value is looked up, joined, cut and escaped`(structure: String, expected: String) throws {
        #expect(try Self.json(structure) == expected)
    }

    @Test(arguments: [
        ("html", "a<b>&\"", 3, "a&lt;b"), ("mrkdwn", "a<b>&", 5, "a&lt;"), ("mrkdwn", "a<b>&", 4, "a"),
        ("markdown_v2", "a.b*c!", 4, #"a\\.b\\*"#), ("html", "e\u{301}e\u{301}", 3, "e\u{301}"),
    ])
    func `a limit cuts no escape and no character`(escape: String, message: String, limit: Int, expected: String) throws {
        let structure = #"[{"from": ".message", "escape": "\#(escape)", "limit": \#(limit)}]"#
        #expect(try Self.json(structure, sampleEvent(message: message)) == "[\"\(expected)\"]")
    }

    @Test func `bytes are those of UTF-8 as sent`() throws {
        let event = sampleEvent(message: "éé🔥&")
        for (limit, expected) in [(3, "é"), (4, "éé"), (7, "éé"), (8, "éé🔥"), (12, "éé🔥"), (13, "éé🔥&amp;")] {
            let structure = #"[{"from": ".message", "escape": "html", "limit_bytes": \#(limit)}]"#
            #expect(try Self.json(structure, event) == "[\"\(expected)\"]")
        }
    }

    @Test func `a value with structure is kept up to a limit, and then is a text`() throws {
        let event = sampleEvent(payload: #"{"text":"ü\"x","n":1}"#)
        func json(_ limit: Int) throws -> String {
            try Self.json(#"[{"from": ".payload", "as": "json", "limit_bytes": \#(limit), "ellipsis": "…"}]"#, event)
        }
        #expect(try json(22) == #"[{"text":"ü\"x","n":1}]"#)
        #expect(try json(21) == #"["{\"text\":\"ü\\\"x\",\"n…"]"#)
        #expect(try json(3) == #"["…"]"#)
        #expect(try Self.json(#"[{"from": ".payload.none", "as": "json", "default": 1}]"#, event) == "[1]")
    }

    @Test(arguments: ["map\": {\"a\": 1}", "with\": \"x\"", "escape\": \"html\"", "limit\": 3", "before\": \"x\""])
    func `what changes a text does not go with structure`(key: String) {
        let refusal = refusal(of: JSONTemplate.self, #"{"a": {"from": ".payload", "as": "json", "\#(key)}}"#)
        #expect(refusal.contains("changes a text, and as: json keeps the value as it is; leave one of them out"), "\(refusal)")
    }

    @Test(arguments: [
        (#"{"a": {"when": ".title", "thn": 1}}"#, "a.thn: unknown key 'thn'; did you mean 'then'?"),
        (#"{"a": {"when": ".title", "then": 1, "otherwise": 2}}"#, "a.otherwise: unknown key 'otherwise'"),
        (#"{"a": {"when": ".title"}}"#, "'then' is missing"),
        (#"{"a": {"join": [".x"], "with": ",", "limt": 3}}"#, "a.limt: unknown key 'limt'; did you mean 'limit'?"),
    ])
    func `an unknown key beside when or join is refused`(structure: String, message: String) {
        let refusal = refusal(of: JSONTemplate.self, structure)
        #expect(refusal.contains(message), "\(refusal)")
    }

    @Test func `a value may be jq`() throws {
        #expect(try Self.json(#"[{"from": "text:abc"}]"#, Self.bare, WordCompiler()) == #"[{"from":"text:abc"}]"#)
        #expect(try Self.json(#"[{"from": ".a:7", "default": 1}]"#, Self.bare, WordCompiler()) == "[7]")
    }

    @Test func `a value that no map has is a failure`() {
        #expect(throws: ExpressionError.self) { try Self.json(#"{"a": {"from": ".priority", "map": {"1": "low"}}}"#) }
        #expect(throws: ExpressionError.self) { try Self.json(#"{"a": {"from": ".title", "as": "unix"}}"#) }
    }

    @Test(arguments: [
        (#"{"a": {"from": ".priority", "mapp": {}}}"#, "a.mapp: unknown key 'mapp'; did you mean 'map'?"),
        (#"{"a": {"from": ".titel"}}"#, "no field 'titel'"),
        (#"{"a": {"from": ".title", "map": {"x": 1, "X": 2}}}"#, "two keys that differ only by case"),
        (#"{"a": {"from": ".title", "limit": 0}}"#, "a.limit"),
        (#"{"a": {"from": ".title", "replace": {"ab": "x"}}}"#, "'ab' is not a single character"),
        (#"{"a": {"join": [{"x": 1}]}}"#, "is a text, so a mapping or a list cannot be a part of it"),
        (
            #"{"a": {"from": ".title", "map": {"x": [1]}, "limit": 3}}"#,
            "is a text, so a mapping or a list cannot be a part of it"
        ),
        (#"{"a": {"required": "the topic"}}"#, "a: has no value; write the topic"),
        (#"{"a": {"when": ".title", "then": 1, "then_not": 2}}"#, "unknown key 'then_not'"),
    ])
    func `a mistake names its place`(structure: String, message: String) {
        #expect {
            try Self.json(structure)
        } throws: { error in
            "\(error)".contains(message)
        }
    }
}
