package import NIOCore

/// Writes JSON strings (RFC 8259 §7); escapes quotes, backslashes and control characters, DEL included.
///
/// The output contains neither CR nor LF.
package enum JSONWriter {
    /// Appends a string with its quotes.
    package static func write(_ string: String, to buffer: inout ByteBuffer) {
        var string = string
        string.withUTF8 { bytes in
            // Reserves the exact size: a buffer of six times the message would stay that large in the log.
            var growth = 0
            for byte in bytes where byte < 0x20 || byte == 0x7F || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
                growth += 5
            }
            _ = buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: bytes.count + growth + 2) { room in
                growth == 0 ? self.copy(bytes, into: room) : self.write(bytes, into: room)
            }
        }
    }

    /// Writes a string that needs no escapes.
    private static func copy(_ bytes: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableRawBufferPointer) -> Int {
        room[0] = UInt8(ascii: "\"")
        UnsafeMutableRawBufferPointer(rebasing: room[1...]).copyMemory(from: UnsafeRawBufferPointer(bytes))
        room[bytes.count + 1] = UInt8(ascii: "\"")
        return bytes.count + 2
    }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, into room: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        func put(_ byte: UInt8) {
            room[count] = byte
            count += 1
        }
        put(UInt8(ascii: "\""))
        for byte in bytes {
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte != 0x7F {
                put(byte)
                continue
            }
            put(UInt8(ascii: "\\"))
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
            case 0x08: put(UInt8(ascii: "b"))
            case 0x09: put(UInt8(ascii: "t"))
            case 0x0A: put(UInt8(ascii: "n"))
            case 0x0C: put(UInt8(ascii: "f"))
            case 0x0D: put(UInt8(ascii: "r"))
            default:
                put(UInt8(ascii: "u"))
                put(UInt8(ascii: "0"))
                put(UInt8(ascii: "0"))
                put(self.digit(byte >> 4))
                put(self.digit(byte & 15))
            }
        }
        put(UInt8(ascii: "\""))
        return count
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
