import Glibc
import NIOCore

/// Writes a subscriber's bytes: straight to its socket while nothing waits, else through its channel.
///
/// On the channel's event loop. The order holds because the socket is passed by only while it is behind nothing: every write to the
/// channel is counted until it is done.
struct SSEOutlet {
    /// The socket, where bytes go to it unchanged; -1 where they do not, and once the channel is inactive.
    private var descriptor: CInt = -1
    private var waiting = 0

    /// - Parameter descriptor: good until ``close()``.
    mutating func open(_ descriptor: CInt) {
        self.descriptor = descriptor
    }

    mutating func close() {
        self.descriptor = -1
    }

    /// Sends all of the bytes at once.
    ///
    /// - Returns: what is left for the channel; `nil` when nothing is.
    func send(_ bytes: ByteBuffer) -> ByteBuffer? {
        guard self.descriptor >= 0, self.waiting == 0 else { return bytes }
        let length = bytes.readableBytes
        let count = bytes.withUnsafeReadableBytes {
            Glibc.send(self.descriptor, $0.baseAddress, length, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL))
        }
        if count == length { return nil }
        // A full socket takes nothing; what else is wrong the channel finds out and ends.
        return count <= 0 ? bytes : bytes.getSlice(at: bytes.readerIndex + count, length: length - count)
    }

    /// Whether writes to the channel must be counted.
    var counts: Bool { self.descriptor >= 0 }

    mutating func begin() { self.waiting += 1 }

    mutating func end() { self.waiting -= 1 }
}
