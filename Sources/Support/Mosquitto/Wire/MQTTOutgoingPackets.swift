/// Packets of libmosquitto that are not sent yet, and the PUBACKs, which the library does not know.
///
/// A PUBACK waits here until ``releasePubacks(_:)``, while all other packets continue, including pings. Performs no
/// I/O.
struct MQTTOutgoingPackets {
    /// Bytes that may be sent now.
    private(set) var ready: [UInt8] = []
    private var sent = 0
    /// PUBACKs that wait, four bytes each.
    private var held: [UInt8] = []
    /// Bytes to send as soon as the current packet is complete.
    private var inserted: [UInt8] = []
    /// The bytes of a fixed header that is not complete.
    private var header: [UInt8] = []
    /// The outstanding bytes of a packet's body.
    private var body = 0

    var isEmpty: Bool { self.ready.count == self.sent }
    var count: Int { self.ready.count - self.sent }

    /// Adds bytes that the library has written.
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if self.body > 0 {
                let piece = rest.prefix(self.body)
                self.ready += piece
                self.body -= piece.count
                rest = rest.dropFirst(piece.count)
            } else {
                let byte = rest.removeFirst()
                self.header.append(byte)
                // The remaining length ends with a byte below 128 (MQTT 5 §2.1.4).
                guard self.header.count > 1, byte < 0x80 else { continue }
                self.endHeader()
            }
            if self.isAtBoundary { self.insert([]) }
        }
    }

    /// Sends a PINGREQ with the next bytes.
    mutating func ping() { self.insert([0xc0, 0]) }

    /// Holds the PUBACK of a message, after those of earlier ones (MQTT 5 §4.6).
    mutating func hold(pubackOf identifier: Int) {
        self.held.append(0x40)
        self.held.append(2)
        self.held.append(UInt8(truncatingIfNeeded: identifier >> 8))
        self.held.append(UInt8(truncatingIfNeeded: identifier))
    }

    /// Releases the oldest PUBACKs.
    mutating func releasePubacks(_ count: Int) {
        let bytes = min(4 * count, self.held.count)
        guard bytes > 0 else { return }
        if self.isAtBoundary { self.ready += self.held[..<bytes] } else { self.inserted += self.held[..<bytes] }
        self.held.removeFirst(bytes)
    }

    /// Calls `body` with the bytes that may be sent, and drops the number that it returns.
    mutating func send(_ body: (UnsafeRawBufferPointer) -> Int) {
        self.sent += self.ready.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[self.sent...])) }
        guard self.isEmpty else { return }
        self.sent = 0
        self.ready.removeAll(keepingCapacity: self.ready.capacity <= 1 << 20)
    }

    private var isAtBoundary: Bool { self.body == 0 && self.header.isEmpty }

    private mutating func endHeader() {
        self.body = self.header[1...].enumerated().reduce(0) { $0 | Int($1.element & 0x7f) << (7 * $1.offset) }
        self.ready += self.header
        self.header.removeAll(keepingCapacity: true)
    }

    private mutating func insert(_ bytes: [UInt8]) {
        self.inserted += bytes
        guard self.isAtBoundary, !self.inserted.isEmpty else { return }
        self.ready += self.inserted
        self.inserted.removeAll(keepingCapacity: true)
    }
}
