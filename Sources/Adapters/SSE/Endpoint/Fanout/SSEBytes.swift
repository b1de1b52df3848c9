import Compression
import HTTPServer
import NIOCore

/// Bytes of a stream's body, made once and shared by everybody who is sent them.
///
/// They stand in memory as one chunk of HTTP/1.1 with its framing; what a subscriber without chunks gets is a slice of the same memory.
struct SSEBytes: Sendable {
    private let chunk: ByteBuffer
    private let bodyStart: Int
    private let bodyLength: Int
    /// Of the bytes before they were compressed; of nothing unless the coding is gzip.
    let sum: GzipSum

    /// Eight hexadecimal digits and CRLF.
    private static let room = 10

    /// - Parameters:
    ///   - text: not empty.
    ///   - prefix: goes before it uncompressed: what begins a coding.
    init(_ text: ByteBuffer, as coding: SSECoding, _ compressor: SegmentCompressor, prefix: [UInt8] = []) {
        var buffer = ByteBufferAllocator().buffer(capacity: text.readableBytes + prefix.count + Self.room + 34)
        buffer.writeRepeatingByte(0, count: Self.room)
        buffer.writeBytes(prefix)
        compressor.write(text, as: coding, into: &buffer)
        self.init(filled: buffer, sum: coding == .gzip ? GzipSum(text) : GzipSum())
    }

    /// Writes the body in place.
    ///
    /// - Parameter capacity: about as many bytes as will be written.
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

    /// The body as it is.
    var body: ByteBuffer {
        guard let slice = self.chunk.getSlice(at: self.bodyStart, length: self.bodyLength) else {
            preconditionFailure("the body is inside the chunk")
        }
        return slice
    }

    /// As it goes to a channel.
    func framed(_ framing: HTTPFraming) -> ByteBuffer {
        switch framing {
        case .chunked: self.chunk
        case .untilClose: self.body
        }
    }
}
