import NIOCore

@testable import BridgeCore
@testable import MQTTAdapter

extension FuzzTarget {
    /// Subject patterns: one by one and all at once in the trie they match the same.
    static let subjects = FuzzTarget(
        "subjects",
        seeds: [
            "a/+/b\u{0}a/x/b", "#\u{0}$SYS/a", "a*b?[c-d]\u{0}axbzc", "a/#\u{0}a", "*a*a*a*b\u{0}aaaaaaaaaaaaaa", "[^a-\u{0}b",
            "\\*\u{0}*", "+\u{0}",
        ],
        words: ["+", "#", "/", "*", "?", "[", "]", "^", "-", "\\", "$"]
    ) { bytes in
        let (pattern, subject) = FuzzInput(bytes).pair
        guard let matcher = try? SubjectPattern(pattern) else { return }
        let matches = matcher.matches(subject)
        if matcher.syntax == .exact {
            try FuzzFailure.unless(matches == pattern.utf8.elementsEqual(subject.utf8), "an exact pattern is not exact")
        }
        try FuzzFailure.unless(matcher.matches(subject) == matches, "the second look differs")
        var trie = SubjectTrie()
        trie.insert(matcher, value: 0)
        var found: [Int] = []
        _ = trie.collect(subject, into: &found)
        try FuzzFailure.unless(
            found.isEmpty != matches, "alone the pattern \(matches ? "takes" : "leaves") the subject, in the trie not")
    }

    /// Topic filters and what an event may make of a topic.
    static let topics = FuzzTarget(
        "topics", seeds: ["a/+/#\u{0}a/b/c", "$share/g/a\u{0}a", "+/+\u{0}/", "#\u{0}$SYS"],
        words: ["+", "#", "/", "$share/", "$SYS/", "//"]
    ) { bytes in
        let (filter, topic) = FuzzInput(bytes).pair
        guard let template = try? Template("{{ .title }}", compiler: nil) else { throw FuzzFailure("a path is no template") }
        for keepsSlashes in [true, false] {
            let escaped = LevelTemplate(template: template, keepsSlashes: keepsSlashes, reserving: [","]).escaped(topic)
            try FuzzFailure.unless(!escaped.utf8.contains { "+#,\u{0}".utf8.contains($0) }, "an escaped name holds a wildcard")
            try FuzzFailure.unless(keepsSlashes || !escaped.utf8.contains(UInt8(ascii: "/")), "an escaped name holds a slash")
        }
        guard let parsed = try? MQTTTopicFilter(filter) else { return }
        let wildcards = filter.utf8.split(separator: UInt8(ascii: "/")).filter {
            $0.count > 1 && $0.contains { "+#".utf8.contains($0) }
        }
        try FuzzFailure.unless(wildcards.isEmpty, "a wildcard is not the whole of its level")
        let pattern = try? SubjectPattern(filter, syntax: .mqtt)
        if let pattern, !filter.hasPrefix("$share/") {
            try FuzzFailure.unless(pattern.matches(topic) == parsed.matches(topic), "the two matchers of MQTT filters disagree")
        }
    }

    /// Templates without jq: they render for any event, or are refused.
    static let templates = FuzzTarget(
        "templates",
        seeds: [
            "a {{ .title }} b", "{{ .payload.a[0][\"x y\"].b }}", "{{ $segments[1] }}{{ $attributes.qos }}", "{{ \"}}\" }}",
            "{{ {a: 1} | .a }}", "{{", "}}", "{{ .a # c\n }}", "{{ $now }}",
        ],
        words: ["{{", "}}", ".", "$", "[", "]", "\"", "\\(", ")", "#", "payload", "title", "$segments", "$attributes", "{", "}"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        guard let template = try? Template(text, compiler: EmptyCompiler()) else { return }
        let reader = EventReader()
        reader.load(Self.sample)
        guard let rendered = try? template.render(reader, escape: { _ in "x" }) else { return }
        if let constant = template.constant { try FuzzFailure.unless(rendered == constant, "a constant template is none") }
        try FuzzFailure.unless(rendered.utf8.starts(with: template.staticPrefix.utf8), "the static prefix is not the beginning")
    }

    /// Paths within a payload.
    static let paths = FuzzTarget(
        "paths", seeds: ["a.b.0", "[\"x.y\"][0].z", "a[-1]", ".payload.a[0]", "$segments[1]", "tags[0]"],
        words: [".", "[", "]", "\"", "\\u", "-1", "0", "payload", "$"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let reader = EventReader()
        reader.load(Self.sample)
        if let path = EventPath(payload: text) { _ = reader.text(at: path) }
        if let path = try? EventPath(expression: text) { _ = reader.text(at: path) }
    }

    /// Regular expressions: refused, or searched in bounded time.
    static let regularExpressions = FuzzTarget(
        "regular-expressions",
        seeds: [
            "(a+)+$\u{0}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "^[a-z\\d_]{1,3}?(?:b|c)*\\b\u{0}abc", "\\W\u{0}\u{E9}",
            "[[:alpha:]]\u{0}x", "a{2,5}\u{0}aaa",
        ],
        words: ["(", ")", "(?:", "[", "]", "[^", "\\d", "\\w", "\\b", "{1,5}", "*", "+", "?", "|", "^", "$", "[[:alpha:]]"]
    ) { bytes in
        guard bytes.count <= 200 else { return }
        let (pattern, text) = FuzzInput(bytes).pair
        guard let expression = try? RegularExpression(pattern) else { return }
        let first = FoldedText.withFolded(text) { expression.matches($0) }
        let second = FoldedText.withFolded(text) { expression.matches($0) }
        try FuzzFailure.unless(first == second, "the second search differs")
    }

    /// Times and spans: what is read is written as a time that is read the same.
    static let times = FuzzTarget(
        "times",
        seeds: [
            "2026-01-15T10:00:00.000Z", "0000-02-29t23:59:60.123456789+14:59", "9999-12-31 23:59:59-00:01", "10m", "1h30m",
            "16MiB",
        ], words: ["T", "Z", "+", "-", ":", ".", "ms", "s", "m", "h", "d", "KiB"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let time = Timestamp(rfc3339: text) {
            try FuzzFailure.unless(
                Timestamp(rfc3339: time.description).map { $0.description == time.description } ?? false,
                "\(text) is written as \(time)")
        }
        if let span = Duration(setting: text) { _ = span.milliseconds }
        _ = EventID.isLegal(text)
    }

    private static let sample = Event(
        id: "1", title: "title", message: "message", priority: 3, tags: ["a", "b"], timestamp: Timestamp(milliseconds: 0),
        payload: ByteBuffer(string: "{\"a\":[1,{\"b\":\"c\"}],\"x y\":null,\"n\":1.5}"), source: "in", subject: "a/b",
        attributes: Attributes(), raw: ByteBuffer(), provenance: Provenance(origin: "b", hops: 1), limits: EventLimits(),
        rendered: nil
    )

    /// Replaces jq, which is fuzzed by its own project.
    private struct EmptyCompiler: ExpressionCompiler {
        func compile(_ text: String) throws -> any Expression { Nothing() }

        private struct Nothing: Expression {
            func evaluate(_ input: ExpressionInput) throws -> ExpressionValue { .none }
        }
    }
}
