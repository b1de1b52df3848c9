import BridgeCore
import NIOCore
import Testing

@testable import MQTTAdapter

struct MQTTTopicTemplateTests {
    private func topic(_ template: String, title: String = "", subject: String = "", keepsSlashes: Bool = false) throws -> String
    {
        let event = Event(
            id: "1", title: title, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            source: "s", subject: subject, attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits()
        )
        let reader = EventReader()
        reader.load(event)
        return try MQTTTopicTemplate(template: Template(template, compiler: nil), keepsSlashes: keepsSlashes).render(reader)
    }

    @Test(
        arguments: [
            ("kitchen", "kitchen"), ("a/b", "a_b"), ("+", "_"), ("#", "_"), ("a\0b", "a_b"), ("a\nb", "a_b"), ("\u{9f}", "_"),
            ("$SYS", "$SYS"), ("ä ö", "ä ö"), ("\u{fffe}", "_"), ("", ""),
        ]
    )
    func `a value of an event cannot change the levels of the topic`(text: String, escaped: String) throws {
        let template = LevelTemplate(template: try Template("x", compiler: nil), keepsSlashes: false)
        #expect(template.escaped(text) == escaped)
    }

    @Test func `slashes are kept where configured, wildcards never`() throws {
        #expect(try self.topic("bridge/{{ $subject }}", subject: "home/+/x", keepsSlashes: true) == "bridge/home/_/x")
        #expect(try self.topic("bridge/{{ $subject }}", subject: "home/+/x") == "bridge/home___x")
    }

    @Test func `an event cannot choose the broker's own topics`() throws {
        #expect(try self.topic("{{ $subject }}", subject: "$SYS/x", keepsSlashes: true) == "_SYS/x")
        #expect(try self.topic("bridge/{{ $subject }}", subject: "$SYS") == "bridge/$SYS")
    }

    @Test func `a topic that lacks one of its values is refused with the reason`() throws {
        let refusal = #expect(throws: MQTTTopicTemplate.Refusal.self) { try self.topic("z/{{ .payload.device }}/set") }
        #expect(
            refusal?.reason
                == "the topic z/{{ .payload.device }}/set cannot be rendered: {{ .payload.device }} has no value in this event")
    }

    @Test func `a topic that is empty or too long is refused with the reason`() throws {
        let empty = #expect(throws: MQTTTopicTemplate.Refusal.self) { try self.topic("{{ $subject }}") }
        #expect(empty?.reason == "the topic rendered from {{ $subject }} is empty")
        let long = #expect(throws: MQTTTopicTemplate.Refusal.self) {
            try self.topic("a{{ $subject }}", subject: String(repeating: "x", count: 65_535))
        }
        #expect(long?.reason == "the topic rendered from a{{ $subject }} has 65536 bytes; 65535 are allowed")
    }
}

struct Base64Tests {
    @Test(
        arguments: [
            ([], ""), ([0x66], "Zg=="), ([0x66, 0x6f], "Zm8="), ([0x66, 0x6f, 0x6f], "Zm9v"),
            ([0xff, 0xfe, 0xfd, 0], "//79AA=="),
        ] as [([UInt8], String)]
    )
    func `bytes are written as RFC 4648 says`(bytes: [UInt8], text: String) {
        #expect(bytes.withUnsafeBytes { String(base64: $0) } == text)
        #expect([UInt8](base64: text) == bytes)
    }

    @Test(arguments: ["Z", "Zg=", "Zg==Zg==", "Z===", "Zg-_", "===="])
    func `invalid base64 is reported`(text: String) {
        #expect([UInt8](base64: text) == nil)
    }
}
