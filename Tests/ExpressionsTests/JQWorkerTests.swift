import BridgeCore
import BridgeTesting
import Expressions
import Glibc
import NIOCore
import Testing

/// What an expression does to its worker, and what the program notices of it.
@Suite(.timeLimit(.minutes(3))) struct JQWorkerTests {
    private static func compiler(_ change: (inout JQLimits) -> Void = { _ in }) -> JQCompiler {
        var limits = JQLimits.file
        limits.faults = 1000
        change(&limits)
        return JQCompiler(executable: BridgeProcess.executable, limits: limits)
    }

    private static func input(_ json: String, subject: String = "") -> ExpressionInput {
        let event = Event(
            id: "m", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            json: ByteBuffer(string: json), source: "s", subject: subject, attributes: Attributes(), raw: ByteBuffer()
        )
        return ExpressionInput(event: event, now: Timestamp(milliseconds: 0))
    }

    private static func message(_ result: Result<ExpressionValue, ExpressionError>?) -> String? {
        guard case .failure(let error) = result else { return nil }
        return error.message
    }

    @Test(arguments: [
        #"[.message | splits(" *")]"#, #"[.message | scan("\\w*")]"#, #".message | [match("";"g")]"#,
        #".message | [capture("(?<n>\\d*)";"g")]"#, #".message[(.v | tonumber):]"#, "9223372036854775808 * -1 % .minus",
        "1e18 | todate", #"1e300 | strftime("%Y")"#, "0 | strftime(.minus)", #"setpath(["a", 1e9]; 1)"#, "[] | .[1e9] = 1",
        #".message | index("")"#, #""ab" * 1e9"#, "reduce range(1e6) as $i (null; [.])",
        "reduce range(1e6) as $i (null; [.]) | tojson",
        #"[limit(3; repeat("x"))] | implode"#, ".w[] |= . + 1", "fromstream(.v[])", "[range(1e9)]", "[.[]?] | combinations",
        "def f: 1 + f; f", #"[range(300000)] | map(tostring) | join("-") | test("(-*)*9x")"#,
    ])
    func `an expression that ends or overloads libjq fails at most for its own event`(text: String) throws {
        let compiler = Self.compiler()
        let expression = try compiler.compile("if .ok then .ok else \(text) end")
        let numbers = (0..<120_000).map(String.init).joined(separator: ",")
        let hostile = [
            #"{"message":"é","v":"nan","minus":-1}"#, #"{"message":"é é","v":[[0],[1]],"minus":-1}"#,
            #"{"w":[\#(numbers)],"message":"\u0000","v":[[[1000000000],1],[[1000000000]]],"minus":-1}"#,
        ]
        for json in hostile {
            let inputs = [Self.input(#"{"ok":1}"#), Self.input(json), Self.input(#"{"ok":2}"#)]
            let results = compiler.evaluator.evaluate(
                inputs, inputs.indices.map { ExpressionRequest(expression: expression, input: $0) })
            #expect(try results[0]?.get() == .number(1))
            #expect(results[1] != nil)
            #expect(try results[2]?.get() == .number(2))
        }
    }

    @Test func `a crash is reported as one, and the next event is evaluated`() throws {
        let compiler = Self.compiler()
        let expression = try compiler.compile(#"[.message | splits(" *")] | length"#)
        let error = #expect(throws: ExpressionError.self) { try expression.evaluate(Self.input(#"{"message":"é"}"#)) }
        #expect(error?.message.hasPrefix("the evaluation crashed libjq (") == true)
        #expect(try expression.evaluate(Self.input(#"{"message":"a b"}"#)) != .none)
    }

    @Test func `an assertion of libjq is reported in its words`() throws {
        let expression = try Self.compiler().compile(#"1e300 | strftime("%Y")"#)
        let error = #expect(throws: ExpressionError.self) { try expression.evaluate(Self.input("1")) }
        #expect(error?.message.hasPrefix("the evaluation crashed libjq (") == true)
        #expect(error?.message.contains("Assertion `") == true)
        #expect(error?.messageForClient == "the evaluation crashed libjq", "a client cannot use the words")
    }

    @Test func `integers beyond a double keep their digits where they are only passed on`() throws {
        let json =
            #"{"v":308125194256523266,"w":[9007199254740993,1,-308125194256523266,{"x":12345678901234567890123}],"#
            + #""s":"308125194256523266 \"1","k\"":[9007199254740993.0,2.50]}"#
        let value = { (text: String) in try Self.compiler().compile(text).evaluate(Self.input(json)) }
        #expect(try value(".v") == .json("308125194256523266"))
        #expect(
            try value("{a: .v, b: .w}")
                == .json(#"{"a":308125194256523266,"b":[9007199254740993,1,-308125194256523266,{"x":12345678901234567890123}]}"#))
        #expect(try value(".w[1]") == .number(1))
        #expect(try value(".v == 308125194256523266") == .bool(true))
        #expect(try value("[.s, .v][0]") == .string(#"308125194256523266 "1"#))
        #expect(try value(". | keys") == .json(#"["k\"","s","v","w"]"#))
        #expect(try value(#"."k\"" "#) == .json("[9007199254740993,2.5]"), "the same double as an integer of the event")
        let ambiguous = try Self.compiler().compile(".").evaluate(Self.input("[9007199254740993,9007199254740992]"))
        #expect(ambiguous == .json("[9007199254740992,9007199254740992]"))
    }

    @Test func `deeply nested values are left out as by libjq`() throws {
        let deep = String(repeating: "[", count: 250) + "9007199254740993" + String(repeating: "]", count: 250)
        let expression = try Self.compiler().compile("[[[[[[[[[[.]]]]]]]]]]")
        let shallow = try expression.evaluate(Self.input(deep.replacing("9007199254740993", with: "1"))).text
        let exact = try expression.evaluate(Self.input(deep)).text
        // What libjq writes there differs by its version, and is no JSON in any.
        #expect(shallow.contains("<") && exact.contains("<"))
        #expect(exact.prefix { $0 == "[" } == shallow.prefix { $0 == "[" })
    }

    @Test func `memory has a bound, seen from outside`() async throws {
        let compiler = Self.compiler {
            $0.memory = 64 << 20
            $0.time = .seconds(20)
        }
        let expression = try compiler.compile("if .ok then 1 else [limit(1e9; repeat(1))] | length end")
        _ = try expression.evaluate(Self.input(#"{"ok":true}"#))
        try await eventually("one more stands ready") { compiler.evaluator.idleProcesses.count == 2 }
        let workers = compiler.evaluator.idleProcesses
        let atRest = try #require(workers.compactMap { Self.kilobytes("VmSize", $0) }.max())
        let evaluation = Task.detached { try expression.evaluate(Self.input("{}")) }
        var most = 0
        var isOver = false
        let end = Task { _ = await evaluation.result }
        while !isOver {
            for process in workers { most = max(most, Self.kilobytes("VmPeak", process) ?? 0) }
            isOver = compiler.evaluator.losses > 0
            await Task.yield()
        }
        await end.value
        let error = await #expect(throws: ExpressionError.self) { try await evaluation.value }
        #expect(error?.message == "the evaluation needed more than 64 MiB of memory and was ended")
        #expect(most > atRest, "it was seen to grow")
        #expect(most < atRest + 72 << 10)
    }

    @Test func `only the item that ends its worker fails in a batch`() throws {
        let compiler = Self.compiler { $0.time = .milliseconds(40) }
        let crash = try compiler.compile(#".message | [match("";"g")] | length"#)
        let loop = try compiler.compile(".message | if . == \"loop\" then last(repeat(.)) else . end")
        let good = try compiler.compile(".message")
        var inputs: [ExpressionInput] = []
        var requests: [ExpressionRequest] = []
        for index in 0..<60 {
            inputs.append(
                Self.input(index == 20 ? #"{"message":"é"}"# : index == 40 ? #"{"message":"loop"}"# : #"{"message":"\#(index)"}"#)
            )
            for expression in [crash, loop, good] { requests.append(ExpressionRequest(expression: expression, input: index)) }
        }
        let results = compiler.evaluator.evaluate(inputs, requests)
        for index in 0..<60 {
            let own = results[(3 * index)..<(3 * index + 3)]
            #expect((Self.message(own[3 * index]) != nil) == (index == 20), "\(index)")
            #expect((Self.message(own[3 * index + 1]) != nil) == (index == 40), "\(index)")
            #expect(Self.message(own[3 * index + 2]) == nil, "\(index)")
        }
        #expect(compiler.evaluator.losses == 2)
    }

    @Test func `an expression that keeps ending its worker is paused`() throws {
        let compiler = Self.compiler {
            $0.faults = 3
            $0.time = .milliseconds(20)
            $0.pause = .seconds(600)
        }
        let seen = Seen()
        compiler.onFault { fault, isClient in seen.add(fault, isClient) }
        let loop = try compiler.compile("if . == 1 then last(repeat(.)) else . end")
        let other = try compiler.compile(". + 1")
        let inputs = (0..<200).map { Self.input("\($0 % 2)") }
        let results = compiler.evaluator.evaluate(
            inputs,
            inputs.indices.flatMap {
                [ExpressionRequest(expression: loop, input: $0), ExpressionRequest(expression: other, input: $0)]
            })
        let messages = inputs.indices.compactMap { Self.message(results[2 * $0]) }
        #expect(messages.filter { $0.hasPrefix("the evaluation took longer than") }.count == 3)
        #expect(
            messages.filter { $0.hasPrefix("not evaluated: ") && $0.hasSuffix("retried in 600 s") }.count == messages.count
                - 3)
        #expect(inputs.indices.allSatisfy { Self.message(results[2 * $0 + 1]) == nil }, "others continue")
        #expect(compiler.evaluator.losses == 3)
        #expect(seen.faults.map(\.reason) == ["time", "time", "time"])
        #expect(seen.faults.map { $0.pause != nil } == [false, false, true])
    }

    @Test func `a paused expression is evaluated again`() async throws {
        let compiler = Self.compiler {
            $0.faults = 1
            $0.time = .milliseconds(20)
            $0.pause = .milliseconds(300)
        }
        let loop = try compiler.compile("if . == 1 then last(repeat(.)) else . end")
        #expect(throws: ExpressionError.self) { try loop.evaluate(Self.input("1")) }
        try await eventually("it is evaluated again") { (try? loop.evaluate(Self.input("2"))) == .number(2) }
    }

    @Test func `a worker that is killed from outside costs no event`() async throws {
        let compiler = Self.compiler()
        let expression = try compiler.compile(". + 1")
        for round in 0..<5 {
            #expect(try expression.evaluate(Self.input("\(round)")) == .number(Double(round + 1)))
            for process in compiler.evaluator.idleProcesses { kill(process, SIGKILL) }
        }
        #expect(compiler.evaluator.losses >= 4)
    }

    @Test func `a worker that is stopped is given up`() throws {
        let compiler = Self.compiler { $0.time = .milliseconds(10) }
        let expression = try compiler.compile(". + 1")
        #expect(try expression.evaluate(Self.input("1")) == .number(2))
        for process in compiler.evaluator.idleProcesses { kill(process, SIGSTOP) }
        #expect(try expression.evaluate(Self.input("1")) == .number(2))
    }

    @Test func `a missing program is reported`() {
        let compiler = JQCompiler(executable: "/nonexistent")
        let error = #expect(throws: ExpressionError.self) { try compiler.compile(".a + 1") }
        #expect(error?.message == "no expression worker can be started: starting /nonexistent: No such file or directory")
        let other = #expect(throws: ExpressionError.self) { try JQCompiler(executable: "/bin/true").compile(".a + 1") }
        #expect(other?.message == "no expression worker can be started: /bin/true expression-worker did not start")
    }

    @Test func `a worker cannot reach the system`() throws {
        let compiler = Self.compiler()
        let expression = try compiler.compile(". + 1")
        _ = try expression.evaluate(Self.input("1"))
        let process = try #require(compiler.evaluator.idleProcesses.first)
        let status = String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/status"), as: UTF8.self)
        #expect(status.contains("NoNewPrivs:\t1"))
        #expect(status.contains("Seccomp:\t2"), "this machine has seccomp")
        #expect(status.contains("Threads:\t1"))
        let limits = String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/limits"), as: UTF8.self)
            .split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
        #expect(limits.contains { $0.hasPrefix("Max open files 0 0") })
        #expect(limits.contains { $0.hasPrefix("Max core file size 0 0") })
        #expect(limits.contains { $0.hasPrefix("Max file size 4096 4096") })
        #expect(!limits.contains { $0.hasPrefix("Max address space unlimited") })
        #expect(!limits.contains { $0.hasPrefix("Max cpu time unlimited") })
        #expect(TemporaryDirectory.contents(of: "/proc/\(process)/oom_score_adj").starts(with: "1000".utf8))
        // Only root can inspect a process that cannot be dumped.
        guard geteuid() == 0 else { return }
        #expect(TemporaryDirectory.names(in: "/proc/\(process)/fd").sorted() == ["0", "1", "2"])
        let environment = String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/environ"), as: UTF8.self)
        #expect(!environment.contains("PATH=/") && !environment.contains("HOME="))
    }

    @Test func `local time is that of the machine`() throws {
        let value = try Self.compiler().compile(#"0 | localtime | mktime"#).evaluate(Self.input("1"))
        #expect(value != .none)
        #expect(try Self.compiler().compile(#"0 | strflocaltime("%Y")"#).evaluate(Self.input("1")) != .null)
    }

    @Test func `large batches and large events come through`() throws {
        let compiler = Self.compiler { $0.time = .seconds(5) }
        let expression = try compiler.compile(".a | length")
        let large = String(repeating: "x", count: 3 << 20)
        let inputs = (0..<700).map { Self.input(#"{"a":"\#($0 % 100 == 7 ? large : String(repeating: "y", count: $0))"}"#) }
        let results = compiler.evaluator.evaluate(
            inputs, inputs.indices.map { ExpressionRequest(expression: expression, input: $0) })
        for index in inputs.indices {
            #expect(try results[index]?.get() == .number(Double(index % 100 == 7 ? 3 << 20 : index)))
        }
    }

    @Test func `results that take much memory are left out, and one that is too long fails`() throws {
        let compiler = Self.compiler { $0.time = .seconds(5) }
        let expression = try compiler.compile(#"("x" * 5000000) + ."#)
        let inputs = (0..<20).map { _ in Self.input(#""y""#) }
        let results = compiler.evaluator.evaluate(
            inputs, inputs.indices.map { ExpressionRequest(expression: expression, input: $0) })
        let found = results.compactMap { $0 }
        #expect((6..<12).contains(found.count))
        #expect(results[found.count...].allSatisfy { $0 == nil })
        let error = #expect(throws: ExpressionError.self) {
            try compiler.compile(#"("x" * 20000000) + ."#).evaluate(Self.input(#""y""#))
        }
        #expect(error?.message == "the result is longer than 16 MiB")
    }

    private static func kilobytes(_ name: String, _ process: pid_t) -> Int? {
        String(decoding: TemporaryDirectory.contents(of: "/proc/\(process)/status"), as: UTF8.self).split(separator: "\n")
            .first { $0.hasPrefix(name + ":") }?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }
    }
}
