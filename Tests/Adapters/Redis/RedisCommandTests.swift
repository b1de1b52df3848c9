import NIOCore
import Testing

@testable import RedisAdapter

struct RedisCommandTests {
    @Test func `a command is an array of bulk strings`() {
        var buffer = ByteBuffer()
        RedisCommand.write(["SET", "", "a\r\nb", "ü"], to: &buffer)
        #expect(String(buffer: buffer) == "*4\r\n$3\r\nSET\r\n$0\r\n\r\n$4\r\na\r\nb\r\n$2\r\nü\r\n")
    }

    @Test func `any bytes and any length can be a word`() {
        var buffer = ByteBuffer()
        RedisCommand.begin(1, in: &buffer)
        RedisCommand.word(ByteBuffer(bytes: Array(UInt8.min...UInt8.max)), to: &buffer)
        #expect(buffer.readableBytes == "*1\r\n$256\r\n".utf8.count + 256 + 2)
        var long = ByteBuffer()
        RedisCommand.word(ByteBuffer(repeating: 0, count: 1_234_567), to: &long)
        #expect(long.getString(at: 0, length: 10) == "$1234567\r\n")
    }

    @Test func `commands are split as they were written`() {
        let commands: [[String]] = [["PING"], ["SET", "", "a\r\n*1\r\n$4\r\nPING\r\n"], [], ["XADD", "ü", "*"]]
        var buffer = ByteBuffer()
        for command in commands { RedisCommand.write(command, to: &buffer) }
        let parts = RedisCommand.split(buffer).map { String(buffer: $0) }
        let whole = commands.map { command in
            var buffer = ByteBuffer()
            RedisCommand.write(command, to: &buffer)
            return String(buffer: buffer)
        }
        #expect(parts == whole)
    }
}
