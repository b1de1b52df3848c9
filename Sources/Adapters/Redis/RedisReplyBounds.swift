import NIOCore

/// Watches the bytes of a server before hiredis sees them, so that no announced length costs memory (RESP2).
///
/// hiredis 0.14 makes room for as many items as an array announces, and collects a bulk string of any length.
struct RedisReplyBounds {
    /// What one answer may be.
    struct Limits {
        /// Bytes of one bulk string.
        var bulk = 64 << 20
        /// Bytes of one answer in all.
        var reply = 128 << 20
        /// Items of one answer in all, those of arrays within arrays included.
        var items = 1 << 20
        /// Bytes of a line: a status, an error, a number, a length.
        var line = 64 << 10
        /// Arrays within arrays; hiredis takes no more.
        var depth = 7

        /// Bytes of all answers to the commands of one write.
        static let pipeline = 160 << 20
    }

    private enum State {
        /// The first byte of an answer or of an item.
        case start
        /// In a line that began with this byte; the number that it says so far.
        case line(UInt8, length: Int, number: Int, isNegative: Bool)
        /// In the bytes of a bulk string, with the line end behind them.
        case bulk(left: Int)
    }

    private let limits: Limits
    private var state = State.start
    /// How many items are still to come, for each array that is open.
    private var open: [Int] = []
    private var items = 0
    private var bytes = 0

    init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Looks at the next bytes.
    ///
    /// - Throws: ``RedisProtocolError`` when they are or announce more than the limits allow.
    mutating func check(_ buffer: ByteBuffer) throws(RedisProtocolError) {
        var failure: RedisProtocolError?
        buffer.withUnsafeReadableBytes { bytes in
            do throws(RedisProtocolError) { try self.check(bytes) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private mutating func check(_ bytes: UnsafeRawBufferPointer) throws(RedisProtocolError) {
        var index = 0
        while index < bytes.count {
            switch self.state {
            case .bulk(let left):
                let count = min(left, bytes.count - index)
                index += count
                try self.count(bytes: count)
                if count == left { self.itemEnded() } else { self.state = .bulk(left: left - count) }
            case .start:
                self.state = .line(bytes[index], length: 0, number: 0, isNegative: false)
                index += 1
                try self.count(bytes: 1)
            case .line(let kind, var length, var number, var isNegative):
                let start = index
                var hasEnded = false
                while index < bytes.count, !hasEnded {
                    let byte = bytes[index]
                    index += 1
                    switch byte {
                    case 0x0A: hasEnded = true
                    // Beyond every limit it does not matter by how much.
                    case 0x30...0x39 where number < 1 << 40: number = number * 10 + Int(byte) - 0x30
                    case 0x2D where length == 0: isNegative = true
                    default: break
                    }
                    length += 1
                }
                guard length <= self.limits.line else {
                    throw RedisProtocolError(message: "a line of the answer is longer than \(self.limits.line) bytes")
                }
                try self.count(bytes: index - start)
                if hasEnded {
                    try self.lineEnded(kind, isNegative ? -1 : number)
                } else {
                    self.state = .line(kind, length: length, number: number, isNegative: isNegative)
                }
            }
        }
    }

    private mutating func lineEnded(_ kind: UInt8, _ number: Int) throws(RedisProtocolError) {
        switch kind {
        case UInt8(ascii: "$") where number >= 0:
            guard number <= self.limits.bulk, self.bytes + number <= self.limits.reply else {
                throw self.tooLarge("announces a text of \(number) bytes", self.limits.bulk)
            }
            self.state = .bulk(left: number + 2)
        case UInt8(ascii: "*") where number > 0:
            self.items += min(number, self.limits.items + 1)
            guard self.items <= self.limits.items else {
                throw RedisProtocolError(
                    message: "the answer has more than \(self.limits.items) items, which is more than is taken", isTooLarge: true)
            }
            guard self.open.count < self.limits.depth else {
                throw RedisProtocolError(message: "arrays of the answer are nested more than \(self.limits.depth) deep")
            }
            self.open.append(number)
            self.state = .start
        default:
            self.itemEnded()
        }
    }

    private mutating func itemEnded() {
        self.state = .start
        while let left = self.open.last {
            guard left == 1 else {
                self.open[self.open.count - 1] = left - 1
                return
            }
            self.open.removeLast()
        }
        self.items = 0
        self.bytes = 0
    }

    private mutating func count(bytes: Int) throws(RedisProtocolError) {
        self.bytes += bytes
        guard self.bytes <= self.limits.reply else { throw self.tooLarge("is larger", self.limits.reply) }
    }

    private func tooLarge(_ what: String, _ limit: Int) -> RedisProtocolError {
        RedisProtocolError(message: "the answer \(what); at most \(limit) bytes are taken", isTooLarge: true)
    }
}
