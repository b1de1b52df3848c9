import BridgeCore
import BridgeTesting
import Expressions
import NIOCore
import Testing

@Suite struct JQExpressionTests {
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    private static func input(
        _ json: String = #"{"id":"m","title":"T","priority":4,"tags":["door"],"payload":{"a":[1,2.5],"s":"é\n"}}"#,
        raw: String = "raw é"
    ) -> ExpressionInput {
        let event = Event(
            id: "m", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            json: ByteBuffer(string: json), source: "home", subject: "a/b//c",
            attributes: Attributes([("qos", "1"), ("content-type", "x"), ("qos", "2")]), raw: ByteBuffer(string: raw)
        )
        return ExpressionInput(event: event, now: Timestamp(milliseconds: 1500))
    }

    private static func value(_ text: String, _ input: ExpressionInput = Self.input()) throws -> ExpressionValue {
        try Self.compiler.compile(text).evaluate(input)
    }

    @Test(arguments: [
        (".priority", ExpressionValue.number(4)), (".title", .string("T")), (".payload.a", .json("[1,2.5]")),
        (".payload.s", .string("é\n")),
        (".none", .null), (".none.deeper", .null), ("empty", .none), ("1, 2", .number(1)), (".payload.a[]", .number(1)),
        ("not", .bool(false)),
        (#".priority >= 4 and (.tags | index("door"))"#, .bool(true)), ("{b: 1, a: {}}", .json(#"{"b":1,"a":{}}"#)),
        ("nan", .null),
        ("infinite", .number(.greatestFiniteMagnitude)), (#""\(.title)!""#, .string("T!")), (#""a\u0000b" | length"#, .number(3)),
        ("..|numbers", .number(4)),
    ])
    func `the first result counts`(text: String, value: ExpressionValue) throws {
        #expect(try Self.value(text) == value)
    }

    @Test(arguments: [
        ("$source", ExpressionValue.string("home")), ("$subject", .string("a/b//c")), ("$segments", .json(#"["a","b","","c"]"#)),
        ("$segments[1]", .string("b")),
        ("$attributes.qos", .string("1")), ("$attributes", .json(#"{"qos":"1","content-type":"x"}"#)), ("$raw", .string("raw é")),
        ("$now", .number(1.5)),
        ("{$source}", .json(#"{"source":"home"}"#)), ("$ source + $subject", .string("homea/b//c")),
        (#""\($now)""#, .string("1.5")),
        ("def source: 3; $source", .string("home")), (". as $raw | $raw.id", .string("m")), (".source", .null),
    ])
    func `variables provide what is not in the event`(text: String, value: ExpressionValue) throws {
        #expect(try Self.value(text) == value)
    }

    @Test func `texts that differ in their bytes only are different expressions`() throws {
        let composed = "\u{E9}", decomposed = "e\u{301}"
        let input = Self.input(#"{"title":"\#(composed)"}"#)
        let compiler = JQCompiler(executable: BridgeProcess.executable)
        for (text, isEqual) in [(decomposed, false), (composed, true), (decomposed, false)] {
            #expect(try compiler.compile(#"[.title == "\#(text)"][0]"#).evaluate(input) == .bool(isEqual))
        }
    }

    @Test func `a body that is not text does no harm`() throws {
        var input = Self.input()
        input.raw = ByteBuffer(bytes: [0xFF, 0x41])
        #expect(try Self.value("$raw", input) == .string("\u{FFFD}A"))
        input.raw = ByteBuffer()
        #expect(try Self.value("$raw", input) == .string(""))
        input.subject = ""
        #expect(try Self.value("$segments", input) == .json("[]"))
    }

    @Test(arguments: [
        ".id # a comment", ".id # a ) comment\n", "\n .id\n", "def f: .id; f", "label $out | .id, break $out",
        "reduce .id as $x (null; $x)",
    ])
    func `text of any form fits in`(text: String) throws {
        #expect(try Self.value(text) == .string("m"))
    }

    @Test(arguments: [
        ("1) | (2", "syntax error, unexpected a character or bracket that does not belong here, expecting the end", 1),
        (".a |\n.b |\n)", "syntax error, unexpected a character or bracket that does not belong here", 3),
        (
            ".a +\n$foo",
            "$foo is not defined; the variables are $source, $subject, $segments, $attributes, $raw, $now, and '.' is the event",
            2
        ),
        ("nosuch(1)", "nosuch/1 is not defined", 1), (".a[", "syntax error, unexpected the end", 1),
        ("\"abc", "syntax error, a string is not closed", 1),
        ("{a:1", "syntax error, unexpected the end, expecting '}'", 1), ("%%", "syntax error, unexpected '%'", 1),
        ("", "the expression is empty", nil),
        (" \n", "the expression is empty", nil), (".a\u{0}", "an expression cannot contain a NUL character", nil),
        ("| .a", "syntax error, unexpected '|'", 1),
        ("import \"a\" as a; 1", "syntax error, unexpected import", 1),
        ("include \"a\"; 1", "syntax error, unexpected include", 1),
        ("def f: 1;", "syntax error, unexpected the end", 1),
        (
            "$__event__x",
            "$__event__x is not defined; the variables are $source, $subject, $segments, $attributes, $raw, $now, and '.' is the event",
            1
        ),
    ])
    func `an expression that does not compile is refused`(text: String, message: String, line: Int?) {
        let error = #expect(throws: ExpressionError.self) { try Self.compiler.compile(text) }
        #expect(error?.message == message)
        #expect(error?.line == line)
    }

    @Test(arguments: [
        "env", "env.HOME", ".a | env", "input", "inputs", "_input", "debug", "stderr", "halt", "halt_error", "input_filename",
        "input_line_number",
        "\"a\" | modulemeta", "get_search_list",
    ])
    func `functions that reach outside are refused`(text: String) {
        let name = text.split { !($0.isLetter || $0 == "_") }.last { $0 != "HOME" }!
        let error = #expect(throws: ExpressionError.self) { try Self.compiler.compile(text) }
        #expect(error?.message == "\(name) is not available in expressions: they see the event and nothing else")
    }

    @Test(arguments: ["$ENV", "$ENV.PATH", "\n\"\\($ENV.PATH)\"", "{$ENV}", "$ ENV", "$\n ENV.X"])
    func `the environment cannot be seen`(text: String) {
        let error = #expect(throws: ExpressionError.self) { try Self.compiler.compile(text) }
        #expect(error?.message == "$ENV is not available in expressions; write ${env:NAME} in the file where a setting needs it")
    }

    @Test func `a comment in between does not allow the environment`() throws {
        // libjq takes a comment for white space, so this reads as $ENV; the name is shadowed besides.
        #expect((try? Self.value("$#\nENV | length")) ?? .number(0) == .number(0))
    }

    @Test func `names that only resemble refused ones are allowed`() throws {
        #expect(try Self.value("{env: 1} | .env") == .number(1))
        #expect(try Self.value("def input: 3; input") == .number(3))
        #expect(try Self.value("1 as $ENVIRONMENT | $ENVIRONMENT") == .number(1))
        #expect(try Self.value("{inputs: 2, debug: 3} | .debug") == .number(3))
    }

    @Test(arguments: [
        (".title.x", #"Cannot index string with string "x""#), ("error(\"own words\")", "own words"),
        ("error({a: 1})", #"error({"a":1})"#),
        (".title | tonumber", "Invalid numeric literal at EOF at line 1, column 1 (while parsing 'T')"),
        (#""a" | test("(")"#, nil),
    ])
    func `failures have a reason`(text: String, message: String?) throws {
        let expression = try Self.compiler.compile(text)
        let error = #expect(throws: ExpressionError.self) { try expression.evaluate(Self.input()) }
        if let message { #expect(error?.message == message) } else { #expect(error?.message.isEmpty == false) }
        // And the next event is none the worse for it.
        _ = try? expression.evaluate(Self.input(#"{"title":{"x":1}}"#))
    }

    @Test func `a failure leaves the expression usable`() throws {
        let expression = try Self.compiler.compile(".title.x")
        #expect(throws: ExpressionError.self) { try expression.evaluate(Self.input()) }
        #expect(try expression.evaluate(Self.input(#"{"title":{"x":1}}"#)) == .number(1))
    }

    @Test func `an event that is not JSON fails`() throws {
        let error = #expect(throws: ExpressionError.self) { try Self.value(".", Self.input("{")) }
        #expect(error?.message.hasPrefix("jq cannot read the event: ") == true)
    }

    private static func compiler(_ change: (inout JQLimits) -> Void) -> JQCompiler {
        var limits = JQLimits.file
        change(&limits)
        return JQCompiler(executable: BridgeProcess.executable, limits: limits)
    }

    @Test(arguments: ["last(repeat(.))", "[range(infinite)] | length", "def f: f; f", "last(range(infinite))"])
    func `an endless evaluation is ended`(text: String) throws {
        let compiler = Self.compiler {
            $0.time = .milliseconds(40)
            $0.faults = 10
        }
        let expression = try compiler.compile("if $subject == \"ok\" then 1 else (\(text)) end")
        for _ in 0..<2 {
            let error = #expect(throws: ExpressionError.self) { try expression.evaluate(Self.input()) }
            #expect(error?.message == "the evaluation took longer than 0.04 seconds and was ended")
            var input = Self.input()
            input.subject = "ok"
            #expect(try expression.evaluate(input) == .number(1), "the next event is evaluated")
        }
    }

    @Test func `an endless stream of results ends at the first`() throws {
        #expect(try Self.value("range(infinite)") == .number(0))
    }

    @Test func `several threads may evaluate at once`() async throws {
        let expression = try Self.compiler.compile(#""\(.priority) \($subject)""#)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<4 {
                group.addTask {
                    var right = 0
                    for index in 0..<500 {
                        var input = Self.input(#"{"priority":\#(index)}"#)
                        input.subject = "t\(task)"
                        if try expression.evaluate(input) == .string("\(index) t\(task)") { right += 1 }
                    }
                    return right
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 2000)
    }

    @Test func `equal texts share one program`() throws {
        let compiler = JQCompiler(executable: BridgeProcess.executable)
        let first = try compiler.compile(".a") as? JQExpression
        #expect(first === (try compiler.compile(".a") as? JQExpression))
    }

    @Test func `texts that nobody uses any more are forgotten, those in use are not`() throws {
        let compiler = JQCompiler(executable: BridgeProcess.executable)
        let used = try compiler.compile(".a") as? JQExpression
        for number in 0..<100 { _ = try compiler.compile(".a == \(number)") }
        #expect(compiler.remembered < 80)
        #expect(used === (try compiler.compile(".a") as? JQExpression))
        let latest = try compiler.compile(".a == 99") as? JQExpression
        #expect(latest === (try compiler.compile(".a == 99") as? JQExpression))
    }

    @Test func `compilers and expressions come and go`() async throws {
        try await ProcessUsage.expectNoGrowth(rounds: 6) {
            let expression = try JQCompiler(executable: BridgeProcess.executable).compile(".priority")
            #expect(try expression.evaluate(Self.input()) == .number(4))
        }
    }
}
