import NIOCore

/// Checks a server's bytes before hiredis parses them, so that no announced length costs memory (RESP2).
///
/// hiredis 0.14 allocates as many items as an array announces, and collects a bulk string of any length. This filter
/// skips larger parts as they arrive and puts an error in their place (``RedisOmission``), so that later answers can be
/// read.
struct RedisReplyBounds {
    /// The limits of one answer.
    struct Limits {
        /// Bytes of one bulk string.
        var bulk = 64 << 20
        /// Bytes of one whole answer.
        var reply = 128 << 20
        /// Items of one whole answer, including those of nested arrays.
        var items = 1 << 20
        /// Bytes of a line: a status, an error, a number.
        var line = 64 << 10
        /// Nested arrays; hiredis supports no more.
        var depth = 7
        /// Bytes of all answers to the commands of one write.
        var pipeline = 160 << 20
        /// Bytes of a text that is read even beyond ``reply`` and ``pipeline``, so that a skipped part keeps its id.
        var name = 64
        /// Bytes of a bulk string within an array that is skipped; above them the connection is unusable.
        ///
        /// More than a server stores in one value. An entry or message of any size must be skipped, because a new
        /// connection would get it again.
        var skipped = 64 << 30
        /// Items of a list within a skipped array: more than one command can add.
        var skippedItems = Int(Int32.max)
        /// Bytes of a bulk string that is a whole, skipped answer; no command in use has a long one.
        var skippedAnswer = (1 << 30) - 1
        /// Items of a list that is a whole, skipped answer.
        var skippedAnswerItems = 16 << 20
    }

    private enum State {
        /// The first byte of an answer or of an item.
        case start
        /// In the length of a bulk string or an array, which is held until it is complete.
        case header
        /// In a line of another kind, with its length so far.
        case line(length: Int)
        /// In the bytes of a bulk string and the line end after them.
        case bulk(left: Int)
    }

    private static let longestHeader = 32
    private static let deepestSkipped = 64

    private let limits: Limits
    private var state = State.start
    private var header: [UInt8] = []
    /// The number of outstanding items of each open array.
    private var open: [Int] = []
    /// The number of open arrays at the start of the skipped part.
    private var skippedFrom: Int?
    private var items = 0
    private var bytes = 0
    private var pipelined = 0

