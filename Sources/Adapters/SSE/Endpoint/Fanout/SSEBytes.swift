import Compression
import HTTPServer
import NIOCore

/// Bytes of a stream's body, made once and shared by all subscribers that receive them.
///
/// The memory holds one chunk of HTTP/1.1 with its framing. A subscriber without chunks gets a slice of it.
struct SSEBytes: Sendable {
    private let chunk: ByteBuffer
    private let bodyStart: Int
    private let bodyLength: Int
    /// The checksum of the bytes before compression; empty unless the coding is gzip.
    let sum: GzipSum

    /// Eight hexadecimal digits and CRLF.
    private static let room = 10

    /// - Parameters:
    ///   - text: not empty.
    ///   - prefix: uncompressed bytes before it, such as the header of a coding.
    init(_ text: ByteBuffer, as coding: SSECoding, _ compressor: SegmentCompressor, prefix: [UInt8] = []) {
        var buffer = ByteBufferAllocator().buffer(capacity: text.readableBytes + prefix.count + Self.room + 34)
        buffer.writeRepeatingByte(0, count: Self.room)
        buffer.writeBytes(prefix)
        compressor.write(text, as: coding, into: &buffer)
        self.init(filled: buffer, sum: coding == .gzip ? GzipSum(text) : GzipSum())
    }

    /// Writes the body in place.
    ///
    /// - Parameter capacity: the approximate number of bytes.
    init(capacity: Int, _ write: (inout ByteBuffer) -> Void) {
        var buffer = ByteBufferAllocator().buffer(capacity: capacity + Self.room + 2)
        buffer.writeRepeatingByte(0, count: Self.room)
        write(&buffer)
        self.init(filled: buffer, sum: GzipSum())
    }

    private init(filled buffer: ByteBuffer, sum: GzipSum) {
        var buffer = buffer
        self.bodyStart = Self.room
        self.bodyLength = buffer.writerIndex - Self.room
        self.sum = sum
        buffer.writeStaticString("\r\n")
        let header = String(self.bodyLength, radix: 16) + "\r\n"
        buffer.setString(header, at: Self.room - header.utf8.count)
        buffer.moveReaderIndex(to: Self.room - header.utf8.count)
        self.chunk = buffer
    }

    /// The unframed body.
    var body: ByteBuffer {
        guard let slice = self.chunk.getSlice(at: self.bodyStart, length: self.bodyLength) else {
            preconditionFailure("the body is inside the chunk")
        }
        return slice
    }

    /// The bytes to write to a channel.
    func framed(_ framing: HTTPFraming) -> ByteBuffer {
        switch framing {
        case .chunked: self.chunk
        case .untilClose: self.body
        }
    }
}
