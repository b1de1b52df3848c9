import NIOCore
import Testing

@testable import RedisAdapter

struct RedisReplyReaderTests {
    private let bytes = Array(
        "+OK\r\n-ERR no\r\n:-42\r\n$-1\r\n*-1\r\n$5\r\na\r\nbc\r\n*3\r\n$7\r\nmessage\r\n*1\r\n:1\r\n$0\r\n\r\n".utf8)
    private let replies: [RedisReply] = [
        .status("OK"), .error("ERR no"), .integer(-42), .null, .null, .bulk(ByteBuffer(string: "a\r\nbc")),
        .array([.bulk(ByteBuffer(string: "message")), .array([.integer(1)]), .bulk(ByteBuffer())]),
    ]

    private func read(_ pieces: [[UInt8]]) throws -> [RedisReply] {
        let reader = RedisReplyReader()
        var result: [RedisReply] = []
        for piece in pieces { try reader.feed(ByteBuffer(bytes: piece)) { result.append($0.copy()) } }
        return result
    }

    @Test func `answers are read whole`() throws {
        #expect(try self.read([self.bytes]) == self.replies)
    }

    @Test func `answers are read byte by byte`() throws {
        #expect(try self.read(self.bytes.map { [$0] }) == self.replies)
    }

    @Test func `answers are read in every two-way split`() throws {
        for split in 0...self.bytes.count {
            #expect(try self.read([Array(self.bytes[..<split]), Array(self.bytes[split...])]) == self.replies)
        }
    }

    private static let limits: RedisReplyBounds.Limits = {
        var limits = RedisReplyBounds.Limits()
        (limits.bulk, limits.reply, limits.items, limits.line, limits.depth) = (100, 300, 10, 50, 3)
        (limits.pipeline, limits.name, limits.skipped) = (500, 8, 1000)
        return limits
    }()

