import BridgeCore
import BridgeTesting
import Testing

@Suite struct SubjectPatternTests {
    @Test(arguments: [
        ("a/b", SubjectPattern.Syntax.exact), ("a+b", .exact), ("a#", .exact), ("a\\b", .exact), ("+/a*", .mqtt), ("a/+", .mqtt),
        ("#", .mqtt), ("a*", .glob), ("a?c", .glob), ("a[bc]", .glob), ("a/*/c", .glob),
    ])
    func `the text decides the syntax`(text: String, syntax: SubjectPattern.Syntax) throws {
        #expect(try SubjectPattern(text).syntax == syntax)
    }

    @Test(arguments: [
        // MQTT 3.1.1 §4.7.1.2
        ("sport/tennis/player1/#", "sport/tennis/player1", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", true),
        ("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true), ("sport/#", "sport", true), ("#", "a/b", true),
        ("sport/#", "sports", false), ("sport/#", "sport/", true),
        // §4.7.1.3
        ("sport/tennis/+", "sport/tennis/player1", true), ("sport/tennis/+", "sport/tennis/player1/ranking", false),
        ("sport/+", "sport", false), ("sport/+", "sport/", true), ("+", "finance", true), ("+", "/finance", false),
        ("/+", "/finance", true), ("+/+", "/finance", true), ("+/tennis/#", "sport/tennis/x/y", true), ("a/+/c", "a/b/c", true),
        ("a/+/c", "a/c", false), ("a/+/c", "a//c", true), ("+/#", "a", true), ("a/+/#", "a/b", true), ("a/+/#", "a", false),
        // §4.7.2
        ("#", "$SYS/uptime", false), ("+/monitor/Clients", "$SYS/monitor/Clients", false), ("$SYS/#", "$SYS/x", true),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", true), ("a/#", "a/$x", true), ("a/+", "a/$x", true),
    ])
    func `an mqtt filter matches as the standard says`(filter: String, subject: String, matches: Bool) throws {
        #expect(try SubjectPattern(filter, syntax: .mqtt).matches(subject) == matches)
    }

    @Test(arguments: [
        ("*", "", true), ("*", "a/b:c", true), ("h?llo", "hello", true), ("h?llo", "hllo", false), ("h*llo", "heeeello", true),
        ("h*llo", "hllo", true), ("h[ae]llo", "hallo", true), ("h[ae]llo", "hillo", false), ("h[^e]llo", "hallo", true),
        ("h[^e]llo", "hello", false), ("h[a-b]llo", "hbllo", true), ("h[b-a]llo", "hallo", true), ("h[a-b]llo", "hcllo", false),
        ("a\\*b", "a*b", true), ("a\\*b", "axb", false), ("a\\?", "a?", true), ("[\\]]", "]", true), ("[\\-a]", "-", true),
        ("[abc", "b", true), ("[abc", "d", false), ("[", "[", false), ("[]", "a", false), ("[^]", "a", true),
        ("a\\", "a\\", true),
        ("a**b", "ab", true), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false), ("news.*", "news.art.music", true),
        ("?", "é", false), ("??", "é", true), ("a[b-]", "a-", false), ("a[b-]", "a^", true), ("*x", "xyx", true),
        ("", "a", false),
    ])
    func `a glob matches as in redis`(glob: String, subject: String, matches: Bool) throws {
        guard !glob.isEmpty else { return }
        #expect(try SubjectPattern(glob, syntax: .glob).matches(subject) == matches)
    }

    @Test func `bytes count, not canonical equivalence`() throws {
        #expect(try !SubjectPattern("caf\u{E9}").matches("cafe\u{301}"))
        #expect(try SubjectPattern("caf\u{E9}") != SubjectPattern("cafe\u{301}"))
        #expect(try SubjectPattern("+/caf\u{E9}").matches("x/caf\u{E9}"))
    }

    @Test func `a hostile glob takes linear time`() throws {
        let pattern = try SubjectPattern(String(repeating: "a*", count: 50) + "b", syntax: .glob)
        let time = processorTime { #expect(!pattern.matches(String(repeating: "a", count: 2000))) }
        #expect(time < .seconds(2))
    }

    @Test(arguments: [
        (#""""#, "a subject cannot be empty"), (##""a/#/b""##, "'#' must be the last level of the MQTT filter 'a/#/b'"),
        (##"{"mqtt": "a#"}"##, "'#' must be a whole level of the MQTT filter 'a#'"),
        (#"{"mqtt": "a/b+"}"#, "'+' must be a whole level of the MQTT filter 'a/b+'"),
        (#"{"mqtt": "a\u0000"}"#, "an MQTT filter cannot contain a NUL character"),
        (#"{"regex": "a"}"#, "a subject is a text, or one of mqtt, glob, exact with a text"),
        (#"{"mqtt": "a", "glob": "b"}"#, "a subject is a text, or one of mqtt, glob, exact with a text"),
    ])
    func `an invalid pattern is refused`(json: String, message: String) {
        #expect(refusal(of: SubjectPattern.self, json) == message)
    }

    @Test func `the syntax can be given`() throws {
        let patterns = try decode([SubjectPattern].self, ##"["a/#", {"exact": "a*b"}, {"glob": "a/+*"}, {"mqtt": "a"}]"##)
        #expect(patterns.map(\.syntax) == [.mqtt, .exact, .glob, .mqtt])
        #expect(patterns[1].matches("a*b") && !patterns[1].matches("axb"))
        #expect(patterns.map(\.description) == ["a/#", "a*b", "a/+*", "a"])
    }

    @Test(arguments: [
        ("a/+/+", "a/b/c", true), ("a/+/+", "a/b/+", true), ("a/#", "a/+/b", true), ("a/+", "a/#", false), ("#", "$SYS/+", false),
        ("+/+", "$SYS/+", false), ("$SYS/#", "$SYS/+", true), ("+/#", "+/b/#", true), ("+/b", "+/+", false),
        // Not the same bytes, or a level more than characters show.
        ("+/caf\u{E9}", "+/cafe\u{301}", false), ("a/+/+", "a/b/\u{301}c/+", false), ("a/+/+/+", "a/b/\u{301}c/+", true),
        ("+/a", "$\u{301}/a", false), ("+/+", "$\u{301}/+", false),
    ])
    func `a filter covers another when it takes all that the other takes, byte by byte`(
        _ one: String, _ other: String, _ isCovered: Bool
    ) throws {
        #expect(try SubjectPattern(name: one).covers(SubjectPattern(name: other)) == isCovered)
    }
}
