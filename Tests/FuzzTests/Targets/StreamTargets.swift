import BridgeCore
import HTTPServer
import NIOCore
import NIOHTTP1

@testable import FileAdapter
@testable import RedisAdapter
@testable import SSEAdapter

extension FuzzTarget {
    /// The parser of event streams: pieces of any size give the same events as the whole.
    static let eventStream = FuzzTarget(
        "event-stream",
        seeds: [
            "data: a\n\n", "id: 1\r\nevent: x\r\ndata: a\r\ndata: b\r\n\r\n", "retry: 5\n\n: comment\n\ndata\n\n",
            "\u{FEFF}data: x\r\rid\n\n", "id: a\u{0}b\ndata: x\n\n",
            "data: \(String(repeating: "x", count: 300))\n\ndata: y\n\n",
        ], words: ["data:", "event:", "id:", "retry:", ":", "\n", "\r", "\r\n", "\n\n", "\u{FEFF}", "\u{0}"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let size = 1 + input.number(below: 40)
        let whole = try Self.items(of: input.bytes, pieces: .max)
        let cut = try Self.items(of: input.bytes, pieces: size)
        try FuzzFailure.unless(whole == cut, "\(whole) whole, \(cut) in pieces of \(size)")
    }

    private static func items(of bytes: [UInt8], pieces size: Int) throws -> [[UInt8]] {
        let limit = 256
        var parser = SSEParser(limit: limit)
        var items: [SSEParser.Item] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            parser.feed(ByteBuffer(bytes: piece), into: &items)
            rest = rest.dropFirst(piece.count)
        }
        for case .event(let event) in items {
            // Each malformed byte becomes U+FFFD, which has three.
            try FuzzFailure.unless(event.data.readableBytes <= 3 * limit, "an event is longer than its limit")
            try FuzzFailure.unless(
                String(validating: event.data.readableBytesView, as: UTF8.self) != nil, "the data are not UTF-8")
            try FuzzFailure.unless(
                !event.lastEventID.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 }, "an id holds a line end or NUL")
        }
        return items.map { self.bytes(of: $0) }
    }

    /// By bytes, and much faster than a description.
    private static func bytes(of item: SSEParser.Item) -> [UInt8] {
        switch item {
        case .event(let event):
            [1, event.hasOwnID ? 1 : 0] + event.type.utf8 + [0] + event.lastEventID.utf8 + [0] + event.data.readableBytesView
        case .cursor(let id): [2] + id.utf8
        case .retry(let milliseconds): [3] + String(milliseconds).utf8
        case .tooLarge(let type, let bytes): [4] + type.utf8 + [0] + String(bytes).utf8
        }
    }

    /// The reader of Redis answers: pieces give the same answers as the whole.
    static let redisReplies = FuzzTarget(
        "redis-replies",
        seeds: [
            "+OK\r\n", "-ERR x\r\n", ":-5\r\n", "$3\r\nabc\r\n", "$-1\r\n", "*-1\r\n", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
            "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n", "*0\r\n", "$0\r\n\r\n",
            "*1\r\n*2\r\n$1\r\ns\r\n*1\r\n*2\r\n$3\r\n1-1\r\n*2\r\n$1\r\nk\r\n$1\r\nv\r\n", "%1\r\n+a\r\n+b\r\n", ">1\r\n+a\r\n",
            "_\r\n", ",1.5\r\n", "#t\r\n",
        ], words: ["\r\n", "$", "*", "+", "-", ":", "$-1\r\n", "*2\r\n", "message", "pmessage", "subscribe"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let size = 1 + input.number(below: 20)
        let whole = Self.answers(in: input.bytes, pieces: .max)
        let cut = Self.answers(in: input.bytes, pieces: size)
        // Bytes after an error are not read, and whether that is noticed early depends on the chunks.
        let count = min(whole.count, cut.count)
        try FuzzFailure.unless(whole.prefix(count) == cut.prefix(count), "\(whole) whole, \(cut) in pieces of \(size)")
    }

    private static func answers(in bytes: [UInt8], pieces size: Int) -> [String] {
        let reader = RedisReplyReader()
        var answers: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(size)
            do {
                try reader.feed(ByteBuffer(bytes: piece)) { answers.append("\($0.copy())") }
            } catch {
                return answers
            }
            rest = rest.dropFirst(piece.count)
        }
        return answers
    }

    /// The splitter of a file's lines: pieces give the same lines as the whole, none longer than it may be.
    static let lines = FuzzTarget(
        "lines", seeds: ["a\nb\n", "\n\n", "a\r\nb", "\u{0}\n", String(repeating: "x", count: 100)],
        words: ["\n", "\r\n", "\u{0}", "\u{FEFF}"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let size = 1 + input.number(below: 20)
        func lines(pieces size: Int) -> [String] {
            var splitter = LineSplitter(longest: 50)
            var lines: [LineSplitter.Line] = []
            var rest = input.bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(size)
                lines += Array(piece).withUnsafeBytes { splitter.feed($0) }
                rest = rest.dropFirst(piece.count)
            }
            if let last = splitter.finish() { lines.append(last) }
            return lines.map { "\(Array($0.bytes.readableBytesView)) \($0.isTruncated)" }
        }
        let (whole, cut) = (lines(pieces: .max), lines(pieces: size))
        try FuzzFailure.unless(whole == cut, "\(whole) whole, \(cut) in pieces of \(size)")
    }
}
