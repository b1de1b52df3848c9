import BridgeCore
import BridgeTesting
import Expressions
import NIOCore
import Testing

/// What templates make of a number without a worker, compared with libjq.
@Suite struct NativeDigitsTests {
    private static let compiler = JQCompiler(executable: BridgeProcess.executable)

    private static func event(_ value: String) -> Event {
        Event(
            id: "m", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: ByteBuffer(string: #"{"v":\#(value)}"#), source: "s", subject: "", attributes: Attributes(),
            raw: ByteBuffer(),
            limits: EventLimits()
        )
    }

    private static func native(_ template: Template, _ event: Event) throws -> String {
        let reader = EventReader()
        reader.load(event)
        return try template.render(reader)
    }

    @Test(arguments: ["tojson", "tostring"])
    func `tojson and tostring of a path are those of jq for every value that a double holds`(function: String) throws {
        let template = try Template("{{ .payload.v | \(function) }}", compiler: Self.compiler)
        // The parentheses cause an evaluation by the worker.
        let worker = try Template("{{ (.payload.v) | \(function) }}", compiler: Self.compiler)
        var generator = SeededGenerator(seed: 6)
        var values = [
            "0", "-0", "1", "-1", "null", "true", "false", #""a""#, #""é\n""#, "[]", "[1,2.5]", #"{"a":{}}"#, "1.0", "2.50",
            "1e3", "1e-7",
            "9007199254740991", "-9007199254740991", "1e17", "0.1", "123456789012",
        ]
        for _ in 0..<500 {
            let bits = Int.random(in: 1...53, using: &generator)
            values.append("\(Int64.random(in: -(1 << bits) + 1..<(1 << bits), using: &generator))")
        }
        for value in values {
            let event = Self.event(value)
            #expect(try Self.native(template, event) == Self.native(worker, event), "\(value)")
        }
    }

    @Test(arguments: [
        "308125194256523266", "-9223372036854775808", "9223372036854775807", "18446744073709551615", "9007199254740993",
    ])
    func `a whole number of 64 bits keeps its digits`(value: String) throws {
        for text in ["{{ .payload.v | tojson }}", "{{.payload.v|tostring}}", "{{ .payload.v }}", "{{ .payload.v + 0 }}"] {
            #expect(try Self.native(Template(text, compiler: Self.compiler), Self.event(value)) == value, "\(text)")
        }
        let whole = try Template("{{ {a: [.payload.v]} }}", compiler: Self.compiler)
        #expect(try Self.native(whole, Self.event(value)) == #"{"a":[\#(value)]}"#)
    }

    @Test func `an event without the value is left to jq`() throws {
        let template = try Template("[{{ .payload.w | tojson }}]", compiler: Self.compiler)
        #expect(try Self.native(template, Self.event("1")) == "[null]")
    }
}
