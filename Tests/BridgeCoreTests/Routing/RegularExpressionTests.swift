import BridgeTesting
import Testing

@testable import BridgeCore

@Suite struct RegularExpressionTests {
    private static func found(_ pattern: String, _ text: String) throws -> Bool {
        let expression = try RegularExpression(pattern)
        return FoldedText.withFolded(text) { expression.matches($0) }
    }

    @Test(arguments: [
        ("abc", "xxABCxx", true), ("^abc", "xabc", false), ("abc$", "abcx", false), ("^$", "", true), ("a|b", "xb", true),
        ("a.c", "abc", true),
        ("a.c", "a\nc", false), ("a.c", "aüc", true), ("^.{3}$", "äöü", true), ("^.{2}$", "äöü", false), ("^.$", "🙂", true),
        ("\\d+", "ab", false),
        ("\\d+", "a7", true), ("^\\D+$", "aüb", true), ("^\\w+$", "Az_9", true), ("^\\w+$", "a b", false), ("\\W", "ab", false),
        ("^\\W$", "ü", true),
        ("a\\sb", "a\tb", true), ("^\\S+$", "a b", false), ("\\bdoor\\b", "the door.", true), ("\\bdoor\\b", "indoors", false),
        ("\\Boor", "door", true), ("[abc]x", "BX", true), ("[^abc]x", "bx", false), ("[^abc]x", "üx", true),
        ("[A-Z]+", "abc", true),
        ("^[a-c-]+$", "a-c", true), ("[\\]a]", "]", true), ("[\\d_]", "5", true), ("[[:digit:]]", "x5", true),
        ("[^[:alpha:]]", "abc", false), ("[äöü]x", "ÖX", true), ("a{2}", "aa", true), ("^a{2}$", "aaa", false),
        ("^a{2,}$", "aaa", true),
        ("^a{1,2}$", "aaa", false), ("^a{0,1}b$", "b", true), ("a{x}", "a{x}", true), ("a+?b", "aab", true), ("^a+?$", "", false),
        ("^(?:ab)+$", "abab", true),
        ("a\\.b", "axb", false), ("a\\.b", "a.b", true), ("\\/", "/", true), ("\\$5", "$5", true), ("a\\tb", "a\tb", true),
        ("^[\\t ]$", "\t", true),
        ("(cpu|ram) (>|over) 9\\d%", "CPU over 95% now", true), ("^[^-]+$", "a-b", false), ("[[]", "[", true),
        ("[\\^]", "^", true),
        ("[\\^-]", "-", true), ("x*", "", true), ("()", "", true), ("ÄRGER", "ärger", true), ("]", "]", true), ("}", "}", true),
        ("^a(b)?$", "a", true),
        ("a|^b", "xb", false), ("^ab|cd$", "xcd", true), ("\\\\", "\\", true), ("ü+x", "üüx", true),
    ])
    func `finds what it should`(pattern: String, text: String, isFound: Bool) throws {
        #expect(try Self.found(pattern, text) == isFound)
    }

    @Test(arguments: [
        ("", "it is empty"), ("(a", "a '(' is not closed"), ("a)", "a ')' is unmatched"), ("[a", "a '[' is not closed"),
        ("(a)\\1", "back references such as \\1 are not supported"), ("\\pL", "\\p is not supported"),
        ("a\\", "it ends with a '\\'"),
        ("(?=a)", "'(?' with anything but ':' (look-around, flags, names) is not supported; case never matters here"),
        ("(?i)a", "'(?' with anything but ':' (look-around, flags, names) is not supported; case never matters here"),
        ("*a", "a repetition operator has nothing to repeat"),
        ("a**", "a repetition operator has nothing to repeat"),
        ("a{3,2}", "a repetition can go from 0 to 255, the smaller number first"),
        ("a{1,999}", "a repetition can go from 0 to 255, the smaller number first"),
        ("((a{100}){100}){100}", "it has too many repetitions"), ("[]", "[] matches no character"),
        ("[]a]", "[] matches no character"),
        ("[b-a]", "the range b-a is not one of ASCII characters in ascending order"),
        ("[a-ü]", "the range a-ü is not one of ASCII characters in ascending order"),
        ("[^ü]", "[^ ] with non-ASCII characters is not supported"), ("[[:blub:]]", "there is no class [:blub:]"),
        ("[\\D]", "\\D within [ ] is not supported"), ("a\u{0}", "it contains a NUL character"),
    ])
    func `a pattern beyond a linear search is refused`(pattern: String, reason: String) {
        let error = #expect(throws: SettingError.self) { try RegularExpression(pattern) }
        #expect(error?.message == "'\(pattern)' is not a regular expression: \(reason)")
    }

    @Test func `too long ones are refused`() {
        let error = #expect(throws: SettingError.self) { try RegularExpression(String(repeating: "a", count: 1001)) }
        #expect(error?.message == "a regular expression can be at most 1000 bytes long")
    }

    @Test(arguments: ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*b", "(.*)*b", "(x+x+)+y", "(a|b)*a(a|b){12}c"])
    func `expressions that blow up elsewhere take linear time`(pattern: String) throws {
        let text = String(repeating: "a", count: 4000)
        let time = try processorTime {
            let isFound = try Self.found(pattern, text)
            #expect(!isFound)
        }
        #expect(time < .seconds(2))
    }

    @Test func `a discarded automaton is built again`() throws {
        let expression = try RegularExpression("b.?c$")
        for round in 0..<40 {
            let text = String(repeating: "ab", count: 2000) + (round.isMultiple(of: 2) ? "c" : "a")
            #expect(FoldedText.withFolded(text) { expression.matches($0) } == round.isMultiple(of: 2))
        }
    }

    @Test func `a text with a NUL is searched to its end`() throws {
        #expect(try Self.found("b$", "a\u{0}b"))
    }
}
