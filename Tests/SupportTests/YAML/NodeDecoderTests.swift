import Testing
import YAML

struct NodeDecoderTests {
    private static func decode<Value: Decodable>(_ type: Value.Type, _ text: String) throws -> Value {
        try NodeDecoder(#require(try Composer.compose(text))).decode(type)
    }

    @Test(arguments: [
        ("5", 5), ("-5", -5), ("+5", 5), ("1_000", 1000), ("0x1F", 31), ("-0x10", -16), ("0o17", 15), ("0b101", 5), ("0", 0),
    ])
    func `A plain number is read in each notation`(text: String, value: Int) throws {
        #expect(try Self.decode(Int.self, text) == value)
    }

    @Test(arguments: [
        "'5'", "\"5\"", "010", "5.0", "1e3", "10:30", "0x", "0x-5", "_5", "-", "five", "9223372036854775808", "[5]", "''", "~",
    ])
    func `What is not a whole number is refused`(text: String) {
        #expect(throws: DecodingError.self) { try Self.decode(Int.self, text) }
    }

    @Test(arguments: [("65535", true), ("65536", false), ("-1", false)])
    func `A number beyond its type is refused`(text: String, fits: Bool) {
        #expect((try? Self.decode(UInt16.self, text)) == (fits ? UInt16(text) : nil))
    }

    @Test(arguments: [("0.5", 0.5), ("5", 5), ("-1e3", -1000), ("1_0.5", 10.5), (".5", 0.5)])
    func `A plain decimal number is read`(text: String, value: Double) throws {
        #expect(try Self.decode(Double.self, text) == value)
    }

    @Test(arguments: ["'0.5'", ".inf", ".nan", "nan", "inf", "infinity", "0x1p3", "1e999", "half"])
    func `What is not a finite decimal number is refused`(text: String) {
        #expect(throws: DecodingError.self) { try Self.decode(Double.self, text) }
    }

    @Test(arguments: [("true", true), ("Yes", true), ("ON", true), ("false", false), ("no", false), ("Off", false)])
    func `A boolean is read in each spelling`(text: String, value: Bool) throws {
        #expect(try Self.decode(Bool.self, text) == value)
    }

    @Test(arguments: ["'true'", "tRuE", "1", "y"])
    func `What is not a boolean is refused`(text: String) {
        #expect(throws: DecodingError.self) { try Self.decode(Bool.self, text) }
    }

    @Test(arguments: ["5", "true", "'5'", "~", "2026-11-29"])
    func `Every scalar is text as well`(text: String) throws {
        #expect(try Self.decode(String.self, text) == text.filter { $0 != "'" })
    }

    private struct Server: Decodable, Equatable {
        var host: String
        var port: UInt16?
        var tags: [String]
        var limits: [String: Int]?
    }

    @Test func `Nested values become a type`() throws {
        let text = "{ host: a, port: ~, tags: [x, y], limits: { b: 2 } }"
        #expect(try Self.decode(Server.self, text) == Server(host: "a", port: nil, tags: ["x", "y"], limits: ["b": 2]))
        #expect(try Self.decode([Int?].self, "[1, ~, 3]") == [1, nil, 3])
    }

    @Test(arguments: [
        ("{ host: [a], tags: [] }", "host"), ("{ host: a, tags: [x, {}] }", "tags Index 1"),
        ("{ host: a, tags: [], limits: { b: two } }", "limits b"),
        ("{ host: a, tags: [], port: 70000 }", "port"), ("{ host: a, tags: x }", "tags"),
    ])
    func `A value of another type is refused with its path`(text: String, path: String) {
        let error = #expect(throws: DecodingError.self) { try Self.decode(Server.self, text) }
        guard case .typeMismatch(_, let context) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(context.codingPath.map(\.stringValue).joined(separator: " ") == path)
    }

    @Test func `A missing key is refused by its name`() {
        let error = #expect(throws: DecodingError.self) { try Self.decode(Server.self, "{ host: a }") }
        guard case .keyNotFound(let key, _) = error else {
            Issue.record("another error: \(String(describing: error))")
            return
        }
        #expect(key.stringValue == "tags")
    }
}