    private static func replies(_ text: String, inPieces size: Int, isOneWrite: Bool = true) throws -> [RedisReply] {
        let reader = RedisReplyReader(Self.limits)
        let bytes = Array(text.utf8)
        var replies: [RedisReply] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            try reader.feed(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])) { replies.append($0.copy()) }
            if !isOneWrite { reader.beginPipeline() }
        }
        return replies
    }

    private static func bulk(_ length: Int) -> String { "$\(length)\r\n\(String(repeating: "x", count: length))\r\n" }

    @Test(arguments: [
        ("$1001\r\n", "the answer announces a text of 1001 bytes"),
        ("*1\r\n*3\r\n$2000\r\n", "the answer announces a text of 2000 bytes"),
        ("$\(String(repeating: "0", count: 40))1\r\n", "a length of the answer has more than 32 bytes"),
        ("*3000000000\r\n", "the answer announces a list of 3000000000 items"),
        (String(repeating: "*11\r\n", count: 65), "arrays of the answer are nested more than 64 deep"),
        ("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "arrays of the answer are nested more than 3 deep"),
        ("+" + String(repeating: "x", count: 60), "a line of the answer is longer than 50 bytes"),
        ("-ERR " + String(repeating: "x", count: 60) + "\r\n", "a line of the answer is longer than 50 bytes"),
        (":" + String(repeating: "1", count: 60), "a line of the answer is longer than 50 bytes"),
        (
            "*7\r\n" + String(repeating: "+" + String(repeating: "x", count: 45) + "\r\n", count: 7),
            "the answer is larger; at most 300 bytes are read"
        ),
    ])
    func `an answer that cannot be skipped is refused for any split`(text: String, why: String) {
        for size in [1, 2, 3, 7, text.utf8.count] {
            let error = #expect(throws: RedisProtocolError.self) { try Self.replies(text, inPieces: size) }
            #expect(error?.message == why)
        }
    }

    private static func small(_ text: String) -> RedisReply { .bulk(ByteBuffer(string: text)) }
    private static func large(_ length: Int) -> RedisReply { self.small(String(repeating: "x", count: length)) }
    private static let value = RedisReply.error("TOOLARGE a value has 101 bytes; at most 100 are read")
    private static let list = RedisReply.error("TOOLARGE a list has 11 items; at most 10 are read")
    private static let bytes = RedisReply.error("OVERFLOW all values have more than the 300 bytes that are read")
    private static let items = RedisReply.error("OVERFLOW all lists have more than the 10 items that are read")

    @Test(arguments: [
        (Self.bulk(101), [Self.value]),
        (":1\r\n" + Self.bulk(101) + ":2\r\n", [.integer(1), Self.value, .integer(2)]),
        ("*3\r\n$1\r\na\r\n" + Self.bulk(101) + "$1\r\nb\r\n", [.array([Self.small("a"), Self.value, Self.small("b")])]),
        ("*2\r\n:1\r\n*1\r\n" + Self.bulk(101) + ":3\r\n", [.array([.integer(1), .array([Self.value])]), .integer(3)]),
        (
            "*5\r\n" + Self.bulk(100) + Self.bulk(100) + Self.bulk(90) + "$8\r\nabcdefgh\r\n" + Self.bulk(80),
            [.array([Self.large(100), Self.large(100), Self.bytes, Self.small("abcdefgh"), Self.bytes])]
        ),
        (
            "*2\r\n*11\r\n*1\r\n" + Self.bulk(101) + "*-1\r\n$-1\r\n+OK\r\n" + String(repeating: ":7\r\n", count: 5)
                + "*0\r\n*2\r\n:1\r\n*-1\r\n:2\r\n:3\r\n",
            [.array([Self.list, .integer(2)]), .integer(3)]
        ),
        ("*11\r\n" + String(repeating: ":1\r\n", count: 10) + "$-1\r\n:5\r\n", [Self.list, .integer(5)]),
        (
            "*4\r\n*3\r\n:1\r\n:2\r\n:3\r\n*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n*2\r\n:5\r\n:6\r\n*2\r\n:7\r\n:8\r\n",
            [
                .array([
                    .array([.integer(1), .integer(2), .integer(3)]), Self.items, .array([.integer(5), .integer(6)]),
                    .array([.integer(7), .integer(8)]),
                ])
            ]
        ),
    ])
    func `a part that is too large is skipped and named for any split of the answer`(
        text: String, replies: [RedisReply]
    ) throws {
        for size in 1...text.utf8.count { #expect(try Self.replies(text, inPieces: size) == replies) }
    }

    /// A new connection would get the same entry again, without end.
    @Test(arguments: [1 << 30, 3 << 30]) func `a value of one gibibyte or more is skipped, and the data after it is read`(
        length: Int
    ) throws {
        let reader = RedisReplyReader()
        var replies: [RedisReply] = []
        func feed(_ bytes: ByteBuffer) throws { try reader.feed(bytes) { replies.append($0.copy()) } }
        try feed(ByteBuffer(string: "*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\na\r\n$\(length)\r\n"))
        let piece = ByteBuffer(repeating: 0x61, count: 1 << 20)
        for _ in 0..<length / piece.readableBytes { try feed(piece) }
        try feed(ByteBuffer(string: "\r\n:7\r\n"))
        let omission = RedisReply.error("TOOLARGE a value has \(length) bytes; at most 67108864 are read")
        #expect(replies == [.array([Self.small("1-1"), .array([Self.small("a"), omission])]), .integer(7)])
    }

    @Test func `a list with too many items is skipped within an answer`() throws {
        var limits = Self.limits
        (limits.skippedItems, limits.skippedAnswerItems) = (30, 20)
        let items = String(repeating: ":1\r\n", count: 25)
        var replies: [RedisReply] = []
        try RedisReplyReader(limits).feed(ByteBuffer(string: "*1\r\n*25\r\n\(items)")) { replies.append($0.copy()) }
        #expect(replies == [.array([.error("TOOLARGE a list has 25 items; at most 10 are read")])])
        for answer in ["*25\r\n", "*1\r\n*31\r\n"] {
            #expect(throws: RedisProtocolError.self) { try RedisReplyReader(limits).feed(ByteBuffer(string: answer)) { _ in } }
        }
    }

    @Test func `the answers to one write are bounded together`() throws {
        let text = String(repeating: Self.bulk(90), count: 6)
        let overflow = RedisReply.error("OVERFLOW all values have more than the 500 bytes that are read")
        let whole = Self.large(90)
        for size in [1, 3, 64, text.utf8.count] {
            #expect(try Self.replies(text, inPieces: size) == [whole, whole, whole, whole, whole, overflow])
        }
        #expect(try Self.replies(text, inPieces: 64, isOneWrite: false) == Array(repeating: whole, count: 6))
    }

    @Test func `the bounds are those of one answer, not of many`() throws {
        let one = "*2\r\n" + Self.bulk(100) + Self.bulk(100)
        let text = String(
            repeating: one + ":1\r\n*-1\r\n$-1\r\n*0\r\n$0\r\n\r\n+" + String(repeating: "x", count: 45) + "\r\n", count: 20)
        for size in [1, 3, 64] { #expect(try Self.replies(text, inPieces: size, isOneWrite: false).count == 140) }
    }

    @Test func `a malformed answer is refused`() {
        #expect(throws: RedisProtocolError.self) { try self.read([Array("HTTP/1.1 400 Bad Request\r\n".utf8)]) }
    }
}
