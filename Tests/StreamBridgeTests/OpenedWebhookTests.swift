import BridgeTesting
import NIOCore
import Testing

/// Bodies of webhooks that `normalise` opens, and the characters of bodies.
struct OpenedWebhookTests {
    private static let file = """
        sources:
          packed: { type: webhook, id: packed, ack: received, normalise: { decode: [base64, json] } }
          twice: { type: webhook, id: twice, ack: received, normalise: { decode: json } }
          sns: { type: webhook, id: sns, ack: received, normalise: { root: .payload.Message } }
          list: { type: webhook, id: list, ack: received, normalise: { split: .payload } }
          form: { type: webhook, id: form, ack: received, normalise: { decode: form } }
          plain: { type: webhook, id: plain, ack: received }
        sinks: { out: { type: file, path: "{directory}/out.jsonl" } }
        routes: [{ to: out, set: { message: "{{ .title }}: {{ .message }}" } }]

        """

    private static let utf16 = ByteBuffer(
        bytes: [0xFF, 0xFE] + #"{"title":"a","message":"ü"}"#.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] })
    private static let latin = ByteBuffer(bytes: Array(#"{"title":"a","message":""#.utf8) + [0xFC] + Array(#""}"#.utf8))

    @Test func `what is opened first need not be the JSON that the sender declares`() async throws {
        let bridge = try await BridgeProcess.start(Self.file)
        let json = "application/json"
        let requests: [(id: String, body: ByteBuffer, type: String)] = [
            ("packed", .init(string: "eyJ0aXRsZSI6ImEiLCJtZXNzYWdlIjoiYmFzZTY0In0="), json),
            ("twice", .init(string: #""{\"title\":\"a\",\"message\":\"twice\"}""#), json),
            ("sns", .init(string: #"{"Type":"Notification","Message":"{\"title\":\"a\",\"message\":\"sns\"}"}"#), json),
            ("list", .init(string: #"[{"title":"a","message":"one"},{"title":"a","message":"two"}]"#), json),
            ("form", .init(string: "title=a&message=form"), "application/x-www-form-urlencoded"),
            ("plain", .init(string: "\u{FEFF}" + #"{"title":"a","message":"mark"}"#), json),
            ("plain", Self.utf16, "application/json; charset=utf-16"),
            ("plain", Self.latin, "application/json; charset=iso-8859-1"),
        ]
        for (id, body, type) in requests {
            let answer = try await bridge.post("/n/\(id)", body, type: type)
            #expect(answer.status == 201, "\(id): \(answer.text)")
        }
        try await eventually("all events are written") { bridge.lines(of: "out.jsonl").count == 9 }
        let lines = bridge.lines(of: "out.jsonl")
        for (line, words) in zip(lines, ["base64", "twice", "sns", "one", "two", "form", "mark", "ü", "ü"]) {
            #expect(line.contains(#""message":"a: \#(words)""#), "\(line)")
        }
        #expect(try await bridge.post("/n/plain", .init(string: "[]"), type: json).status == 400)
        #expect(try await bridge.post("/n/plain", .init(string: "{"), type: json).status == 400)
    }
}
