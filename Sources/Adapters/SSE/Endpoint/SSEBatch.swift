import BridgeCore
import Glibc
import HTTPServer
import NIOCore

/// Events of a stream, rendered once for all subscribers.
///
/// The bytes are one chunk of HTTP/1.1 with its framing; what a subscriber without chunks gets is a slice of the same memory.
struct SSEBatch: Sendable {
    /// The sequence of the first event; those of the others follow.
    let first: UInt64
    /// Where each event begins, counted from the first body byte.
    private let starts: [UInt32]
    private let bytes: ByteBuffer
    private let bodyStart: Int
    private let bodyLength: Int
    /// Body bytes of the stream up to the end of this batch.
    let endOffset: UInt64
    /// When the events were published.
    let time: Timestamp

    var count: Int { self.starts.count }
    /// The sequence after the last event.
    var end: UInt64 { self.first + UInt64(self.starts.count) }
    var startOffset: UInt64 { self.endOffset - UInt64(self.bodyLength) }
    /// What the batch holds in memory, about.
    var memory: Int { self.bytes.storageCapacity + self.starts.count * 4 + 160 }

    /// Renders events.
    ///
    /// - Parameters:
    ///   - epoch: that of the stream.
    ///   - offset: body bytes of the stream before this batch.
    init(_ deliveries: ArraySlice<Delivery>, epoch: String, first: UInt64, offset: UInt64, time: Timestamp) {
        var starts: [UInt32] = []
        starts.reserveCapacity(deliveries.count)
        // Eight hexadecimal digits and CRLF before the body, CRLF after it.
        let room = deliveries.reduce(12) { $0 + $1.event.json.readableBytes + epoch.utf8.count + 48 }
        var buffer = ByteBufferAllocator().buffer(capacity: room)
        buffer.writeRepeatingByte(0, count: 10)
        var sequence = first
        for delivery in deliveries {
            starts.append(UInt32(buffer.writerIndex - 10))
            Self.write(delivery.event, epoch: epoch, sequence: sequence, into: &buffer)
            sequence += 1
        }
        let length = buffer.writerIndex - 10
        buffer.writeStaticString("\r\n")
        let header = String(length, radix: 16) + "\r\n"
        buffer.setString(header, at: 10 - header.utf8.count)
        buffer.moveReaderIndex(to: 10 - header.utf8.count)
        self.first = first
        self.starts = starts
        self.bytes = buffer
        self.bodyStart = 10
        self.bodyLength = length
        self.endOffset = offset + UInt64(length)
        self.time = time
    }

    /// All of it, as it goes to a channel.
    func framed(_ framing: HTTPFraming) -> ByteBuffer {
        switch framing {
        case .chunked: self.bytes
        case .untilClose: self.body(from: 0)
        }
    }

    /// The events from one on, as they go to a channel.
    ///
    /// - Parameter sequence: that of one of the batch's events.
    func framed(_ framing: HTTPFraming, from sequence: UInt64) -> ByteBuffer {
        guard sequence > self.first else { return self.framed(framing) }
        let body = self.body(from: Int(self.starts[Int(sequence - self.first)]))
        var buffer = ByteBufferAllocator().buffer(capacity: body.readableBytes + 12)
        framing.write(body, into: &buffer)
        return buffer
    }

    /// Body bytes of the stream before an event.
    func offset(of sequence: UInt64) -> UInt64 {
        sequence == self.end ? self.endOffset : self.startOffset + UInt64(self.starts[Int(sequence - self.first)])
    }

    private func body(from start: Int) -> ByteBuffer {
        guard let slice = self.bytes.getSlice(at: self.bodyStart + start, length: self.bodyLength - start) else {
            preconditionFailure("the body is inside the batch")
        }
        return slice
    }

    /// `id:`, one `data:` line, a blank line (WHATWG HTML §9.2.5).
    ///
    /// Events have no `event:` line, so that `onmessage` hears them, and a space behind `data:`, which clients that read line by line look
    /// for. A gap is for those who know of it: a type of its own and no space.
    private static func write(_ event: Event, epoch: String, sequence: UInt64, into buffer: inout ByteBuffer) {
        assert(Self.isOneLine(event.json), "an event's JSON is one line")
        buffer.writeStaticString("id: ")
        buffer.writeString(epoch)
        buffer.writeStaticString("-")
        buffer.writeString(String(sequence))
        buffer.writeStaticString(event.kind == .gap ? "\nevent: gap\ndata:" : "\ndata: ")
        buffer.writeImmutableBuffer(event.json)
        buffer.writeStaticString("\n\n")
    }

    private static func isOneLine(_ json: ByteBuffer) -> Bool {
        json.withUnsafeReadableBytes { bytes in
            guard let start = bytes.baseAddress else { return true }
            return memchr(start, 10, bytes.count) == nil && memchr(start, 13, bytes.count) == nil
        }
    }
}
