import BridgeConfiguration
import BridgeCore
import Testing

/// Every mistake names its place and what to write, in one line.
struct YAMLMistakeTests {
    @Test(arguments: [
        ("a: [", "2:1: error: the file ends inside a '[' or '{' that is not closed"),
        ("a: { b: , c: , }\nd: }", "2:4: error: a value is missing here; put one that begins with a sign in quotes"),
        ("a: 1\nb: 2\na: 3", "3:1: error: duplicate key 'a'; keep one of them"),
        ("s:\n  a:\n    b: 1\n    c: 2\n    b: 3\n", "5:5: error: duplicate key 'b'; keep one of them"),
        (
            "sources:\n  a:\n    type: mqtt\n   url: x",
            "4:4: error: the line is indented by 3 spaces, which matches no line above (0, 2, 4); align it with its neighbours"
        ),
        (
            "a:\n  - b: 1\n    c: 2\n   d: 3",
            "4:4: error: the line is indented by 3 spaces, which matches no line above (0, 2, 4); align it with its neighbours"
        ),
        (
            "a:\n  type: mqtt\n    url: x",
            "3:5: error: the line is indented deeper than the key in line 2, which has a value already; align the two"
        ),
        ("  a: 1\nb: 2", "2:1: error: the line begins left of the first line of the file; align the keys at the top level"),
        ("a:\n\tb: 1", "2:1: error: the line is indented with a tab; YAML allows only spaces there"),
        (
            "a:\n  b: 1\n  - c: 2",
            "3:3: error: a list item ('- ') is among the keys of a mapping; remove the '- ', or indent the item below its key"
        ),
        (
            "a:\n  - b\n  c: 1",
            "3:3: error: a key is beside the list item in line 2; remove the '- ' there, or indent this line"
        ),
        (
            "http:\n  access:\n    - hook:\n        url: x\n    tokens: []",
            "5:5: error: a key is beside the list item in line 3; remove the '- ' there, or indent this line"
        ),
        (
            "set:\n  title: {{ .title }} is on",
            "2:10: error: a value with '{{' needs quotes, because YAML takes braces for a mapping"
        ),
        (
            "a: - b",
            "1:4: error: a list item cannot follow its key on the same line; begin it on the next line, or write [item, item]"
        ),
        ("a: { url: ${env:X} }", "1:11: error: ${…} inside {…} or […] needs quotes: \"${…}\""),
        ("a: [x, ${env:X}]", "1:8: error: ${…} inside {…} or […] needs quotes: \"${…}\""),
        ("a: { b: 'x', t: {{ .x | f }} y }", "1:17: error: {{ … }} inside {…} or […] needs quotes: \"{{ … }}\""),
        (
            "a:\n  body: \"{\"text\": 1}\"",
            "2:12: error: the quotes end before the value does; inside double quotes write \\\" for a quote, inside single quotes write ''"
        ),
        (
            "a: 'it's'",
            "1:8: error: the quotes end before the value does; inside double quotes write \\\" for a quote, inside single quotes write ''"
        ),
        ("a: \"b\nc: 1\n", "1:4: error: the quote that begins here is never closed"),
        ("a: p@ss: #1", "1:8: error: a value that holds ': ' needs quotes"),
        ("a: " + String(repeating: "[", count: 200), "1:131: error: values are nested deeper than 128 levels; nest fewer"),
        ("{ sources: {}, b: 1, b: 2 }", "1:22: error: duplicate key 'b'; keep one of them"),
        ("a: @pass", "1:4: error: a value cannot begin with '@'; put it in quotes"),
        ("a: `pass", "1:4: error: a value cannot begin with '`'; put it in quotes"),
        ("a: %pass", "1:4: error: a value cannot begin with '%'; put it in quotes"),
        ("a: *", "1:4: error: a value cannot begin with '*'; put it in quotes"),
        ("a: *nope", "1:4: error: no anchor with this name is defined above; a value that begins with '*' needs quotes"),
        ("a:\n  b: {c: 1\nd: 2", "2:6: error: the '{' in line 2 is not closed; add '}'"),
        ("a: [1 2, {b: 1} c]", "1:17: error: a ',' or ']' is missing before this"),
        ("a:\n  type:mqtt\n  url: x", "2:3: error: the space after the ':' is missing; write 'key: value'"),
        ("a:\n  key\n  b: 1", "2:3: error: 'key: value' is expected; the ': ' after the key is missing"),
        (
            "a: 1\n---\nb: 2",
            "2:1: error: a second document begins with this '---'; a file holds one, so remove the line or split the file"
        ),
        ("a: \"C:\\path\"", "1:7: error: '\\p' is not an escape; write \\\\ for a backslash, or use single quotes"),
        (
            "a: 1\nb: \u{1}",
            "2:4: error: the control character U+0001 is not allowed; remove it, or write it as an escape in double quotes"
        ),
    ])
    func `a mistake in the syntax is explained at its place`(text: String, expected: String) {
        #expect(mistakes(text) == ["bridges.yaml:\(expected)"])
    }

    @Test func `a password is not part of a message about its line`() {
        for line in [
            "password: hunter2: x", "password: @hunter2", "password: 'hunter2'x", "{ password: hunter2", "password: !x hunter2",
        ] {
            let found = mistakes("a:\n  \(line)\n")
            #expect(!found.isEmpty && found.allSatisfy { !$0.contains("hunter2") }, "\(found)")
        }
    }

    private let rest = "\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n"

    @Test func `a byte order mark and keys that begin with x- are not part of the file's keys`() throws {
        let plan = try load("\u{FEFF}x-note: { any: thing }\nsources: { in: { type: fake, url: x } }" + self.rest)
        #expect(plan.sources.map(\.name) == ["in"])
    }

