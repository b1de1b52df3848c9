package import NIOCore

/// A reply of a Redis server (RESP 2).
package enum RedisReply: Sendable, Equatable {
    /// A simple string, such as `OK`.
    case status(String)
    /// An error, with its code as the first word.
    case error(String)
    /// A signed integer of 64 bits.
    case integer(Int)
    /// A bulk string.
    case bulk(ByteBuffer)
    /// A null bulk string or a null array.
    case null
    /// An array; its items may be arrays.
    case array([RedisReply])

    /// The text of a simple or bulk string; `nil` for other replies.
    package var text: String? {
        switch self {
        case .status(let text): text
        case .bulk(let bytes): String(buffer: bytes)
        case .error, .integer, .null, .array: nil
        }
    }

    /// The bytes of a bulk string; `nil` for other replies.
    package var bytes: ByteBuffer? {
        if case .bulk(let bytes) = self { bytes } else { nil }
    }

    /// The items of an array; empty for other replies.
    package var items: [RedisReply] {
        if case .array(let items) = self { items } else { [] }
    }

    /// The value of an integer; `nil` for other replies.
    package var integer: Int? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// Reads the reply that begins at `start`; `nil` when it is incomplete.
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
