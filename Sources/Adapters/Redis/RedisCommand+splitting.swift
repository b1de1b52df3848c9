import NIOCore

extension RedisCommand {
    /// Splits consecutive commands.
    ///
    /// - Precondition: they were written by this type.
    static func split(_ commands: ByteBuffer) -> [ByteBuffer] {
        var rest = commands
        var result: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let start = rest.readerIndex
            for _ in 0..<self.readNumber(after: "*", from: &rest) {
                let length = self.readNumber(after: "$", from: &rest)
                rest.moveReaderIndex(forwardBy: length + 2)
            }
            guard let command = commands.getSlice(at: start, length: rest.readerIndex - start) else {
                preconditionFailure("a command ends behind its buffer")
            }
            result.append(command)
        }
        return result
    }

    private static func readNumber(after mark: Unicode.Scalar, from buffer: inout ByteBuffer) -> Int {
        guard buffer.readInteger(as: UInt8.self) == UInt8(ascii: mark) else { preconditionFailure("no \(mark) in a command") }
        var number = 0
        while let byte = buffer.readInteger(as: UInt8.self), byte != 0x0D { number = number * 10 + Int(byte) - 48 }
        buffer.moveReaderIndex(forwardBy: 1)
        return number
    }
}
