import BridgeCore
import BridgeTesting
import Expressions
import Testing

struct JQAdviceTests {
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    @Test(arguments: [
        (".a && .b", "; write 'and' for '&&'"), (".a || .b", "; write 'or' for '||'"), (".a === 1", "; write '==' for '==='"),
        (".a !== 1", "; write '!=' for '!=='"), (".priority => 3", "; write '>=' for '=>'"),
        (".title =~ \"x\"", "; write (.title | test(\"…\")) for a regular expression"),
        (".title == 'x'", "; text needs double quotes, not single ones"),
        (".title contains \"x\"", "; write (.title | contains(\"…\"))"),
        (".title matches \"x\"", "; write (.title | test(\"…\"))"), (".title in [\"a\"]", "; write (.title | IN(\"a\", \"b\"))"),
        (".payload.x is 3", "; write '==' for 'is'"), (".a != null and !.b", "; write (.member | not) for '!.member'"),
        (".title.contains(\"x\")", "; jq has no methods; write .member | contains(\"…\")"),
        (".title | .toLowerCase()", "; jq has no methods; write .member | ascii_downcase"),
        (".a ? 1 : 2", "; write if CONDITION then A else B end for CONDITION ? A : B"),
        ("if .a then 1", "; write if CONDITION then A else B end"),
        ("payload.x == 3", "; write '.payload' for the event's payload"),
        ("title | length", "; write '.title' for the event's title"), ("subject == \"a\"", "; write '$subject'"),
        (".title | upper", "; jq writes ascii_upcase"), ("len(.title) > 3", "; jq writes length"),
        ("$attributes.x-github-event == \"push\"", "; write $attributes[\"x-github-event\"] for a name with a hyphen"),
        (".payload.room-temp > 3", "; write .payload[\"room-temp\"] for a name with a hyphen"),
        (".room-temp > 3", "; write .[\"room-temp\"] for a name with a hyphen"),
        (
            ".payload.state == open",
            "; text needs double quotes, such as \"open\", and the event's members begin with a dot, such as .title"
        ),
        (
            "$payload.x", "; the variables are $source, $subject, $segments, $attributes, $raw, $now, and '.' is the event"
        ),
    ])
    func `syntax of another language is refused with the jq equivalent`(text: String, remedy: String) {
        #expect {
            _ = try Self.compiler.compile(text)
        } throws: {
            ($0 as? ExpressionError)?.message.hasSuffix(remedy) == true
        }
    }

    @Test(arguments: ["(.a", ".a | \"&& || '", "{a: }"])
    func `a mistake without an explanation keeps jq's message`(text: String) {
        #expect {
            _ = try Self.compiler.compile(text)
        } throws: {
            ($0 as? ExpressionError)?.message.contains(";") == false
        }
    }

    @Test(arguments: [
        ".payload.temp = 3", ".a=1", ".a == 1 and .b = 2", ".a | .b = 3", ".a |= . + 1 | .c = 2", ".title = \"==\"",
    ])
    func `a condition that assigns is refused`(text: String) {
        #expect {
            _ = try Self.compiler.compileCondition(text)
        } throws: {
            ($0 as? ExpressionError)?.message == "'=' assigns, and an assignment is always true; write '==' to compare"
        }
    }

    @Test(arguments: [
        ".a == 1", ".a != 1", ".a >= 1 and .b <= 2", "(.a = 1) | .b == 2", ".a = 1 | .a == 1", ".title == \"a = b\"",
        "any(.tags[]; . == \"a\")",
        "(.payload.x //= 3).payload.x == 3",
    ])
    func `a condition that compares is accepted`(text: String) throws {
        _ = try Self.compiler.compileCondition(text)
    }
}
