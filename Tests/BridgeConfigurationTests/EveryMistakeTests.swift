import Testing

/// Several mistakes in one component, and constants that mean nothing.
struct EveryMistakeTests {
    private static func found(source: String) -> [String] {
        mistakes("sources: { in: { type: fake, \(source) } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out }]\n")
            .map { String($0.split(separator: "error: sources.in").last ?? "") }
    }

    @Test(arguments: [
        ("port: 0, timeout: 10", [": 'url' is missing", ".port: ", ".timeout: "]),
        ("url: [x], port: \"1\", timeout: 5 min", [".url: must be text", ".port: must be a whole number; write", ".timeout: "]),
        ("url: bad, port: 99999, topics: x", [".port: ", ".topics: must be a list", ".url: 'bad' is not an address"]),
        ("url: x, topics: [[a], b, { c: d }], port: no", [".port: ", ".topics[0]: must be text", ".topics[2]: must be text"]),
        (
            "url: x, port: no, normalise: { priority: 9, id: x, tags: \"\", titel: y }",
            [".normalise: unknown key 'titel'", ".normalise.priority: ", ".normalise.tags: ", ".normalise.id: ", ".port: "]
        ),
        ("url: x, port: no, retry: { initial: 1, factor: x }", [".retry.initial: ", ".retry.factor: ", ".port: "]),
    ])
    func `every mistake of a component is reported, and nothing else`(settings: String, expected: [String]) {
        let found = Self.found(source: settings)
        #expect(found.count == expected.count, "\(found)")
        for beginning in expected { #expect(found.contains { $0.hasPrefix(beginning) }, "\(beginning) in \(found)") }
    }

    @Test(arguments: [
        ("priority: 9", "priority: '9' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word"),
        ("priority: urgentest", "priority: 'urgentest' is not a priority; write 1 to 5"),
        ("priority: 2.5", "priority: '2.5' is not"),
        ("tags: 5", "tags: must be text; write it in quotes if it is meant as a tag"), ("tags: \" , \"", "tags: is empty, which"),
        ("tags: [a, b]", "tags: is a list; write one text with commas, such as tags: \"door, home\""),
        ("id: x", "id: gives every event the same id"), ("id: \"\"", "id: is empty, which changes nothing; leave it out"),
        ("timestamp: soon", "timestamp: 'soon' is not a time; write a template"), ("title: \" \"", "title: is empty, which"),
        ("message: \"\"", "message: is empty, which changes nothing"),
    ])
    func `a meaningless constant of normalise is refused`(setting: String, expected: String) {
        let found = Self.found(source: "url: x, normalise: { \(setting) }")
        #expect(found.count == 1 && found[0].hasPrefix(".normalise.\(expected)"), "\(found)")
    }

    @Test(arguments: [
        "priority: high", "priority: 5", "priority: \"{{ .payload.level }}\"", "tags: \"5\"", #"tags: "a, b""#,
        "timestamp: 2026-01-01T00:00:00Z",
        "id: \"{{ .payload.id }}\"", "title: 5",
    ])
    func `a meaningful constant of normalise is accepted`(setting: String) {
        #expect(Self.found(source: "url: x, normalise: { \(setting) }").isEmpty)
    }

    private static func found(set: String) -> [String] {
        mistakes(
            "sources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake } }\nroutes: [{ to: out, set: { \(set) } }]\n")
    }

    @Test(arguments: [
        ("priority: 0", "priority: 0 is out of range; 1 to 5 is allowed"),
        ("priority: loud", "priority: 'loud' is not a priority; write"),
        ("priority: \"\"", "priority: '' is not a priority"), ("tags: 5", "tags: must be text; write it in quotes"),
        ("add_tags: []", "add_tags: is an empty list, which adds nothing"),
        ("add_tags: \"\"", "add_tags: is empty, which adds nothing"),
        ("tags: [a, \"\"]", "tags[1]: is empty, which is not a tag"),
        ("subject: \"\"", "subject: is empty, which leaves the subject as it is"),
    ])
    func `a meaningless constant of set is refused`(setting: String, expected: String) {
        let found = Self.found(set: setting)
        #expect(found.count == 1 && found[0].contains("routes[0].set.\(expected)"), "\(found)")
    }

    @Test(arguments: [
        "priority: Urgent", "tags: \"\"", "priority: \"3\"", "tags: []", "title: \"\"", "message: \"\"", "add_tags: [a, 5]",
    ])
    func `a meaningful constant of set is accepted`(setting: String) {
        #expect(Self.found(set: setting).isEmpty)
    }

    @Test func `several mistakes of one set are all reported`() {
        let found = Self.found(set: "priority: loud, subject: \"\", titel: x, add_tags: []")
        #expect(found.count == 4, "\(found)")
    }
}
