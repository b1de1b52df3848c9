import JSON
import NIOCore
import Testing

struct JSONTests {
    private let parser = JSONParser()

    private func text(_ json: String, _ pick: (JSONElement) -> JSONElement?) throws -> String? {
        try pick(self.parser.parse(ByteBuffer(string: json)))?.text()
    }

    @Test func `values are found by key and index`() throws {
        let json = #"{"a":{"b":[1,-2.5,"x",true,null,18446744073709551615]},"é":"ü"}"#
        for (index, expected) in ["1", "-2.5", "x", "true", "", "18446744073709551615"].enumerated() {
            guard index < 5 else { continue }
            #expect(try self.text(json) { $0["a"]?["b"]?[index] } == expected)
        }
        #expect(try self.text(json) { $0["é"] } == "ü")
        #expect(try self.text(json) { $0["missing"] } == nil)
        #expect(try self.text(json) { $0["a"]?["b"]?[6] } == nil)
        #expect(try self.text(json) { $0["a"]?["b"]?[-1] } == nil)
    }

    @Test func `the last of several members of one name counts`() throws {
        let json = #"{"a":1,"b":{"c":[1],"c":{"d":1,"d":2}},"a":{"x":0},"\u0061":3}"#
        #expect(try self.text(json) { $0["a"] } == "3")
        #expect(try self.text(json) { $0["b"]?["c"]?["d"] } == "2")
        #expect(JSONScanner.member("b", of: ByteBuffer(string: #"{"b":1,"c":"b","b": [2] ,"d":3}"#)) == ByteBuffer(string: "[2]"))
        #expect(JSONScanner.member("b", of: ByteBuffer(string: #"{"b":1,"b":2}"#)) == ByteBuffer(string: "2"))
    }

    @Test(arguments: [
        (#"{"a":"\ud800"}"#, "\u{FFFD}"), (#"{"a":"x\uDC00y"}"#, "x\u{FFFD}y"), (#"{"a":"\ud83d\ude00"}"#, "😀"),
        (#"{"a":"\ud83d\ud83d\ude00"}"#, "\u{FFFD}😀"), (#"{"a":"\\ud800"}"#, #"\ud800"#),
        (#"{"a":"\ud800\n","b":123456789012345678901}"#, "\u{FFFD}\n"),
    ])
    func `half a surrogate pair is read as the replacement character`(json: String, expected: String) throws {
        #expect(try self.text(json) { $0["a"] } == expected)
    }

    @Test(arguments: [#"{"a":"\ud8"}"#, #"{"a":"\ud800\q"}"#, #"{"a":"\ud800}"#])
    func `other mistakes in a string are still refused`(json: String) {
        #expect(throws: JSONError.self) { try self.text(json) { $0["a"] } }
    }

    @Test func `a container's text is compact JSON`() throws {
        #expect(
            try self.text(#"{ "a" : [ 1 , "q\"\n" , { } , [ ] ] , "b" : 18446744073709551615 }"#) { $0 }
                == #"{"a":[1,"q\"\n",{},[]],"b":18446744073709551615}"#
        )
    }

    @Test func `a parser gives the memory of a large document back, and keeps that of a small one`() throws {
        let large = "[\(String(repeating: "1,", count: 200_000))1]"
        for _ in 0..<3 {
            #expect(try self.parser.parse(ByteBuffer(string: large)).count == 200_001)
            #expect(self.parser.capacity >= large.utf8.count)
            self.parser.trim()
            #expect(self.parser.capacity == 0)
            let small = try self.parser.parse(ByteBuffer(string: #"{"a":[1,2]}"#))
            self.parser.trim()
            #expect(small["a"]?.text() == "[1,2]", "the values of a small document live on")
        }
    }

    @Test(arguments: [
        "", "{", "[1,]", "{\"a\" 1}", "nul", "\"\u{1}\"", "01", "{\"a\":1}}",
        String(repeating: "[", count: 600) + String(repeating: "]", count: 600),
    ])
    func `an invalid JSON document is refused`(text: String) {
        #expect(throws: JSONError.self) { try JSONParser().parse(ByteBuffer(string: text)) }
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        let bytes = ByteBuffer(bytes: [0x22, 0xFF, 0x22])
        #expect(throws: JSONError.self) { try JSONParser().parse(bytes) }
        #expect(!bytes.isValidUTF8)
        #expect(ByteBuffer(string: "ü").isValidUTF8)
        #expect(ByteBuffer().isValidUTF8)
    }

    @Test func `a string survives a round trip on one line`() throws {
        let text = String(String.UnicodeScalarView((0...0x2FF).compactMap { UnicodeScalar($0) })) + "😀\u{2028}\"\\"
        var buffer = ByteBuffer()
        JSONWriter.write(text, to: &buffer)
        #expect(buffer.readableBytesView.allSatisfy { $0 >= 0x20 })
        #expect(try self.parser.parse(buffer).string == text)
    }

    @Test(arguments: [
        (#"{"payload": {"a":[1,"}"]} ,"b":1}"#, #"{"a":[1,"}"]}"#), (#"{"x":{"payload":1},"payload":"q\"}"}"#, #""q\"}""#),
        (#" { "payload" : 12 } "#, "12"), (#"{"b":[],"payload":null}"#, "null"), (#"{"b":"\\","payload":[ ]}"#, "[ ]"),
    ])
    func `a member is found byte for byte`(json: String, expected: String) {
        #expect(JSONScanner.member("payload", of: ByteBuffer(string: json)).map { String(buffer: $0) } == expected)
    }

    @Test(arguments: ["{}", "[]", "1", #"{"payloads":1}"#, #"{"a":{"payload":1}}"#, #""payload""#])
    func `a member that is not there is not found`(json: String) {
        #expect(JSONScanner.member("payload", of: ByteBuffer(string: json)) == nil)
    }

    @Test func `line breaks between values are removed`() {
        #expect(String(buffer: JSONScanner.singleLine(ByteBuffer(string: "{\r\n \"a\":\n1}"))) == "{ \"a\":1}")
    }
}
