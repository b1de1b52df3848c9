import CHiredis
import Glibc
import NIOCore

/// A server's answer, copied out of hiredis's memory.
enum RedisReply: Sendable, Equatable {
    case bulk(ByteBuffer)
    case status(String)
    case integer(Int64)
    case array([RedisReply])
    case error(String)
    case null

    /// The text of a bulk string or status.
    var text: String? {
        switch self {
        case .bulk(let bytes): String(buffer: bytes)
        case .status(let text): text
        default: nil
        }
    }

    /// The bytes of a bulk string or status.
    var bytes: ByteBuffer? {
        switch self {
        case .bulk(let bytes): bytes
        case .status(let text): ByteBuffer(string: text)
        default: nil
        }
    }

    var items: [RedisReply]? {
        if case .array(let items) = self { items } else { nil }
    }
}

/// A server's answer in hiredis's memory, valid within the call that passes it.
struct RedisReplyView {
    private let reply: UnsafeMutablePointer<redisReply>

    init(_ reply: UnsafeMutablePointer<redisReply>) {
        self.reply = reply
    }

    var isArray: Bool { self.reply.pointee.type == REDIS_REPLY_ARRAY }
    var isError: Bool { self.reply.pointee.type == REDIS_REPLY_ERROR }
    var count: Int { self.isArray ? Int(self.reply.pointee.elements) : 0 }

    subscript(index: Int) -> RedisReplyView? {
        guard index < self.count, let element = self.reply.pointee.element[index] else { return nil }
        return RedisReplyView(element)
    }

    /// The bytes of a string, status or error.
    var bytes: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: self.reply.pointee.str, count: Int(self.reply.pointee.len))
    }

    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    /// Whether it is a text with exactly these bytes.
    func hasBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard Int(self.reply.pointee.len) == other.count else { return false }
        guard let start = self.reply.pointee.str, let otherStart = other.baseAddress else { return other.isEmpty }
        return memcmp(start, otherStart, other.count) == 0
    }

    /// Whether it is this text.
    func hasText(_ text: StaticString) -> Bool {
        self.hasBytes(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    func copy() -> RedisReply {
        switch self.reply.pointee.type {
        case REDIS_REPLY_STRING: .bulk(ByteBuffer(bytes: self.bytes))
        case REDIS_REPLY_STATUS: .status(self.text)
        case REDIS_REPLY_ERROR: .error(self.text)
        case REDIS_REPLY_INTEGER: .integer(self.reply.pointee.integer)
        case REDIS_REPLY_ARRAY: .array((0..<self.count).compactMap { self[$0]?.copy() })
        default: .null
        }
    }
}

/// Parses answers from chunks of any size, with hiredis's reader (RESP2).
///
/// Not thread-safe.
final class RedisReplyReader {
    private let reader: UnsafeMutablePointer<redisReader>
    private var bounds: RedisReplyBounds

    init(_ limits: RedisReplyBounds.Limits = .init()) {
        self.bounds = RedisReplyBounds(limits)
        guard let reader = redisReaderCreate() else { fatalError("out of memory") }
        self.reader = reader
    }

    deinit {
        redisReaderFree(self.reader)
    }

    /// Starts the answers to another write, see ``RedisReplyBounds/Limits/pipeline``.
    func beginPipeline() {
        self.bounds.beginPipeline()
    }

    /// Feeds bytes and calls `body` with every complete answer, in order.
    ///
    /// Parts that are too large become errors, see ``RedisOmission``.
    ///
    /// - Throws: ``RedisProtocolError`` for bytes that are not RESP2 or exceed the limits of skipping; the reader is
    ///   then unusable.
    func feed(_ bytes: ByteBuffer, _ body: (RedisReplyView) -> Void) throws(RedisProtocolError) {
        var failure: RedisProtocolError?
        bytes.withUnsafeReadableBytes { bytes in
            var rest = bytes[...]
            do throws(RedisProtocolError) {
                while !rest.isEmpty {
                    let piece = UnsafeRawBufferPointer(rebasing: rest.prefix(Self.piece))
                    rest = rest.dropFirst(piece.count)
                    try self.bounds.filter(piece) { (kept) throws(RedisProtocolError) in try self.pass(kept) }
                    try self.takeAnswers(body)
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// What hiredis gets at once, in bytes: with each answer it moves all bytes after it to the front.
    private static let piece = 4096

    private func pass(_ bytes: UnsafeRawBufferPointer) throws(RedisProtocolError) {
        let status = redisReaderFeed(self.reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        guard status == REDIS_OK else { throw self.failure }
    }

    private func takeAnswers(_ body: (RedisReplyView) -> Void) throws(RedisProtocolError) {
        while true {
            var reply: UnsafeMutableRawPointer?
            guard redisReaderGetReply(self.reader, &reply) == REDIS_OK else { throw self.failure }
            guard let reply else { return }
            body(RedisReplyView(reply.assumingMemoryBound(to: redisReply.self)))
            freeReplyObject(reply)
        }
    }

    private var failure: RedisProtocolError {
        RedisProtocolError(
            message: withUnsafeBytes(of: self.reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        )
    }
}

/// The mistake in a server's bytes: they are not RESP2, or exceed the limits.
struct RedisProtocolError: Error, CustomStringConvertible {
    let message: String
    /// Whether they may be valid, but exceed the limits.
    var isTooLarge = false

    var description: String { self.message }
}
