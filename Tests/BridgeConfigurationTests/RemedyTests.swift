import BridgeConfiguration
import BridgeCore
import Testing

/// Mistakes that people make who know other programs: the message says what to write.
struct RemedyTests {
    private static let sources = "sources: { in: { type: fake, url: x } }\n"
    private static let sinks = "sinks: { out: { type: fake } }\n"

    @Test(arguments: [
        ("match: { payload.x: { '>': 3 } }", "match.payload.x.>: there is no operator '>' here; did you mean 'gt'?"),
        ("match: { title: { '==': a } }", "match.title.==: there is no operator '==' here; did you mean 'equals'?"),
        ("match: { tags: { contains: a } }", "match.tags.contains: there is no operator 'contains' here; did you mean 'any'?"),
        ("match: { payload: { temp: 3 } }", "match.payload: needs a name behind it; write payload.NAME: …"),
        ("match: { source: }", "match.source: has no value; name a source, or leave it out"),
        ("match: { attributes: x }", "match.attributes: needs a name behind it; write attributes.NAME: …"),
        ("match: { priority: '>= 3' }", "match.priority: '>= 3' is not a priority; write { gte: 3 }"),
        (
            "match: subject == 'a'",
            "match: a filter is a mapping with keys of source, subject, priority, tags, title, message, payload.<path>, attributes.<name>, any, all, not; a jq expression is written under 'when'"
        ),
        ("throttle: 5/min", "throttle: must be a mapping of keys to values; write one such as { per: 30s }"),
        ("dedupe: '{{ .id }}'", "dedupe: must be a mapping of keys to values; write one such as { key: '{{ $subject }}' }"),
        ("digest: [{ window: 5m }]", "digest: must be a mapping of keys to values; remove the '- ' in front of the keys"),
        ("digest:", "digest: must be a mapping of keys to values; write one such as { window: 30s }"),
    ])
    func `a route that is written otherwise is refused with the remedy`(route: String, expected: String) {
        let found = mistakes(Self.sources + Self.sinks + "routes:\n  - to: out\n    \(route)\n")
        #expect(found.map { String($0.split(separator: "error: ").last ?? "") } == ["routes[0].\(expected)"])
    }

    @Test(arguments: [
        ("log: sqlite", "log: must be a mapping of keys to values; write one such as { kind: memory }"),
        ("log: { type: sqlite, file: a.db }", "log: unknown key 'type'; did you mean 'kind'?"),
        ("log: { kind: sqlite, file: a.db }", "log: unknown key 'file'; did you mean 'path'?"),
        (
            "http: { access: { tokens: [secret] } }",
            "http.access.tokens[0]: must be a mapping of keys to values; write one such as { token: '${env:SECRET}' }"
        ),
        ("source: {}", "unknown key 'source'; did you mean 'sources'?"),
    ])
    func `a part of the file that is written otherwise is refused with the remedy`(part: String, expected: String) {
        let found = mistakes(Self.sources + Self.sinks + "routes: [{ to: out }]\n" + part + "\n")
        #expect(found.contains { $0.hasSuffix("error: \(expected)") }, "\(found)")
    }

    @Test func `a section under a wrong name is not also missing`() {
        let found = mistakes("source: { in: { type: fake, url: x } }\n" + Self.sinks + "routes: [{ to: out }]\n")
        #expect(found == ["bridges.yaml:1:1: error: unknown key 'source'; did you mean 'sources'?"])
    }

    @Test func `a preset in place of a type is refused with the remedy`() {
        let presets = [Preset("shop", .source, "# A shop.\ntype: fake\nurl: shop\n")]
        let rest = Self.sinks + "routes: [{ to: out }]\n"
        #expect(
            mistakes("sources: { in: { type: shop } }\n" + rest, presets: presets) == [
                "bridges.yaml:1:24: error: sources.in.type: no source is called 'shop'; it is a preset, so write preset: shop"
            ])
        let sinks = mistakes(Self.sources + "sinks: { out: { type: shop } }\nroutes: [{ to: out }]\n", presets: presets)
        #expect(sinks == ["bridges.yaml:2:23: error: sinks.out.type: no sink is called 'shop'; there are fake"])
    }

    @Test(arguments: [
        ("payload.x: '> 3'", ["'> 3' is compared as a text; write { gt: 3 }"]),
        ("payload.x: '!=1.5'", ["'!=1.5' is compared as a text; write { ne: 1.5 }"]),
        ("payload.x: '> a'", []), ("payload.x: 3", []), ("payload.x: '-3'", []), ("title: '> 3'", []),
    ])
    func `a comparison that is a text brings a warning`(match: String, expected: [String]) throws {
        let plan = try load(Self.sources + Self.sinks + "routes: [{ match: { \(match) }, to: out }]\n")
        #expect(plan.warnings.filter { $0.path.hasPrefix("routes[0].match") }.map(\.message) == expected)
    }
}
