package import NIOCore

/// What a Redis server answers (RESP 2).
package enum RedisReply: Sendable, Equatable {
    case status(String)
    case error(String)
    case integer(Int)
    case bulk(ByteBuffer)
    case null
    case array([RedisReply])

    /// The text of a status or bulk reply.
    package var text: String? {
        switch self {
        case .status(let text): text
        case .bulk(let bytes): String(buffer: bytes)
        case .error, .integer, .null, .array: nil
        }
    }

    /// The bytes of a bulk reply.
    package var bytes: ByteBuffer? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    /// The items of an array reply.
    package var items: [RedisReply] {
        if case .array(let items) = self { items } else { [] }
    }

    /// The number of an integer reply.
    package var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// Reads one reply that begins at `start`; `nil` when it is not complete.
    static func read(_ bytes: [UInt8], at start: Int) -> (RedisReply, end: Int)? {
        guard let lineEnd = self.lineEnd(bytes, from: start) else { return nil }
        let line = bytes[(start + 1)..<lineEnd]
        let next = lineEnd + 2
        func text() -> String { String(decoding: line, as: UTF8.self) }
        switch bytes[start] {
        case UInt8(ascii: "+"): return (.status(text()), next)
        case UInt8(ascii: "-"): return (.error(text()), next)
        case UInt8(ascii: ":"): return (.integer(Int(text()) ?? 0), next)
        case UInt8(ascii: "$"):
            guard let count = Int(text()), count >= 0 else { return (.null, next) }
            guard bytes.count >= next + count + 2 else { return nil }
            return (.bulk(ByteBuffer(bytes: bytes[next..<(next + count)])), next + count + 2)
        case UInt8(ascii: "*"):
            guard let count = Int(text()), count >= 0 else { return (.null, next) }
            var items: [RedisReply] = []
            var position = next
            for _ in 0..<count {
                guard let (item, end) = self.read(bytes, at: position) else { return nil }
                items.append(item)
                position = end
            }
            return (.array(items), position)
        default: preconditionFailure("a Redis server answered \(bytes[start])")
        }
    }

    private static func lineEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        guard start < bytes.count else { return nil }
        var index = start + 1
        while index + 1 < bytes.count {
            if bytes[index] == 13, bytes[index + 1] == 10 { return index }
            index += 1
        }
        return nil
    }
}
