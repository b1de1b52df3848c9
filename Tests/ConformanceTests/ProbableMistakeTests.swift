import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Expressions
import StreamBridge
import Testing

/// What is legal in a file and surely not meant: the warning names it and says what to write.
struct ProbableMistakeTests {
    private static let source = "sources: { in: { type: webhook, id: in } }"
    private static let sink = "sinks: { out: { type: sse, stream: out } }"
    private static let route = "routes: [{ to: out }]"

    /// What is said about a file of these parts; the others are correct.
    private static func found(_ parts: [String], files: [String: String] = [:]) -> [String] {
        let names = parts.map { String($0.prefix { $0 != ":" }) }
        let rest = [Self.source, Self.sink, Self.route].filter { !names.contains(String($0.prefix { $0 != ":" })) }
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: [:],
            readFile: { _ in "secret" })
        do {
            let plan = try loader.load(text: (parts + rest).joined(separator: "\n") + "\n", file: "a.yaml")
            return plan.warnings.map { "\($0.path): \($0.message)" }
        } catch {
            return error.diagnostics.map { "\($0.path): \($0.message)" }
        }
    }

    @Test(arguments: [
        (".topic == \"a\"", "an event has no field 'topic'; write $subject"),
        (".subject == \"a\"", "an event has no field 'subject'; write $subject"),
        (
            ".temperature > 20",
            "an event has no field 'temperature'; what a message contains is in the payload, so write .payload.temperature"
        ),
        (".messsage == \"x\"", "an event has no field 'messsage'; did you mean '.message'?"),
        ("\"payload.a > 20\"", "is a text, which always holds; remove the inner quotes"),
        ("20", "is a number, which always holds; write a comparison such as .priority >= 4"),
        ("$attributes.retained == true", "attributes are texts; write $attributes.retained == \"true\""),
        (".priority == \"high\"", "a priority is a number from 1 to 5; write it without quotes"),
        (
            ".payload.temp > \"20\"",
            "\"20\" is a text, and jq orders every text above every number; write 20 without quotes"
        ),
        ("not .payload.on", "'not' comes last in jq; write (.payload.on | not)"),
    ])
    func `a condition that never changes brings a warning`(condition: String, message: String) {
        #expect(Self.found(["routes: [{ to: out, when: '\(condition)' }]"]) == ["routes[0].when: \(message)"])
    }

    @Test(arguments: [
        ".payload.titel == 1", ".tags | any(.name == 1)", "any(.tags[]; . == \"a\")", "(.payload.a // .payload.b) > .priority",
        ".title | test(\".topic\")", ".payload[\"x.y\"] == \".foo\"", ".payload.a.b?.c > 1.5", "$attributes.qos == \"1\"",
        ".payload as {a: $x} | $x > 1", ".message == \"20\"", ".payload.a > \"b\"", ".. == 1", "(.payload.on | not)",
    ])
    func `a condition that may be meant brings none`(condition: String) {
        #expect(Self.found(["routes: [{ to: out, when: '\(condition)' }]"]) == [])
    }

    @Test(arguments: [
        ("set: { title: .payload.name }", "set.title: is used as written; write \"{{ .payload.name }}\""),
        ("set: { title: '{{ .titel | ascii_upcase }}' }", "set.title: an event has no field 'titel'; did you mean '.title'?"),
        ("set: { title: 'on {topic}' }", "set.title: '{topic}' is used as written; write \"{{ $subject }}\""),
        ("set: { title: 'on %message%' }", "set.title: '%message%' is used as written; write \"{{ .message }}\""),
        ("set: { title: 'on $subject' }", "set.title: '$subject' is used as written; write \"{{ $subject }}\""),
        (
            "set: { title: '{% if x %}' }",
            "set.title: '{% … %}' is used as written; write jq between braces, such as \"{{ .title }}\""
        ),
        ("match: { title: '/^Door/' }", "match.title: '/^Door/' is compared as a whole; write { regex: '^Door' }"),
        ("match: { message: 'Door*' }", "match.message: 'Door*' is compared as a whole; write { starts_with: 'Door' }"),
        ("match: { title: '*Door*' }", "match.title: '*Door*' is compared as a whole; write { contains: 'Door' }"),
        ("dedupe: { key: title }", "dedupe.key: 'title' is the same for every event; write a template such as '{{ .title }}'"),
    ])
    func `a text that another program would replace brings a warning`(setting: String, message: String) {
        #expect(Self.found(["routes: [{ to: out, \(setting) }]"]) == ["routes[0].\(message)"])
    }

    @Test(arguments: [
        ("mqtt://h:8883", "8883 is the port of mqtts://; write that, or the port of mqtt://"),
        ("mqtts://h:1883", "1883 is the port of mqtt://; write that, or the port of mqtts://"),
        ("mqtt://h:1884", nil), ("mqtt://h", nil), ("mqtts://h:8883", nil), ("mqtts://[::1]:8883", nil), ("mqtts://h:443", nil),
        ("mqtt://h:80", nil),
    ])
    func `the port of another protocol brings a warning`(url: String, message: String?) {
        let found = Self.found(["sources: { in: { type: mqtt, url: '\(url)', subscribe: a } }"])
        #expect(found == (message.map { ["sources.in.url: \($0)"] } ?? []))
    }

    @Test(arguments: [
        ("redis://secret@h", "names a user without a password; a password alone is written redis://:PASSWORD@h"),
        ("redis://:secret@h", nil), ("redis://h:1883", "1883 is the port of mqtt://; write that, or the port of redis://"),
    ])
    func `a redis address that means something else brings a warning`(url: String, message: String?) {
        let found = Self.found(["sources: { in: { type: redis, url: '\(url)', channels: a } }"])
        #expect(found == (message.map { ["sources.in.url: \($0)"] } ?? []))
        #expect(!found.contains { $0.contains("secret") })
    }

    @Test(arguments: [
        ("url: 'https://ntfy.sh/CHANGE_ME'", "url: is a placeholder; write the real value"),
        ("url: 'https://h/', token: '<your token>'", "token: is a placeholder; write the real value"),
        ("url: 'https://h/', token: 'Bearer abc'", "token: the program writes 'Bearer' itself; leave it out"),
        (
            "url: 'http://localhost:8080/api/webhooks/in'",
            "url: events return to their source: this address is the source in of this program; each is dropped when it comes back, so write another address, or give the route a match"
        ),
        ("url: 'http://localhost:8080/api/webhooks/other'", nil), ("url: 'http://localhost:8081/api/webhooks/in'", nil),
        ("url: 'http://example.com:8080/n/in'", nil),
    ])
    func `a webhook sink that cannot work as meant brings a warning`(settings: String, message: String?) {
        let found = Self.found(["sinks: { out: { type: webhook, \(settings) } }"])
        #expect(found == (message.map { ["sinks.out.\($0)"] } ?? []))
    }

    @Test func `a source that reads the program's own stream brings a warning`() {
        let source = "sources: { in: { type: sse, url: 'http://127.0.0.1:8080/api/stream/out' } }"
        #expect(
            Self.found([source]) == [
                "sources.in.url: events return to their source: this address is the stream out of this program; each is dropped when it comes back, so read another address, or give the route a match"
            ])
        #expect(Self.found([source, "routes: [{ to: out, when: '.priority > 3' }]"]) == [])
    }

    @Test(arguments: [("127.0.0.1", "localhost"), ("localhost", "[::1]"), ("LOCALHOST", "127.0.0.1")])
    func `a loop through another name of this machine is found`(read: String, written: String) {
        let found = Self.found([
            "sources: { in: { type: redis, url: 'redis://\(read)', channels: a } }",
            "sinks: { out: { type: redis, url: 'redis://\(written):6379', channel: a } }",
        ])
        #expect(found.count == 1 && found[0].hasPrefix("sinks.out.channel: events return to their source: in reads"), "\(found)")
    }

    @Test(arguments: [
        ("anonymous: { subscribe: ['*'] }", "anonymous.subscribe[0]: no stream is called '*'; write '#' for all of them"),
        (
            "anonymous: { subscribe: [out, ouut], publish: [in] }",
            "anonymous.subscribe[1]: no stream is called 'ouut'; did you mean 'out'?"
        ),
        (
            "anonymous: { publish: [alerts] }",
            "anonymous.publish[0]: no webhook is called 'alerts'; there are in"
        ),
        ("tokens: [{ token: abcdefgh12345678 }]", "tokens[0]: grants nothing; write 'subscribe', 'publish' or both"),
        ("anonymous: { subscribe: ['#'], publish: ['+'] }", nil),
        ("anonymous: { subscribe: ['$presence/', out], publish: ['$presence/', '#'] }", nil),
    ])
    func `a permission that reaches nothing brings a warning`(access: String, message: String?) {
        let found = Self.found(["http: { access: { \(access) } }"])
        #expect(found == (message.map { ["http.access.\($0)"] } ?? []))
    }

    @Test func `a permission for everything may be one for nothing yet`() {
        let sink = "sinks: { out: { type: file, path: /dev/null } }"
        #expect(Self.found([sink, "http: { access: { anonymous: { subscribe: ['#'] } } }"]) == [])
    }

    @Test(arguments: [
        "<b>your title</b>", "50 % off", "costs $5", ".gitignore changed", "replaced the menu", "%d items", "a {b} c",
    ])
    func `a text that only looks like another notation brings none`(title: String) {
        #expect(Self.found(["routes: [{ to: out, set: { title: '\(title)' } }]"]) == [])
    }

    @Test func `permissions are not judged where events choose the names of streams`() {
        let sink = "sinks: { out: { type: sse, stream: 'rooms-{{ .payload.room }}' } }"
        #expect(Self.found([sink, "http: { access: { anonymous: { subscribe: [rooms-hall] } } }"]) == [])
    }

    @Test(arguments: [
        (
            "sources: { in: { type: webhook, id: in, [token]: secret } }",
            "sources.in: a key must be a word; remove the brackets: token"
        ),
        (
            "sources: { in: { type: webhook, id: in }, [a, b]: { type: webhook, id: b } }",
            "sources: a key must be a word, and not a list or a mapping; write the word alone"
        ),
        ("[http]: {}", ": a key must be a word; remove the brackets: http"),
        ("sources: { in: { type: webhook, id: '${env: ID }' } }", "sources.in.id: '${env: ID }' has spaces; write ${env:ID}"),
        (
            "sources: !include a.yaml",
            "sources: the tag '!include' is not supported; write the key include: [FILE] at the top level, or ${file:PATH} for one value"
        ),
    ])
    func `a file of another form is refused with the remedy`(part: String, message: String) {
        #expect(Self.found([part]).contains(message), "\(Self.found([part]))")
    }

    @Test(arguments: [
        (
            "<<<<<<< HEAD\nsources: {}\n",
            "this is the mark of a merge conflict; keep one of the two versions and remove the marks"
        ),
        ("```yaml\nsources: {}\n", "this is the fence of a Markdown block; remove the line"),
        ("// a\nsources: {}\n", "a comment begins with '#'; write '#' in place of '//'"),
        ("version: 1\nc = 1\n", "this is TOML; YAML writes 'key: value' in place of 'key = value'"),
        ("[sources.in]\ntype = \"mqtt\"\nurl = \"x\"\n", "this is TOML; YAML writes 'key: value'"),
    ])
    func `another format is named`(text: String, message: String) {
        let found = Self.found([text])
        #expect(found.count == 1 && found[0].hasPrefix(": \(message)"), "\(found)")
    }
}
