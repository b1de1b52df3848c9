import BridgeTesting
import NIOCore
import Testing

@testable import BridgeCore

struct NormaliserTests {
    private let now = Timestamp(milliseconds: 1_768_471_200_000)

    private func outcome(
        _ body: String, contentType: String? = nil, subject: String = "home/door", attributes: [Attributes.Element] = [],
        upstreamID: String? = nil, settings: NormaliseSettings = NormaliseSettings()
    ) -> Normaliser.Outcome {
        Normaliser(source: "in", settings: settings, bridge: "bridge").event(
            from: ReceivedMessage(
                subject: subject, body: ByteBuffer(string: body), contentType: contentType, upstreamID: upstreamID,
                attributes: Attributes(attributes)
            ),
            now: self.now
        )
    }

    private func event(_ body: String, contentType: String? = nil, attributes: [Attributes.Element] = []) -> Event {
        self.outcome(body, contentType: contentType, attributes: attributes).event
    }

    @Test func `the model's own JSON comes out byte for byte`() {
        let body =
            #"{"id":"msg_1","title":"T","message":"M","priority":4,"tags":["a","b"],"timestamp":"2026-01-15T10:00:00.000Z","payload":{"x": 1.50 }}"#
        let outcome = self.outcome(body)
        #expect(outcome.isNative)
        #expect(String(buffer: outcome.event.json) == body)
        #expect(outcome.event.payload.map { String(buffer: $0) } == #"{"x": 1.50 }"#)
        #expect(String(buffer: self.event(String(buffer: outcome.event.json)).json) == body)
    }

