import NIOCore
import Testing

@testable import FileAdapter

struct LineSplitterTests {
    private static let text = "one\n\nthree \r\nin\rside\r\r\n\u{FF}\u{0} four\n\r\nincomplete"
    private static let lines = ["one", "", "three ", "in\rside\r", "\u{FF}\u{0} four", ""]

    @Test func `lines are the same whole, byte by byte and in every two-way split`() {
        let bytes = Array(Self.text.utf8)
        #expect(Self.split([bytes]).lines == Self.lines)
        #expect(Self.split(bytes.map { [$0] }).lines == Self.lines)
        for cut in 0...bytes.count {
            let (lines, splitter) = Self.split([Array(bytes[..<cut]), Array(bytes[cut...])])
            #expect(lines == Self.lines, "cut at \(cut)")
            #expect(splitter.partialLength == "incomplete".utf8.count)
        }
    }

    @Test func `the end of a file ends its last line`() {
        var (_, splitter) = Self.split([Array(Self.text.utf8)])
        #expect(splitter.finish().map { String(buffer: $0.bytes) } == "incomplete")
        #expect(splitter.finish() == nil)
        #expect(splitter.partialLength == 0)
    }

    @Test(arguments: [1, 3, 7, 100])
    func `a line that is too long is cut and marked`(piece: Int) {
        let bytes = Array("12345678\n1234\n12345\nx\n".utf8)
        var splitter = LineSplitter(longest: 4)
        var lines: [LineSplitter.Line] = []
        var lengths = 0
        for start in stride(from: 0, to: bytes.count, by: piece) {
            lines += Self.feed(Array(bytes[start..<min(start + piece, bytes.count)]), to: &splitter)
        }
        #expect(lines.map { String(buffer: $0.bytes) } == ["1234", "1234", "1234", "x"])
        #expect(lines.map(\.isTruncated) == [true, false, true, false])
        lengths = lines.reduce(0) { $0 + $1.length }
        #expect(lengths == bytes.count)
    }

    @Test(arguments: [1, 2, 3, 100])
    func `CRLF does not make a line too long`(piece: Int) {
        let lines = Self.lines(of: Array("1234\r\n12345\r\n123\r\n".utf8), longest: 4, piece: piece)
        #expect(lines.map { String(buffer: $0.bytes) } == ["1234", "1234", "123"])
        #expect(lines.map(\.isTruncated) == [false, true, false])
        #expect(lines.map(\.length) == [6, 7, 5])
    }

    @Test(arguments: [1, 2, 3, 100])
    func `a byte order mark at the beginning of a file is not part of its first line`(piece: Int) {
        let bytes = Array("\u{FEFF}one\n\u{FEFF}two\n".utf8)
        let lines = Self.lines(of: bytes, longest: 16, piece: piece, isAtBeginning: true)
        #expect(lines.map { String(buffer: $0.bytes) } == ["one", "\u{FEFF}two"])
        #expect(lines.map(\.length) == [7, 7])
        let inside = Self.lines(of: bytes, longest: 16, piece: piece)
        #expect(inside.map { String(buffer: $0.bytes) } == ["\u{FEFF}one", "\u{FEFF}two"])
    }

    @Test(arguments: [1, 7, 4096, 10_000])
    func `zeros at the beginning of a file are not part of its first line`(piece: Int) {
        let bytes = [UInt8](repeating: 0, count: 4000) + Array("one\n".utf8) + [0, 0] + Array("t\0wo\n".utf8) + [0, 10]
        let lines = Self.lines(of: bytes, longest: 16, piece: piece, isAtBeginning: true)
        #expect(lines.map { String(buffer: $0.bytes) } == ["one", "\0\0t\0wo", "\0"])
        #expect(lines.allSatisfy { !$0.isTruncated })
        #expect(lines.map(\.length) == [4004, 7, 2])
    }

    @Test(arguments: [1, 2, 100])
    func `a zero at the beginning of any other line belongs to it`(piece: Int) {
        let bytes = Array("\0nul\n\n\0\n\0\0x".utf8)
        #expect(Self.lines(of: bytes, longest: 16, piece: piece).map { String(buffer: $0.bytes) } == ["\0nul", "", "\0"])
        let empty = Self.lines(of: Array("\n\0nul\n".utf8), longest: 16, piece: piece, isAtBeginning: true)
        #expect(empty.map { String(buffer: $0.bytes) } == ["", "\0nul"])
    }

    private static func lines(of bytes: [UInt8], longest: Int, piece: Int, isAtBeginning: Bool = false) -> [LineSplitter.Line] {
        var splitter = LineSplitter(longest: longest, isAtBeginning: isAtBeginning)
        return stride(from: 0, to: bytes.count, by: piece).flatMap { start in
            Self.feed(Array(bytes[start..<min(start + piece, bytes.count)]), to: &splitter)
        }
    }

    private static func split(_ pieces: [[UInt8]]) -> (lines: [String], splitter: LineSplitter) {
        var splitter = LineSplitter(longest: 1000)
        var lines: [String] = []
        for piece in pieces { lines += Self.feed(piece, to: &splitter).map { String(buffer: $0.bytes) } }
        return (lines, splitter)
    }

    private static func feed(_ bytes: [UInt8], to splitter: inout LineSplitter) -> [LineSplitter.Line] {
        bytes.withUnsafeBytes { splitter.feed($0) }
    }
}
