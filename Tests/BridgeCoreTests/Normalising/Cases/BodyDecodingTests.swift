import Compression
import NIOCore
import Testing

@testable import BridgeCore

/// The steps of `decode`.
struct BodyDecodingTests {
    private static func event(_ decode: String, _ body: ByteBuffer, contentType: String? = nil) throws -> Normaliser.Outcome {
        try NormaliseSample.outcomes(#"{"decode":\#(decode)}"#, body, subject: "s", contentType: contentType)[0]
    }

    private static func message(_ decode: String, _ body: String, contentType: String? = nil) throws -> String {
        let outcome = try self.event(decode, ByteBuffer(string: body), contentType: contentType)
        #expect(outcome.failures.isEmpty, "\(outcome.failures)")
        return outcome.event.message
    }

    @Test(arguments: [
        (#""base64""#, "aGVsbG8=", "hello"), (#""base64""#, "aGVs\nbG8", "hello"), (#""base64""#, "\"aGVsbG8=\"", "hello"),
        (#""base64""#, "eyJhIjoi8J-YgCJ9", "a: 😀"), (#"["base64","base64"]"#, "YUdWc2JHOD0=", "hello"),
        (#""json""#, #""{\"a\":1}""#, "a: 1"), (#""json""#, #"{"a":2}"#, "a: 2"), (#""json""#, "17", "17"),
        (#""form""#, "a=1&b=x+y%21", "a: 1, b: x y!"), (#""form""#, "a=1&a=2", "a: 1 / 2"),
        (#"["form","json"]"#, "x=1&payload=%7B%22msg%22%3A%22hi%22%7D", "hi"),
        (#"["text/utf-8","form"]"#, "message=hi", "hi"),
    ])
    func `a body is unpacked`(decode: String, body: String, expected: String) throws {
        #expect(try Self.message(decode, body) == expected)
    }

    @Test func `a form that the source has read stays as it is`() throws {
        #expect(try Self.message(#""form""#, #"{"message":"a=b"}"#, contentType: "application/json") == "a=b")
    }

    @Test func `text has a charset`() throws {
        let latin = ByteBuffer(bytes: Array("gr".utf8) + [0xFC] + Array("n".utf8))
        #expect(try Self.event(#""text/iso-8859-1""#, latin).event.message == "grün")
        #expect(try Self.event(#""text/UTF-16le""#, ByteBuffer(bytes: [0x68, 0, 0xE4, 0])).event.message == "hä")
        let outcome = try Self.event(#""text/utf-8""#, latin)
        #expect(outcome.failures == [FieldFailure(field: "decode", reason: "text/utf-8: the body is not utf-8")])
        #expect(outcome.event.message == "4 bytes that are not text")
    }

    @Test(arguments: ["gzip", "deflate", "zstd"])
    func `compressed data are unpacked within a limit`(coding: String) throws {
        let small = Self.compressed(#"{"title":"T","message":"zipped"}"#, coding)
        let outcome = try Self.event(#""\#(coding)""#, small)
        #expect(outcome.event.message == "zipped" && outcome.failures.isEmpty, "\(outcome.failures)")
        #expect(outcome.event.raw == small)
        let bomb = Self.compressed(String(repeating: "0", count: BodyDecoding.limit + 1), coding)
        #expect(bomb.readableBytes < 64 << 10)
        let refused = try Self.event(#""\#(coding)""#, bomb)
        #expect(refused.failures == [FieldFailure(field: "decode", reason: "\(coding): the data are larger than 8MiB")])
        #expect(refused.event.message == "\(bomb.readableBytes) bytes that are not text")
        let half = try #require(small.getSlice(at: 0, length: small.readableBytes - 6))
        #expect(try Self.event(#""\#(coding)""#, half).failures.map(\.reason) == ["\(coding): the data end too early"])
        #expect(try Self.event(#""\#(coding)""#, ByteBuffer(string: "plain text")).failures.count == 1)
    }

    /// - Returns: the bytes of a whole stream.
    private static func compressed(_ text: String, _ coding: String) -> ByteBuffer {
        let kind: ContentCoding = coding == "zstd" ? .zstd : .gzip
        let body = ByteBuffer(string: text)
        var result = ByteBuffer(bytes: kind.start)
        SegmentCompressor().write(body, as: kind, into: &result)
        result.writeImmutableBuffer(kind.end(GzipSum(body)))
        guard coding == "deflate" else { return result }
        // A gzip member is raw deflate data between a head of 10 bytes and an end of 8 (RFC 1952 §2.3).
        return ByteBuffer(bytes: result.readableBytesView.dropFirst(10).dropLast(8))
    }

    @Test(arguments: [
        (#""base64""#, "no base64!", "base64: the body is not base64"), (#""base64""#, "abcde", "base64: the body is not base64"),
        (#""form""#, "just text", "form: the body is not a form"),
        (#""form""#, "a=%zz", "form: the body is not a form"),
        (#""json""#, "{", "json: the body is not JSON: misplaced punctuation or a missing bracket"),
        (#"["base64","gzip"]"#, "aGVsbG8=", "gzip: the body is not gzip data"),
    ])
    func `a body that is not packed so is read as it is, and reported`(decode: String, body: String, reason: String) throws {
        let outcome = try Self.event(decode, ByteBuffer(string: body))
        #expect(outcome.failures == [FieldFailure(field: "decode", reason: reason)])
        #expect(outcome.event.message == body)
    }

    @Test func `MessagePack becomes JSON`() throws {
        func json(_ bytes: [UInt8]) throws -> String {
            var reader = MessagePackReader(ByteBuffer(bytes: bytes))
            return String(buffer: try reader.json())
        }
        #expect(try json([0x82, 0xA1, 0x61, 0x01, 0xA1, 0x62, 0x93, 0xC0, 0xC2, 0xC3]) == #"{"a":1,"b":[null,false,true]}"#)
        #expect(try json([0x81, 0x05, 0xCB, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0]) == #"{"5":1.5}"#)
        #expect(
            try json([0x96, 0xFF, 0xCC, 200, 0xD1, 0xFF, 0x00, 0xCE, 1, 0, 0, 0, 0xCA, 0x7F, 0x80, 0, 0, 0xD9, 1, 0x22])
                == #"[-1,200,-256,16777216,null,"\""]"#)
        #expect(try json([0xC4, 2, 1, 2]) == #""AQI=""#)
        #expect(try json([0xD6, 0xFF, 0x65, 0x53, 0xF1, 0x00]) == #""2023-11-14T22:13:20.000Z""#)
        for broken: [UInt8] in [
            [], [0xC1], [0x91], [0xA5, 0x61], [0x01, 0x02], [UInt8](repeating: 0x91, count: 200), [0x81, 0x90, 0x01],
            [0xDD, 0xFF, 0xFF, 0xFF, 0xFF],
        ] {
            #expect(throws: BodyDecoding.Failure.self) { try json(broken) }
        }
        let outcome = try Self.event(#""msgpack""#, ByteBuffer(bytes: [0x81, 0xA3, 0x6D, 0x73, 0x67, 0xA2, 0x68, 0x69]))
        #expect(outcome.event.message == "hi" && outcome.event.payload.map { String(buffer: $0) } == #"{"msg":"hi"}"#)
    }
}
