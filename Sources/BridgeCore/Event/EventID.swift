import Glibc
import Synchronization

/// The ids of events: validation and generation.
package enum EventID {
    /// Whether a text is a valid id.
    ///
    /// 1 to 128 ASCII bytes without space, control characters and `"():<>?@[\]{}`. Such ids are legal header values,
    /// and a browser that resumes a stream with one needs no preflight request (Fetch, "CORS-unsafe request-header
    /// byte").
    package static func isLegal(_ text: String) -> Bool {
        guard (1...128).contains(text.utf8.count) else { return false }
        var text = text
        return text.withUTF8 { bytes in
            self.legal.withUnsafeBufferPointer { legal in
                // Without a branch for each byte.
                var isLegal: UInt8 = 1
                for byte in bytes { isLegal &= legal[Int(byte)] }
                return isLegal == 1
            }
        }
    }

    /// The id of a sender as an event can carry it: what is not legal in it is percent-encoded (RFC 3986 §2.1), as in `urn%3Auuid%3A…`.
    ///
    /// - Returns: `nil` for a text that is empty, has control characters, or is longer than 128 bytes when it is encoded.
    package static func legal(_ text: String) -> String? {
        if self.isLegal(text) { return text }
        guard (1...128).contains(text.utf8.count), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if self.legal[Int(byte)] == 1 {
                bytes.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return bytes.count <= 128 ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// By byte: 1 where an id may contain it, else 0.
    private static let legal: [UInt8] = (0...255).map { byte in
        (UInt8(0x21)...0x7E).contains(byte) && !"\"():<>?@[\\]{}".utf8.contains(byte) ? 1 : 0
    }

    /// Generates an id: `msg_` and a UUIDv7 (RFC 9562 §5.7) without dashes, 36 bytes.
    ///
    /// Thread-safe. The ids of one process sort in the order of their generation (RFC 9562 §6.2, method 1: a counter in
    /// the 12 bits after the time, which advances the time when it overflows).
    package static func generate() -> String {
        let now = UInt64(max(0, Timestamp.now().milliseconds))
        let (time, counter, random) = self.last.withLock { last -> (UInt64, UInt64, UInt64) in
            if now > last.time {
                (last.time, last.counter) = (now, last.pool.next() & 1023)
            } else if last.counter < 4095 {
                last.counter += 1
            } else {
                (last.time, last.counter) = (last.time + 1, 0)
            }
            return (last.time, last.counter, last.pool.next())
        }
        let high = time << 16 | 0x7000 | counter
        let low = random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        return String(unsafeUninitializedCapacity: 36) { bytes in
            bytes[0] = UInt8(ascii: "m")
            bytes[1] = UInt8(ascii: "s")
            bytes[2] = UInt8(ascii: "g")
            bytes[3] = UInt8(ascii: "_")
            for index in 0..<16 {
                let shift = UInt64(60 - index * 4)
                bytes[4 + index] = self.digit(high >> shift & 15)
                bytes[20 + index] = self.digit(low >> shift & 15)
            }
            return 36
        }
    }

    private static let last = Mutex(Last())

    private struct Last {
        var time: UInt64 = 0
        var counter: UInt64 = 0
        var pool = RandomPool()
    }

    /// Random numbers of the system, fetched 32 at a time: a call for each id costs a microsecond.
    private struct RandomPool {
        private var numbers: [UInt64] = []

        mutating func next() -> UInt64 {
            if self.numbers.isEmpty {
                self.numbers = Array(repeating: 0, count: 32)
                let status = self.numbers.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) }
                precondition(status == 0, "the system has no random numbers")
            }
            return self.numbers.removeLast()
        }
    }

    private static func digit(_ value: UInt64) -> UInt8 {
        UInt8(value < 10 ? 48 + value : 87 + value)
    }
}
