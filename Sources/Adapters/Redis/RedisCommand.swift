import NIOCore

/// Writes commands as arrays of bulk strings, which can contain any bytes (RESP2).
enum RedisCommand {
    /// Begins a command of `count` words; exactly that many ``word(_:to:)-string`` must follow.
    static func begin(_ count: Int, in buffer: inout ByteBuffer) {
        buffer.writeStaticString("*")
        self.writeLine(count, to: &buffer)
    }

    static func word(_ text: String, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("$")
        self.writeLine(text.utf8.count, to: &buffer)
        buffer.writeString(text)
        buffer.writeStaticString("\r\n")
    }

    static func word(_ bytes: ByteBuffer, to buffer: inout ByteBuffer) {
        buffer.writeStaticString("$")
        self.writeLine(bytes.readableBytes, to: &buffer)
        buffer.writeImmutableBuffer(bytes)
        buffer.writeStaticString("\r\n")
    }

    /// One whole command.
    static func write(_ words: [String], to buffer: inout ByteBuffer) {
        self.begin(words.count, in: &buffer)
        for word in words { self.word(word, to: &buffer) }
    }

    /// A decimal number and the line's end, without a string in between.
    private static func writeLine(_ number: Int, to buffer: inout ByteBuffer) {
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 24) { room in
            var digits = 1
            var bound = 10
            while number >= bound {
                digits += 1
                bound *= 10
            }
            var rest = number
            for index in stride(from: digits - 1, through: 0, by: -1) {
                room[index] = UInt8(48 + rest % 10)
                rest /= 10
            }
            room[digits] = 0x0D
            room[digits + 1] = 0x0A
            return digits + 2
        }
    }
}
