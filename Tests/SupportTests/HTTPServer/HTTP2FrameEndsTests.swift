import NIOCore
import Testing

@testable import HTTPServer

@Suite struct HTTP2FrameEndsTests {
    private static let frames = [
        preface.dropLast(9) + [], frame(4), frame(1, flags: 5, stream: 1, getFields),
        frame(0, stream: 1, [UInt8](repeating: 7, count: 300)),
        frame(0, stream: 3), frame(9, stream: 0xFFFF_FFFF, [1]),
    ]

    @Test func `bytes are divided where frames end`() {
        var ends = HTTP2FrameEnds()
        var bytes = ByteBuffer(bytes: Self.frames.flatMap { $0 })
        for frame in Self.frames { #expect(ends.next(in: &bytes).map { Array(buffer: $0) } == frame) }
        #expect(ends.next(in: &bytes) == nil)
        #expect(!ends.hasNext(in: bytes))
    }

    @Test(arguments: 1...40)
    func `no byte is lost or moved for any split`(_ size: Int) {
        let all = Self.frames.flatMap { $0 }
        var ends = HTTP2FrameEnds()
        var waiting = ByteBuffer()
        var passed: [UInt8] = []
        for start in stride(from: 0, to: all.count, by: size) {
            waiting.writeBytes(all[start..<min(all.count, start + size)])
            while ends.hasNext(in: waiting) {
                let piece = ends.next(in: &waiting)
                #expect(piece?.readableBytes ?? 0 > 0)
                passed += piece.map { Array(buffer: $0) } ?? []
            }
            // Only what is too short to say how long its frame is waits.
            #expect(waiting.readableBytes < 9)
        }
        #expect(passed == all)
        #expect(waiting.readableBytes == 0)
    }

    @Test func `a frame with the maximum length needs no memory before it arrives`() {
        var ends = HTTP2FrameEnds()
        var bytes = ByteBuffer(bytes: preface.dropLast(9) + [0xFF, 0xFF, 0xFF, 0, 0, 0, 0, 0, 1, 1, 2])
        _ = ends.next(in: &bytes)
        #expect(ends.next(in: &bytes)?.readableBytes == 11)
        bytes.writeBytes([3])
        #expect(ends.next(in: &bytes)?.readableBytes == 1)
    }
}