    @Test func `an event without a title keeps being without one over any number of bridges`() {
        let first = self.event("hello", attributes: [("x-title", "")])
        var json = String(buffer: self.event(#"{"message":"m"}"#).json)
        for _ in 0..<5 {
            let again = self.event(json)
            #expect(again.title == nil)
            #expect(String(buffer: again.json) == json)
            json = String(buffer: again.json)
        }
        #expect(first.title == nil)
    }

    @Test func `a payload member is never nested again`() {
        let event = self.event(#"{"message":"m","payload":{"cpu":93}}"#)
        #expect(event.payload.map { String(buffer: $0) } == #"{"cpu":93}"#)
        #expect(event.title == nil)
    }

    @Test(arguments: [
        (#"{"subject":"S","text2":1,"content":"C"}"#, "S", "C"),
        (#"{"title":"","name":"N","msg":"M","action":"opened"}"#, "opened: N", "M"),
        (#"{"issue":{"title":"Broken","body":"it is"},"x":1}"#, "Broken", "it is"),
        (#"{"event":{"name":"inner"},"title":"outer","summary":"s"}"#, "outer", "s"),
        (#"{"data":["title"],"description":"d"}"#, "home/door", "d"),
    ])
    func `any vendor's JSON is read by its usual keys`(body: String, title: String?, message: String) {
        let event = self.event(body)
        #expect(event.title == title)
        #expect(event.message == message)
        #expect(event.payload.map { String(buffer: $0) } == body, "the payload is the whole body")
    }

    @Test func `priority and tags count at the top level only`() {
        let event = self.event(#"{"message":"m","priority":4.4,"tags":"a, b,,c","data":{"priority":1},"x":0}"#)
        #expect(event.priority == 4)
        #expect(event.tags == ["a", "b", "c"])
        #expect(self.event(#"{"message":"m","priority":"5","x":0}"#).priority == 5)
        #expect(self.event(#"{"message":"m","priority":"high","x":0}"#).priority == 4)
        #expect(self.event(#"{"message":"m","priority":99,"x":0}"#).priority == 5)
        #expect(self.event(#"{"message":"m","tags":["a",1,"b"],"x":0}"#).tags == ["a", "b"])
    }

    @Test(
        arguments: [
            (#"{"text":"hello"}"#, "hello", "home/door"),
            (
                #"{"blocks":[{"type":"section","text":{"text":"one"}},{"type":"divider"},{"type":"section","text":{"text":"two"}}]}"#,
                "one\ntwo", "home/door"
            ),
            (
                #"{"blocks":[{"type":"header","text":{"text":"H"}},{"type":"rich_text","elements":[{"elements":[{"text":"a"},{"text":"b"}]}]}]}"#,
                "ab", "H"
            ),
            (#"{"attachments":[{"pretext":"p"},{"title":"T","fallback":"f"}],"priority":2}"#, "p", "T"),
        ] as [(String, String, String?)])
    func `Slack's shape is understood`(body: String, message: String, title: String?) {
        let event = self.event(body, contentType: "application/json; charset=utf-8")
        #expect(event.message == message)
        #expect(event.title == title)
    }

    @Test func `CloudEvents, ntfy and Gotify are understood`() {
        let cloud = self.event(
            #"{"specversion":"1.0","type":"t","source":"/s","id":"A-1","time":"2026-01-01T00:00:00Z","subject":"sub","data":{"message":"m"}}"#
        )
        #expect(cloud.id == "A-1")
        #expect(cloud.title == "sub")
        #expect(cloud.message == "m")
        #expect(cloud.timestamp.description == "2026-01-01T00:00:00.000Z")
        let ntfy = self.event(
            #"{"id":"x1","time":1768471200,"event":"message","topic":"alerts","message":"m","priority":5,"tags":["a"]}"#)
        #expect(ntfy.id == "x1")
        #expect(ntfy.title == "alerts")
        #expect(ntfy.priority == 5)
        #expect(ntfy.timestamp == self.now)
        let gotify = self.event(#"{"id":25,"appid":5,"message":"m","title":"t","priority":8,"date":"2026-01-15T10:00:00Z"}"#)
        #expect(gotify.priority == 4)
        #expect(gotify.timestamp == self.now)
    }

    @Test func `text is the message and headers give the rest`() {
        let event = self.event("disk full", attributes: [("x-title", "web-01"), ("x-priority", "4"), ("x-tags", "disk, ops")])
        #expect(event.title == "web-01")
        #expect(event.message == "disk full")
        #expect(event.priority == 4)
        #expect(event.tags == ["disk", "ops"])
        #expect(event.payload == nil)
        #expect(self.event("x", attributes: [("x-priority", "urgent")]).priority == 5)
        #expect(self.event("x", attributes: [("x-priority", "1 (Highest)")]).priority == 1)
        #expect(self.event("x", attributes: [("priority", "u=1, i")]).priority == nil)
        #expect(self.event("x", attributes: [("title", "T"), ("priority", "high"), ("tags", "a,b")]).title == "T")
        #expect(self.event("x").title == "home/door")
    }

    @Test func `a body declared as JSON that is not JSON is carried as text and counted`() {
        let outcome = self.outcome("{\"a\":", contentType: "application/json")
        #expect(outcome.event.message == "{\"a\":")
        #expect(outcome.problem?.hasPrefix("the body is not JSON: ") == true)
        #expect(self.outcome("{not json").problem == nil)
    }

    @Test func `arrays and scalars keep the whole body`() {
        let event = self.event("[1, 2]")
        #expect(event.title == "home/door")
        #expect(event.message == "1, 2")
        #expect(event.payload.map { String(buffer: $0) } == "[1, 2]")
        #expect(self.event("42", contentType: "application/json").message == "42")
    }

    @Test func `binary bodies survive as base64`() {
        let bytes = ByteBuffer(bytes: Array(UInt8.min...UInt8.max))
        let outcome = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(
            from: ReceivedMessage(subject: "s", body: bytes), now: self.now
        )
        #expect(outcome.event.attributes["encoding"] == "base64")
        #expect(outcome.event.message == "256 bytes that are not text")
        #expect(outcome.event.payload.map { String(buffer: $0) }?.hasPrefix("\"AAECAwQF") == true)
        #expect(outcome.event.raw == bytes)
    }

    @Test func `a cut text is reported, unless the payload has it whole`() {
        let long = String(repeating: "x", count: 4001)
        #expect(self.outcome(long).isCut)
        #expect(!self.outcome(String(long.dropFirst())).isCut)
        #expect(self.outcome("{\"message\":\"\(long)\",\"payload\":{\"a\":1}}").isCut)
        #expect(self.outcome("{\"title\":\"\(long)\",\"message\":\"\"}").isCut)
        #expect(!self.outcome("{\"text\":\"\(long)\",\"of\":\"another shape\"}").isCut)
    }

    @Test func `long text is cut without splitting a character`() {
        let event = self.event(
            #"{"title":"\#(String(repeating: "😀", count: 101))","message":"\#(String(repeating: "x", count: 4001))"}"#)
        #expect(event.title == String(repeating: "😀", count: 100))
        #expect(event.message.count == 4000)
    }

    @Test func `nothing in a body or subject can forge a line`() {
        let outcome = self.outcome("a\r\nid: 1\rdata: x\u{2028}", subject: "a\r\nid: 1")
        #expect(!String(buffer: outcome.event.json).contains { $0 == "\r" || $0 == "\n" || $0 == "\r\n" })
        #expect(outcome.event.subject == "a\u{FFFD}\u{FFFD}id: 1")
        let pretty = self.event("{\r\n  \"message\": \"m\",\n  \"x\": [1,\r2]\n}")
        #expect(!String(buffer: pretty.json).contains { $0.isNewline })
        #expect(pretty.message == "m")
    }

    @Test(arguments: [
        #"{"message":"m","id":"a","id":"b"}"#, #"{"message":"m","message":"n"}"#, #"{"message":"m","other":1}"#,
    ])
    func `an unknown or repeated key is kept in the payload`(body: String) {
        #expect(self.event(body).payload.map { String(buffer: $0) } == body)
    }

    @Test func `a value of the wrong type is kept in the payload`() {
        let body = #"{"message":"m","priority":"high"}"#
        #expect(self.event(body).payload.map { String(buffer: $0) } == body)
    }

    @Test func `attributes contain no line breaks, and hops are validated`() {
        let event = self.event("x", attributes: [("a", "b\r\nc"), ("streambridge-hops", "300")])
        #expect(event.attributes["a"] == "b\u{FFFD}\u{FFFD}c")
        #expect(event.provenance.hops == 255)
        #expect(self.event("x", attributes: [("streambridge-hops", "-5")]).provenance.hops == 1)
        #expect(self.event("x", attributes: [("streambridge-hops", "many")]).provenance.hops == 255)
    }

    @Test func `an unsafe id is replaced, a safe upstream one is used`() {
        #expect(self.outcome("x", upstreamID: "1-0").event.id == "1-0")
        #expect(self.outcome("x", upstreamID: "urn:uuid:7 ä").event.id == "urn%3Auuid%3A7%20%C3%A4")
        #expect(self.outcome("x", upstreamID: String(repeating: ":", count: 60)).event.id.hasPrefix("msg_"))
        #expect(self.outcome("x", upstreamID: "a\u{7}b").event.id.hasPrefix("msg_"))
        #expect(self.event(#"{"id":"a\nb","message":"m"}"#).id.hasPrefix("msg_"))
    }

    @Test func `deep and broken JSON is survived`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(self.event(deep).message.count == 4000)
        var random = SeededGenerator(seed: 7)
        let body = #"{"id":"a","title":"T","message":"M","tags":["a"],"payload":{"x":[1,2,{"y":null}],"z":"\u00e9"}}"#
        for _ in 0..<3000 {
            var bytes = Array(body.utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            let event = Normaliser(source: "in", settings: NormaliseSettings(), bridge: "b").event(
                from: ReceivedMessage(subject: "s", body: ByteBuffer(bytes: bytes)), now: self.now
            ).event
            #expect(event.json.readableBytesView.allSatisfy { $0 >= 0x20 || $0 == 0x09 })
        }
    }

    @Test func `hops grow and the first bridge stays the origin`() {
        #expect(self.event("x").provenance == Provenance(origin: "bridge", hops: 1))
        let later = self.event(
            "x", attributes: [("streambridge-origin", "first"), ("streambridge-hops", "3"), ("traceparent", "00-a")])
        #expect(later.provenance == Provenance(origin: "first", hops: 4, trace: "00-a"))
    }
}
