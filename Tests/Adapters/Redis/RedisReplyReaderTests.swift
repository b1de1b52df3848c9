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
        return limits
    }()

    private static func read(_ text: String, inPieces size: Int) throws -> Int {
        let reader = RedisReplyReader(Self.limits)
        let bytes = Array(text.utf8)
        var count = 0
        for start in stride(from: 0, to: bytes.count, by: size) {
            try reader.feed(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)])) { _ in count += 1 }
        }
        return count
    }

    private static func bulk(_ length: Int) -> String { "$\(length)\r\n\(String(repeating: "x", count: length))\r\n" }

    @Test(arguments: [
        ("$101\r\n", "the answer announces a text of 101 bytes; at most 100 bytes are taken"),
        ("$1073741824\r\n", "the answer announces a text of 1073741824 bytes; at most 100 bytes are taken"),
        (
            "*3\r\n" + Self.bulk(100) + Self.bulk(100) + "$90\r\n",
            "the answer announces a text of 90 bytes; at most 100 bytes are taken"
        ),
        ("*11\r\n", "the answer has more than 10 items, which is more than is taken"),
        ("*1000000000\r\n", "the answer has more than 10 items, which is more than is taken"),
        ("*99999999999999999999999999\r\n", "the answer has more than 10 items, which is more than is taken"),
        ("*5\r\n*3\r\n:1\r\n:2\r\n:3\r\n*3\r\n", "the answer has more than 10 items, which is more than is taken"),
        ("*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "arrays of the answer are nested more than 3 deep"),
        ("+" + String(repeating: "x", count: 60), "a line of the answer is longer than 50 bytes"),
        ("-ERR " + String(repeating: "x", count: 60) + "\r\n", "a line of the answer is longer than 50 bytes"),
        (":" + String(repeating: "1", count: 60), "a line of the answer is longer than 50 bytes"),
        (
            "*7\r\n" + String(repeating: "+" + String(repeating: "x", count: 45) + "\r\n", count: 7),
            "the answer is larger; at most 300 bytes are taken"
        ),
    ])
    func `an answer that is larger than is taken is refused, however it is cut into pieces`(text: String, why: String) {
        for size in [1, 2, 3, 7, text.utf8.count] {
            let error = #expect(throws: RedisProtocolError.self) { try Self.read(text, inPieces: size) }
            #expect(error?.message == why)
        }
    }

    @Test func `the bounds are those of one answer, not of many`() throws {
        let one = "*2\r\n" + Self.bulk(100) + Self.bulk(100)
        let text = String(
            repeating: one + ":1\r\n*-1\r\n$-1\r\n*0\r\n$0\r\n\r\n+" + String(repeating: "x", count: 45) + "\r\n", count: 20)
        for size in [1, 3, 64, text.utf8.count] { #expect(try Self.read(text, inPieces: size) == 140) }
    }

    @Test func `what is no Redis answer is refused`() {
        #expect(throws: RedisProtocolError.self) { try self.read([Array("HTTP/1.1 400 Bad Request\r\n".utf8)]) }
    }
}
