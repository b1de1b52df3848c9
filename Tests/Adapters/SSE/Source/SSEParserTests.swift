import BridgeTesting
import NIOCore
import Testing

@testable import SSEAdapter

/// Cases of the standard's grammar, most of them known from the Web Platform Tests, each fed whole, byte by byte and in every two pieces.
@Suite struct SSEParserTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let stream: [UInt8]
        let expected: [String]
        var testDescription: String { self.name }

        init(_ name: String, _ stream: String, _ expected: [String]) {
            self.init(name, Array(stream.utf8), expected)
        }

        init(_ name: String, _ stream: [UInt8], _ expected: [String]) {
            self.name = name
            self.stream = stream
            self.expected = expected
        }
    }

    static let cases: [Case] = [
        Case("one event", "data: a\n\n", ["message a"]),
        Case("line feeds", "data:a\ndata:b\n\n", ["message a|b"]),
        Case("carriage returns", "data:a\rdata:b\r\r", ["message a|b"]),
        Case("both", "data:a\r\ndata:b\r\n\r\n", ["message a|b"]),
        Case("mixed", "data:a\ndata:b\r\ndata:c\rdata:d\n\rdata:e\r\n\n", ["message a|b|c|d", "message e"]),
        Case("a CR is the end of the block at once", "data:a\r\r", ["message a"]),
        Case("LF CR ends two lines", "data:a\n\rdata:b\n\n", ["message a", "message b"]),
        Case("one space is removed", "data: a\ndata:  b\ndata:c\ndata:\td\n\n", ["message a| b|c|\td"]),
        Case("only a space", "data: \n\n", ["message "]),
        Case("no colon", "data\n\n", ["message "]),
        Case("empty data", "data:\n\n", ["message "]),
        Case("two empty data", "data\ndata\n\n", ["message |"]),
        Case("data ending in an empty line", "data: a\ndata\n\n", ["message a|"]),
        Case("no data", "event: a\n\n", []),
        Case("blank lines only", "\n\n\r\r\n\n", []),
        Case("comment", ": data: x\n:\ndata: a\n: b\n\n", ["message a"]),
        Case("a comment alone is nothing", ":\n\n", []),
        Case("type", "event: x\ndata: a\n\ndata: b\n\n", ["x a", "message b"]),
        Case("last type wins", "event: x\nevent: y\ndata: a\n\n", ["y a"]),
        Case("empty type", "event: x\nevent\ndata: a\n\n", ["message a"]),
        Case("a type without data is forgotten", "event: x\n\ndata: a\n\n", ["message a"]),
        Case("id", "id: 1\ndata: a\n\n", ["message a #1 own"]),
        Case("id stays", "id: 1\ndata: a\n\ndata: b\n\n", ["message a #1 own", "message b #1"]),
        Case("id is reset", "id: 1\ndata: a\n\nid\ndata: b\n\n", ["message a #1 own", "message b"]),
        Case("id with NUL is ignored", "id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", ["message a #1 own", "message b #1"]),
        Case("an id alone moves the cursor", "id: 1\n\ndata: a\n\n", ["cursor 1", "message a #1"]),
        Case("an empty id alone resets it", "id: 1\n\nid:\n\ndata: a\n\n", ["cursor 1", "cursor ", "message a"]),
        Case("last id wins", "id: 1\nid: 2\ndata: a\n\n", ["message a #2 own"]),
        Case("id of several bytes", "id: \u{e9}\u{1f600} x\ndata: a\n\n", ["message a #\u{e9}\u{1f600} x own"]),
        Case("retry", "retry: 03000\nretry:1\n", ["retry 3000", "retry 1"]),
        Case("retry is reported at its line", "data: a\nretry: 5\n\n", ["retry 5", "message a"]),
        Case(
            "retry with anything but digits",
            "retry:\nretry: 1000x\nretry: -1\nretry: 1.5\nretry:  5\nretry\nretry: \u{0665}\nretry: 0x1\n", []
        ),
        Case("retry too large", "retry: 99999999999999999999999\n", ["retry \(Int.max)"]),
        Case(
            "unknown names",
            " data: a\nData: a\ndata : a\ndata\0: a\nda-ta: a\ndata_5: a\ndataa: a\ndat: a\nfoo\nfoofoofoo: b\n\ndata: b\n\n",
            ["message b"]
        ),
        Case("NUL in data and type", "event: a\0b\ndata: c\0d\n\n", ["a\0b c\0d"]),
        Case("colons", "data:a:b::c\ndata: :\n\n", ["message a:b::c|:"]),
        Case("unfinished block", "data: a\n\ndata: b\nid: 7\n", ["message a"]),
        Case("unfinished line", "data: a\n\ndata: b", ["message a"]),
        Case("byte order mark", "\u{feff}data: a\n\n", ["message a"]),
        Case("only one byte order mark", "\u{feff}\u{feff}data: a\n\ndata: b\n\n", ["message b"]),
        Case("a later byte order mark is data", "data: \u{feff}a\n\n", ["message \u{feff}a"]),
        Case("a byte order mark before a blank line", "\u{feff}\ndata: a\n\n", ["message a"]),
        Case("half a byte order mark", [0xef, 0xbb] + Array("data: a\n\ndata: b\n\n".utf8), ["message b"]),
        Case("a third of one, then an end of line", [0xef] + Array("\ndata: b\n\n".utf8), ["message b"]),
        Case("multi-byte characters", "data: \u{e9}\u{20ac}\u{1f600}\n\n", ["message \u{e9}\u{20ac}\u{1f600}"]),
        Case(
            "malformed bytes become U+FFFD",
            Array("data: ok ok ok ok".utf8) + [0xff, 0x41, 0xc3, 0x0a] + Array("data: ".utf8) + [0xe2, 0x82, 0x0a, 0x0a],
            ["message ok ok ok ok\u{fffd}A\u{fffd}|\u{fffd}"]
        ),
        Case(
            "malformed type and id",
            Array("event: ".utf8) + [0xc0] + Array("\nid: ".utf8) + [0xf0, 0x9f] + Array("\ndata\n\n".utf8),
            ["\u{fffd}  #\u{fffd} own"]
        ),
    ]

    @Test(arguments: Self.cases) func `whole`(_ example: Case) {
        #expect(Self.parse([example.stream]) == example.expected)
    }

    @Test(arguments: Self.cases) func `byte by byte`(_ example: Case) {
        #expect(Self.parse(example.stream.map { [$0] }) == example.expected)
    }

    @Test(arguments: Self.cases) func `in every two pieces`(_ example: Case) {
        for split in 0...example.stream.count {
            let pieces = [Array(example.stream[..<split]), Array(example.stream[split...])]
            #expect(Self.parse(pieces) == example.expected, "split at \(split)")
        }
    }

    @Test func `an event is reported at its CR, without waiting for the LF`() {
        var parser = SSEParser()
        var items: [SSEParser.Item] = []
        parser.feed(ByteBuffer(string: "data: a\r\n\r"), into: &items)
        #expect(items.count == 1)
        parser.feed(ByteBuffer(string: "\ndata: b\r\n\r\n"), into: &items)
        #expect(items.map(Self.text) == ["message a", "message b"])
    }

    @Test func `a new parser continues with the last id`() {
        var items: [SSEParser.Item] = []
        var parser = SSEParser(lastEventID: "9")
        parser.feed(ByteBuffer(string: "data: a\n\n"), into: &items)
        #expect(items.map(Self.text) == ["message a #9"])
        #expect(parser.lastEventID == "9")
    }

    @Test func `the last id is that of the last complete block`() {
        var items: [SSEParser.Item] = []
        var parser = SSEParser()
        parser.feed(ByteBuffer(string: "id: 1\ndata: a\n\nid: 2\ndata: b\n"), into: &items)
        #expect(parser.lastEventID == "1")
    }

    @Test func `an event over the limit is skipped with its id`() {
        let long = String(repeating: "x", count: 101)
        let streams: [(String, [String])] = [
            ("data: \(long.dropLast())\n\n", ["message \(long.dropLast())"]),
            ("event: e\ndata: \(long)\nid: 1\n\ndata: b\n\n", ["too large e 101", "cursor 1", "message b #1"]),
            (
                "data: \(long.prefix(60))\ndata: \(long.prefix(60))\ndata: c\n\ndata: b\n\n",
                ["too large message 121", "message b"]
            ),
            ("data: \(long)\nretry: 7\ndata\n\n", ["retry 7", "too large message 102"]),
        ]
        for (stream, expected) in streams {
            #expect(Self.parse([Array(stream.utf8)], limit: 100) == expected)
            #expect(Self.parse(stream.utf8.map { [$0] }, limit: 100) == expected)
        }
    }

    @Test func `a line far over the limit is not kept`() {
        var parser = SSEParser(limit: 10_000)
        var items: [SSEParser.Item] = []
        parser.feed(ByteBuffer(string: "data: "), into: &items)
        let piece = ByteBuffer(repeating: 0x78, count: 1000)
        for _ in 0..<1000 { parser.feed(piece, into: &items) }
        parser.feed(ByteBuffer(string: "\nid: 2\n\n"), into: &items)
        #expect(items.map(Self.text) == ["too large message 1000000", "cursor 2"])
        // A long comment and a long unknown field are no event at all.
        items = []
        for start in [":", "other: "] {
            parser.feed(ByteBuffer(string: start), into: &items)
            for _ in 0..<100 { parser.feed(piece, into: &items) }
            parser.feed(ByteBuffer(string: "\ndata: a\n\n"), into: &items)
        }
        #expect(items.map(Self.text) == ["message a #2", "message a #2"])
    }

    @Test func `data on one line within one piece is not copied`() throws {
        var parser = SSEParser()
        var items: [SSEParser.Item] = []
        let piece = ByteBuffer(string: "data: abc\n\n")
        parser.feed(piece, into: &items)
        guard case .event(let event)? = items.first else {
            Issue.record("no event")
            return
        }
        let before = piece.withUnsafeReadableBytes { $0.baseAddress }
        let after = event.data.withUnsafeReadableBytes { $0.baseAddress }
        #expect(try #require(after) == (try #require(before)) + 6)
    }

    @Test(arguments: ["one line", "many lines", "CR far away"])
    func `parsing time is linear in the length of an event`(_ shape: String) {
        func duration(_ size: Int) -> Duration {
            let piece: ByteBuffer
            switch shape {
            case "one line": piece = ByteBuffer(repeating: 0x78, count: 512)
            case "many lines": piece = ByteBuffer(string: String(repeating: "data: x\n", count: 64))
            default: piece = ByteBuffer(string: String(repeating: "data\n", count: 100) + String(repeating: "y", count: 12))
            }
            return processorTime {
                var parser = SSEParser(limit: 32 << 20)
                var items: [SSEParser.Item] = []
                parser.feed(ByteBuffer(string: "data: "), into: &items)
                for _ in 0..<(size / 512) { parser.feed(piece, into: &items) }
                parser.feed(ByteBuffer(string: "\n\n"), into: &items)
                #expect(items.count == 1)
            }
        }
        // Lines are far dearer than bytes in a debug build.
        let size = shape == "one line" ? 16 << 20 : 1 << 20
        let small = (0..<3).map { _ in duration(size / 32) }.min() ?? .zero
        // 32 times the length; quadratic work would take 1024 times as long.
        #expect(duration(size) < small * 300 + .milliseconds(50))
    }

    static func parse(_ pieces: [[UInt8]], limit: Int = 1 << 20) -> [String] {
        var parser = SSEParser(limit: limit)
        var items: [SSEParser.Item] = []
        for piece in pieces { parser.feed(ByteBuffer(bytes: piece), into: &items) }
        return items.map(self.text)
    }

    @Test(arguments: ["data:", "data: ", "id:", "nothing", ""])
    func `a line that is too long takes no memory while it continues`(_ start: String) throws {
        let limit = 1 << 20
        var parser = SSEParser(limit: limit)
        var items: [SSEParser.Item] = []
        let piece = ByteBuffer(repeating: UInt8(ascii: "x"), count: 16 << 10)
        parser.feed(ByteBuffer(string: "data: before\n" + start), into: &items)
        for _ in 0..<3 * limit / piece.readableBytes { parser.feed(piece, into: &items) }
        let line = try #require(Mirror(reflecting: parser).descendant("line") as? ByteBuffer)
        #expect(line.storageCapacity <= 8 << 10)
        parser.feed(ByteBuffer(string: "\nid: 7\n\ndata: after\n\n"), into: &items)
        let first = start.hasPrefix("data") ? ["too large message \(3 * limit + 6)", "cursor 7"] : ["message before #7 own"]
        #expect(items.map(Self.text) == first + ["message after #7"])
    }

    /// Line feeds of the data as `|`; the id only when there is one.
    private static func text(_ item: SSEParser.Item) -> String {
        switch item {
        case .event(let event):
            let data = String(buffer: event.data).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "|")
            let id = event.lastEventID.isEmpty ? "" : " #\(event.lastEventID)"
            return "\(event.type) \(data)\(id)\(event.hasOwnID ? " own" : "")"
        case .cursor(let id): return "cursor \(id)"
        case .retry(let milliseconds): return "retry \(milliseconds)"
        case .tooLarge(let type, let bytes): return "too large \(type) \(bytes)"
        }
    }
}
