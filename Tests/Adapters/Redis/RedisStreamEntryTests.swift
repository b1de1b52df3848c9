import BridgeCore
import NIOCore
import Testing

@testable import RedisAdapter

struct RedisStreamEntryTests {
    private func entry(_ fields: [(String, String)]?) -> RedisStreamEntry {
        RedisStreamEntry(id: "1768471200000-7", fields: fields?.map { (ByteBuffer(string: $0.0), ByteBuffer(string: $0.1)) })
    }

    @Test func `bytes that are not text become base64, and attributes name them`() throws {
        let bytes = ByteBuffer(bytes: [0xFF, 0x00, 0x41])
        let entry = RedisStreamEntry(
            id: "1-0",
            fields: [
                (ByteBuffer(string: "a\"b"), bytes), (bytes, ByteBuffer(string: "text")), (ByteBuffer(string: "c"), ByteBuffer()),
                (bytes, bytes), (ByteBuffer(string: "event-id"), bytes),
            ]
        )
        let message = try #require(entry.message(stream: "s"))
        #expect(String(buffer: message.body) == #"{"a\"b":"/wBB","/wBB":["dGV4dA==","/wBB"],"c":"","event-id":"/wBB"}"#)
        #expect(message.attributes["redis-base64"] == #"["a\"b","/wBB","event-id"]"#)
        #expect(message.attributes["redis-base64-names"] == #"["/wBB"]"#)
        #expect(message.upstreamID == "1-0")
        #expect(entry.message(stream: "s")?.attributes["encoding"] == nil)
    }

    @Test func `a single field of the usual name keeps its bytes, and text has no mark`() throws {
        let bytes = ByteBuffer(bytes: [0xFF, 0x00, 0x41])
        let entry = RedisStreamEntry(id: "1-0", fields: [(ByteBuffer(string: "data"), bytes)])
        let message = try #require(entry.message(stream: "s"))
        #expect(message.body == bytes)
        #expect(message.attributes["redis-base64"] == nil)
        #expect(self.entry([("a", "é"), ("b", "1")]).message(stream: "s")?.attributes["redis-base64"] == nil)
    }

    @Test func `names and values are read as the bytes they are`() throws {
        let bytes = ByteBuffer(bytes: [0xFF, 0x00, 0x41])
        let reply = RedisReply.array([.array([.bulk(ByteBuffer(string: "1-0")), .array([.bulk(bytes), .bulk(bytes)])])])
        let fields = try #require(RedisStreamEntry.entries(reply).first?.fields)
        #expect(fields.map(\.name) == [bytes])
        #expect(fields.map(\.value) == [bytes])
    }

    @Test(arguments: ["event", "data", "payload", "json", "body"])
    func `a single field of the usual name is the body`(name: String) throws {
        let message = try #require(self.entry([(name, "{\"a\":1}")]).message(stream: "s"))
        #expect(String(buffer: message.body) == "{\"a\":1}")
        #expect(message.subject == "s")
        #expect(message.upstreamID == "1768471200000-7")
        #expect(message.timestamp?.description == "2026-01-15T10:00:00.000Z")
        #expect(message.attributes["redis-id"] == "1768471200000-7")
    }

    @Test func `other fields become a JSON object in their order`() throws {
        let message = try #require(self.entry([("b", "1"), ("a\"", "x\ny"), ("event", "e")]).message(stream: "s"))
        #expect(String(buffer: message.body) == #"{"b":"1","a\"":"x\ny","event":"e"}"#)
    }

    @Test func `a repeated field becomes one list`() throws {
        let message = try #require(self.entry([("a", "1"), ("b", "x"), ("a", "2"), ("a", "")]).message(stream: "s"))
        #expect(String(buffer: message.body) == #"{"a":["1","2",""],"b":"x"}"#)
        let twice = try #require(self.entry([("data", "1"), ("data", "2")]).message(stream: "s"))
        #expect(String(buffer: twice.body) == #"{"data":["1","2"]}"#)
        let many = (0..<40).map { ("f\($0 % 20)", "\($0)") }
        let body = String(buffer: try #require(self.entry(many).message(stream: "s")).body)
        #expect(body == "{" + (0..<20).map { #""f\#($0)":["\#($0)","\#($0 + 20)"]"# }.joined(separator: ",") + "}")
        let id = try #require(self.entry([("event", "x"), ("event-id", "first"), ("event-id", "second")]).message(stream: "s"))
        #expect(id.upstreamID == "first" && id.attributes["event-id"] == "first")
    }

    @Test func `entries with one id have different event ids in each stream and source, the same in every run`() throws {
        let suffixes = [("in", "orders"), ("in", "payments"), ("other", "orders"), ("ino", "rders")].map {
            RedisStreamEntry.idSuffix(source: $0.0, stream: $0.1)
        }
        #expect(Set(suffixes).count == 4)
        let message = try #require(self.entry([("data", "x")]).message(stream: "orders", idSuffix: suffixes[0]))
        #expect(message.upstreamID == "1768471200000-7.e526ed5a7729fb1a")
        #expect(EventID.isLegal(message.upstreamID ?? ""))
        #expect(message.attributes["redis-id"] == "1768471200000-7")
    }

    @Test func `fields that our own sink adds become attributes`() throws {
        let message = try #require(
            self.entry([("event", "x"), ("event-id", "msg_1"), ("streambridge-origin", "o"), ("streambridge-hops", "2")]).message(
                stream: "s")
        )
        #expect(String(buffer: message.body) == "x")
        #expect(message.upstreamID == "msg_1")
        #expect(message.attributes["streambridge-origin"] == "o")
        #expect(message.attributes["streambridge-hops"] == "2")
    }

    @Test func `a deleted entry has no message`() {
        #expect(self.entry(nil).message(stream: "s") == nil)
        let reply = RedisReply.array([.array([.bulk(ByteBuffer(string: "1-0")), .null])])
        #expect(RedisStreamEntry.entries(reply).map(\.id) == ["1-0"])
        #expect(RedisStreamEntry.entries(.null).isEmpty)
    }

    @Test func `names of streams and groups are compared by bytes`() {
        let place = { RedisStreamSource.place(in: "5-1 s\u{e9} g", stream: $0, group: $1) }
        #expect(place("s\u{e9}", "g") == "5-1")
        #expect(place("se\u{301}", "g") == nil)
        #expect(place("s\u{e9}", "h") == nil)
        #expect(place("s\u{e9}", nil) == "5-1")
        func group(_ name: String, _ id: String) -> RedisReply {
            .array(["name", name, "last-delivered-id", id].map { .bulk(ByteBuffer(string: $0)) })
        }
        let reply = RedisReply.array([group("\u{e9}", "1-1"), group("e\u{301}", "2-2")])
        #expect(RedisStreamSource.group("e\u{301}", in: reply)?["last-delivered-id"]?.text == "2-2")
        #expect(RedisStreamSource.group("\u{e9}", in: reply)?["last-delivered-id"]?.text == "1-1")
        #expect(RedisStreamSource.group("e", in: reply)?["name"] == nil)
    }
}