    @Test func `a merge key adds the members that a mapping lacks`() throws {
        let plan = try load(
            """
            x-slow: &slow { on_gap: count, ack: received }
            x-base: &base { type: fake, url: here, ack: delivered }
            sources:
              one: { <<: *base, url: there }
              two: { <<: [*base, *slow], port: 2 }
            """ + self.rest)
        #expect(plan.sources.map(\.name) == ["one", "two"])
        #expect(plan.sources.map(\.acknowledge) == [.delivered, .delivered], "the first of several wins")
        #expect(plan.sources.map(\.emitsGaps) == [true, false])
    }

    @Test(arguments: [
        ("password: !secret broker", "the tag '!secret' is not supported; write ${env:NAME} or ${file:PATH} for a secret"),
        ("url: !!binary aGVyZQ==", "the tag '!!binary' is not supported; write ${env:NAME} or ${file:PATH} for a secret"),
        ("<<: text", "'<<' takes an alias of a mapping, such as *base, or a list of them"),
        ("url: {{ .x }}", "a value that begins with '{{' needs quotes, because YAML takes braces for a mapping"),
        ("url: ${HOST}", "'${HOST}' is not known; write ${env:HOST} for the environment variable"),
        ("-url: x", "the space after '-' is missing; write '- url'"),
        ("url: x\n    port: '8080'", "sources.in.port: must be a whole number; write it without quotes"),
        ("hostname: x", "unknown key 'hostname'; did you mean 'url'?"),
    ])
    func `YAML that cannot be meant is refused`(line: String, expected: String) {
        let found = mistakes("sources:\n  in:\n    type: fake\n    \(line)\n" + self.rest)
        #expect(found.contains { $0.hasSuffix(expected) }, "\(found)")
    }

    @Test func `a shell variable that stays as it is brings a warning`() throws {
        let plan = try load("sources: { in: { type: fake, url: $MQTT_URL } }" + self.rest)
        #expect(
            plan.warnings.map(\.message) == ["'$MQTT_URL' is used as written; write ${env:MQTT_URL} for the environment variable"]
        )
        #expect(try load("sources: { in: { type: fake, url: $price } }" + self.rest).warnings.isEmpty)
        #expect(try load("sources: { in: { type: fake, url: $$MQTT_URL } }" + self.rest).warnings.isEmpty)
    }

    @Test(arguments: [
        ("'mqtt://$HOST:1883'", "HOST"), ("prefix-$MQTT_USER", "MQTT_USER"), ("$USER@host", "USER"), ("a/$A1/b", "A1"),
    ])
    func `a shell variable within a text brings a warning too`(value: String, name: String) throws {
        let plan = try load("sources: { in: { type: fake, url: \(value) } }" + self.rest)
        #expect(
            plan.warnings.map(\.message) == [
                "'$\(name)' is used as written; write ${env:\(name)} for the environment variable, or $$\(name) for this text"
            ])
        #expect(plan.warnings.map(\.rule) == [.reference])
    }

    @Test(arguments: ["p$sword", "pa$SWORD", "x-$$HOST", "5$", "a $ B", "x-$Host", "'{{ $ENV.PATH }}-$HOST'", "$1X-$X"])
    func `a dollar sign that begins no shell variable brings no warning`(value: String) throws {
        #expect(try load("sources: { in: { type: fake, url: \(value) } }" + self.rest).warnings.isEmpty)
    }

    @Test(arguments: [
        ("hunter2 #1", true), ("hunter2   #1", true), ("hunter2 # the old one", false), ("'hunter2 #1'", false),
        ("hunter2#1", false),
    ])
    func `a comment that cuts a password brings a warning`(value: String, isCut: Bool) throws {
        let plan = try load("sources:\n  in:\n    type: fake\n    url: x\n    password: \(value)\n" + self.rest)
        #expect(
            plan.warnings.map(\.description)
                == (isCut
                    ? [
                        "bridges.yaml:5:15: warning: sources.in.password: '#' begins a comment here, so the value ends before it; put the value in quotes if the rest belongs to it"
                    ] : []))
    }

    @Test(arguments: [
        (
            "retry: [{ initial: 1s }]",
            "sources.in.retry: must be a mapping of keys to values; remove the '- ' in front of the keys"
        ),
        ("topics: { a: b }", "sources.in.topics: must be a list; write '- ' in front of each item"),
        ("topics: a", "sources.in.topics: must be a list; write it in brackets, such as [a, b]"),
        ("password: [a]", "sources.in.password: must be text; write one value, not a list"),
        ("initial: 1s", "sources.in: unknown key 'initial'; it belongs into 'retry'"),
    ])
    func `a value of another shape is refused with the remedy`(line: String, expected: String) {
        let found = mistakes("sources:\n  in:\n    type: fake\n    url: x\n    \(line)\n" + self.rest)
        #expect(found.count == 1 && found[0].hasSuffix("error: \(expected)"), "\(found)")
    }

    @Test func `aliases that multiply exponentially are refused`() {
        var lines = ["x-a: &a [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]"]
        let names = Array("abcdefghi")
        for (name, before) in zip(names.dropFirst(), names) {
            lines.append("x-\(name): &\(name) [\(Array(repeating: "*\(before)", count: 10).joined(separator: ", "))]")
        }
        lines.append("sources: { in: { type: fake, url: *i } }")
        let found = mistakes(lines.joined(separator: "\n") + self.rest)
        #expect(
            found.contains { $0.hasSuffix("the file has more than 1000000 values once its aliases are followed") }, "\(found)")
    }
}