    init(_ limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Starts the answers to another write.
    mutating func beginPipeline() {
        self.pipelined = 0
    }

    /// Checks the next bytes and passes on those that hiredis may parse.
    ///
    /// - Throws: ``RedisProtocolError`` when they are not RESP2, or exceed the limits of skipping.
    mutating func filter(
        _ bytes: UnsafeRawBufferPointer, _ pass: (UnsafeRawBufferPointer) throws(RedisProtocolError) -> Void
    ) throws(RedisProtocolError) {
        var index = 0
        // The start of the bytes that are not passed on yet.
        var kept = 0
        while index < bytes.count {
            switch self.state {
            case .bulk(let left):
                let count = min(left, bytes.count - index)
                index += count
                if count == left { self.itemEnded(at: index, &kept) } else { self.state = .bulk(left: left - count) }
            case .start:
                self.header.removeAll(keepingCapacity: true)
                let isHeader = bytes[index] == UInt8(ascii: "$") || bytes[index] == UInt8(ascii: "*")
                self.state = isHeader ? .header : .line(length: 0)
            case .header:
                let start = index
                let isComplete = Self.advance(&index, in: bytes)
                // Otherwise it began in earlier bytes, which are held, or continues in later ones.
                let isWhole = isComplete && self.header.isEmpty
                if !isWhole { self.header.append(contentsOf: bytes[start..<index]) }
                guard (isWhole ? index - start : self.header.count) <= Self.longestHeader else {
                    throw RedisProtocolError(message: "a length of the answer has more than \(Self.longestHeader) bytes")
                }
                let wasSkipping = self.skippedFrom != nil
                if !wasSkipping, !isWhole { try pass(UnsafeRawBufferPointer(rebasing: bytes[kept..<start])) }
                if !isWhole { kept = index }
                guard isComplete else { continue }
                let header =
                    isWhole
                    ? Header(UnsafeRawBufferPointer(rebasing: bytes[start..<index])) : self.header.withUnsafeBytes(Header.init)
                if let omission = try self.headerEnded(header, at: index, &kept) {
                    if isWhole { try pass(UnsafeRawBufferPointer(rebasing: bytes[kept..<start])) }
                    try omission.withLine(pass)
                } else if !wasSkipping, !isWhole {
                    try self.passHeader(pass)
                }
            case .line(var length):
                let start = index
                let isComplete = Self.advance(&index, in: bytes)
                length += index - start
                guard length <= self.limits.line else {
                    throw RedisProtocolError(message: "a line of the answer is longer than \(self.limits.line) bytes")
                }
                if self.skippedFrom == nil {
                    self.bytes += index - start
                    guard self.bytes <= self.limits.reply || length <= self.limits.name else {
                        throw RedisProtocolError(
                            message: "the answer is larger; at most \(self.limits.reply) bytes are read", isTooLarge: true)
                    }
                }
                if isComplete { self.itemEnded(at: index, &kept) } else { self.state = .line(length: length) }
            }
        }
        if self.skippedFrom == nil, kept < bytes.count { try pass(UnsafeRawBufferPointer(rebasing: bytes[kept...])) }
    }

    private func passHeader(
        _ pass: (UnsafeRawBufferPointer) throws(RedisProtocolError) -> Void
    ) throws(RedisProtocolError) {
        var failure: RedisProtocolError?
        self.header.withUnsafeBytes { header in
            do throws(RedisProtocolError) { try pass(header) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Moves after the next line end, or to the end of the bytes.
    ///
    /// - Returns: whether there is a line end.
    private static func advance(_ index: inout Int, in bytes: UnsafeRawBufferPointer) -> Bool {
        while index < bytes.count {
            index += 1
            if bytes[index - 1] == 0x0A { return true }
        }
        return false
    }

    /// What the line before a bulk string or an array announces.
    private struct Header {
        let isArray: Bool
        /// The number of bytes or items; -1 for any negative one.
        let number: Int
        /// The bytes of the line.
        let length: Int

        /// - Parameter line: 1 byte or more.
        init(_ line: UnsafeRawBufferPointer) {
            self.isArray = line[0] == UInt8(ascii: "*")
            self.length = line.count
            self.number = Self.number(in: line)
        }

        private static func number(in line: UnsafeRawBufferPointer) -> Int {
            var number = 0
            for byte in line.dropFirst() {
                switch byte {
                case UInt8(ascii: "-"): return -1
                // Far beyond every limit the exact value does not matter.
                case 0x30...0x39 where number < 1 << 40: number = number * 10 + Int(byte) - 0x30
                default: break
                }
            }
            return number
        }
    }

    /// - Returns: the part that is skipped from here on; `nil` if none begins.
    private mutating func headerEnded(
        _ header: Header, at index: Int, _ kept: inout Int
    ) throws(RedisProtocolError) -> RedisOmission? {
        let (number, isArray) = (header.number, header.isArray)
        guard number > 0 || number == 0 && !isArray else {
            self.itemEnded(at: index, &kept)
            return nil
        }
        let omission = self.skippedFrom == nil ? (isArray ? self.omission(items: number) : self.omission(bytes: number)) : nil
        if omission != nil {
            self.skippedFrom = self.open.count
        } else if self.skippedFrom == nil {
            if isArray { self.items += number } else { self.bytes += number + 2 }
            self.bytes += header.length
            self.pipelined += header.length + (isArray ? 0 : number + 2)
        }
        let isAnswer = self.open.isEmpty
        if isArray {
            let limit = isAnswer ? min(self.limits.skippedItems, self.limits.skippedAnswerItems) : self.limits.skippedItems
            guard number <= limit else {
                throw RedisProtocolError(message: "the answer announces a list of \(number) items", isTooLarge: true)
            }
            guard self.open.count < (self.skippedFrom == nil ? self.limits.depth : Self.deepestSkipped) else {
                throw RedisProtocolError(message: "arrays of the answer are nested more than \(self.open.count) deep")
            }
            self.open.append(number)
            self.state = .start
        } else {
            guard number <= (isAnswer ? min(self.limits.skipped, self.limits.skippedAnswer) : self.limits.skipped) else {
                throw RedisProtocolError(message: "the answer announces a text of \(number) bytes", isTooLarge: true)
            }
            self.state = .bulk(left: number + 2)
        }
        return omission
    }

    private func omission(bytes number: Int) -> RedisOmission? {
        if number > self.limits.bulk {
            return RedisOmission(.alone, "a value has \(number) bytes; at most \(self.limits.bulk) are read")
        }
        guard number > self.limits.name else { return nil }
        if self.bytes + number > self.limits.reply {
            return RedisOmission(.shared, "all values have more than the \(self.limits.reply) bytes that are read")
        }
        if self.pipelined + number > self.limits.pipeline {
            return RedisOmission(.shared, "all values have more than the \(self.limits.pipeline) bytes that are read")
        }
        return nil
    }

    /// A pair is read beyond the limit, so that a skipped entry keeps its id.
    private func omission(items number: Int) -> RedisOmission? {
        if number > self.limits.items {
            return RedisOmission(.alone, "a list has \(number) items; at most \(self.limits.items) are read")
        }
        let isPair = number <= 2 && self.items + number <= 2 * self.limits.items
        guard !isPair, self.items + number > self.limits.items else { return nil }
        return RedisOmission(.shared, "all lists have more than the \(self.limits.items) items that are read")
    }

    private mutating func itemEnded(at index: Int, _ kept: inout Int) {
        self.state = .start
        while true {
            if self.skippedFrom == self.open.count {
                self.skippedFrom = nil
                kept = index
            }
            guard let left = self.open.last else { break }
            guard left == 1 else {
                self.open[self.open.count - 1] = left - 1
                return
            }
            self.open.removeLast()
        }
        self.items = 0
        self.bytes = 0
    }
}
