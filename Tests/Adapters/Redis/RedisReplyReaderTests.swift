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

    @Test func `what is no Redis answer is refused`() {
        #expect(throws: RedisProtocolError.self) { try self.read([Array("HTTP/1.1 400 Bad Request\r\n".utf8)]) }
    }
}
