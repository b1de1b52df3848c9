import NIOCore
import Testing

@testable import FileAdapter

struct LineSplitterTests {
    private static let text = "one\n\nthree \r\n\u{0}\u{FF} four\nincomplete"
    private static let lines = ["one", "", "three \r", "\u{0}\u{FF} four"]

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
        for start in stride(from: 0, to: bytes.count, by: piece) {
            lines += Self.feed(Array(bytes[start..<min(start + piece, bytes.count)]), to: &splitter)
        }
        #expect(lines.map { String(buffer: $0.bytes) } == ["1234", "1234", "1234", "x"])
        #expect(lines.map(\.isTruncated) == [true, false, true, false])
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
