import BridgeConfiguration
import BridgeCore
import Testing

/// Routes that no event reaches, and events that return to their source.
struct ReachTests {
    private static func warnings(routes: String) throws -> [String] {
        let text = """
            sources: { a: { type: fake, url: x }, b: { type: fake, url: y, port: 2 } }
            sinks: { out: { type: fake } }
            routes:
            \(routes)
            """
        return try load(text).warnings.filter { $0.rule == .unreachable }.map(\.description)
    }

    private static let taken =
        "no event reaches this route, because the route in line 4 takes all of them and has stop: true; move it above, or give that one a match"

    @Test(arguments: [
        ("  - { to: out, stop: true }\n  - { from: a, to: out }", [5]), ("  - { to: out, stop: true }\n  - { to: out }", [5]),
        ("  - { from: a, to: out, stop: true }\n  - { from: [a], match: { tags: x }, to: out }\n  - { from: b, to: out }", [5]),
        ("  - { from: [a, b], to: out, stop: true }\n  - { from: b, to: out }", [5]),
        ("  - { from: a, to: out, stop: true }\n  - { from: [a, b], to: out }", []),
        ("  - { from: a, to: out, stop: true }\n  - { to: out }", []),
        ("  - { to: out }\n  - { to: out, name: x }", []),
        ("  - { match: { tags: x }, to: out, stop: true }\n  - { to: out }", []),
        ("  - { when: .payload.a, to: out, stop: true }\n  - { to: out }", []),
        ("  - { dedupe: { key: '{{ .id }}' }, to: out, stop: true }\n  - { to: out }", []),
    ])
    func `a route behind one that takes everything brings a warning`(routes: String, lines: [Int]) throws {
        let found = try Self.warnings(routes: routes)
        #expect(found.map { $0.hasSuffix(Self.taken) } == lines.map { _ in true }, "\(found)")
        for (line, warning) in zip(lines, found) {
            #expect(warning.hasPrefix("bridges.yaml:\(line):5: warning: routes[\(line - 4)]: "))
        }
    }

    @Test(arguments: [
        ("false", "never holds; write a condition, or remove the route"),
        ("' null '", "never holds; write a condition, or remove the route"),
        ("true", "always holds; leave it out"),
    ])
    func `a constant condition brings a warning`(condition: String, message: String) throws {
        let found = try Self.warnings(routes: "  - { when: \(condition), to: out }")
        #expect(found == ["bridges.yaml:4:13: warning: routes[0].when: \(message)"])
    }

    @Test func `two patterns overlap exactly when a subject matches both`() throws {
        let levels = ["a", "b", "+", "#", "$s"]
        var texts = levels
        for first in levels where first != "#" {
            for second in levels { texts.append("\(first)/\(second)") }
            for second in levels where second != "#" { for third in levels { texts.append("\(first)/\(second)/\(third)") } }
        }
        let patterns = try texts.map { try SubjectPattern($0) }
        let names = ["a", "b", "c", "$s", "$t"]
        var subjects = names
        for one in names { for two in names { subjects += ["\(one)/\(two)"] + names.map { "\(one)/\(two)/\($0)" } } }
        let matched = patterns.map { pattern in Set(subjects.filter { pattern.matches($0) }) }
        for (first, pattern) in patterns.enumerated() {
            for (second, other) in patterns.enumerated() {
                let isExpected = !matched[first].isDisjoint(with: matched[second])
                #expect(pattern.mayOverlap(other) == isExpected, "\(pattern) and \(other)")
            }
        }
    }

    @Test func `globs overlap exact subjects that they match, and perhaps other patterns`() throws {
        let glob = try SubjectPattern("a:*")
        #expect(glob.mayOverlap(try SubjectPattern("a:b")))
        #expect(!glob.mayOverlap(try SubjectPattern("b:b")))
        #expect(!(try SubjectPattern("b:b")).mayOverlap(glob))
        #expect(glob.mayOverlap(try SubjectPattern("b/#")))
    }
}
