import BridgeTesting
import Compression
import NIOCore
import Testing

@Suite struct SegmentCompressorTests {
    @Test(
        arguments: [
            ([], .identity), (["gzip"], .gzip), (["gzip, deflate, br, zstd"], .zstd), (["gzip;q=1.0, zstd;q=0.5"], .gzip),
            (["zstd;q=0, gzip"], .gzip), (["*"], .zstd), (["gzip;q=0"], .identity), (["identity, *;q=0"], .identity),
            (["identity;q=0"], nil), (["*;q=0"], nil), (["br"], .identity), (["x-gzip"], .gzip), (["GZIP ; Q=1"], .gzip),
            (["br", "gzip;q=0.2"], .gzip),
        ] as [([String], ContentCoding?)]) func `Accept-Encoding decides`(_ fields: [String], _ expected: ContentCoding?)
    {
        #expect(ContentCoding.negotiate(fields) == expected)
    }

    /// Python's zlib and gzip read what was written, piece by piece.
    @Test func `gzip segments of all sizes make one member that ends as it should`() async throws {
        let pieces = [1, 255, 256, 300, 5000, 20_000, 3].map { length in
            ByteBuffer(string: String((0..<length).map { Character(UnicodeScalar(97 + UInt8($0 * $0 % 23))) }))
        }
        let compressor = SegmentCompressor()
        var sum = GzipSum()
        var stream = ByteBuffer(bytes: ContentCoding.gzip.start)
        var lengths: [Int] = []
        for piece in pieces {
            let before = stream.readableBytes
            compressor.write(piece, as: .gzip, into: &stream)
            sum.add(GzipSum(piece))
            lengths.append(stream.readableBytes - before)
        }
        stream.writeImmutableBuffer(sum.end)
        let text = pieces.map { String(buffer: $0) }.joined()
        let script = """
            import sys, zlib, gzip
            data = bytes.fromhex(sys.argv[3])
            assert gzip.decompress(data).decode() == sys.argv[2]
            decoder = zlib.decompressobj(31)
            decoder.decompress(data[:10])
            at = 10
            for length, expected in [pair.split(':') for pair in sys.argv[1].split(',')]:
                piece = decoder.decompress(data[at:at + int(length)])
                assert len(piece) == int(expected), (len(piece), expected)
                at += int(length)
            print('read')
            """
        let arguments = zip(lengths, pieces).map { "\($0):\($1.readableBytes)" }.joined(separator: ",")
        let hex = stream.readableBytesView.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        try await ChildProcess.with("python3", ["-c", script, arguments, text, hex]) { python in
            let ending = try await python.untilEnded()
            #expect(ending == .exited(0))
            #expect(python.standardOutput == "read\n")
        }
        #expect(lengths[4] < 2000)
    }

    @Test(arguments: [1, 3, 255, 256, 300, 5000, 70_000])
    func `every gzip segment ends with an empty stored block, at which decoders pass their output on`(_ length: Int) {
        let text = (0..<length).map { Character(UnicodeScalar(97 + UInt8($0 * $0 % 23))) }
        let compressor = SegmentCompressor()
        for piece in [ByteBuffer(string: String(text)), ByteBuffer(bytes: (0..<length).map { _ in UInt8.random(in: 0...255) })] {
            var segment = ByteBuffer()
            compressor.write(piece, as: .gzip, into: &segment)
            // The three bits before them, of an empty block too, may share a byte with what they follow.
            #expect(segment.readableBytesView.suffix(4).elementsEqual([0, 0, 0xFF, 0xFF]))
        }
    }

    /// One after the other, each decoded as soon as it is there; a frame never begins between two chunks.
    @Test func `zstd segments of all sizes make a stream that ends as it should`() async throws {
        let pieces = [1, 255, 300, 5000, 200_000, 3].map { length in
            ByteBuffer(string: String((0..<length).map { Character(UnicodeScalar(97 + UInt8($0 * $0 % 23))) }))
        }
        let compressor = SegmentCompressor()
        var stream = ByteBuffer(bytes: ContentCoding.zstd.start)
        for piece in pieces { compressor.write(piece, as: .zstd, into: &stream) }
        stream.writeImmutableBuffer(ContentCoding.zstd.end(GzipSum()))
        let directory = try TemporaryDirectory()
        let file = try directory.write(bytes: Array(stream.readableBytesView), to: "stream.zst")
        try await ChildProcess.with("zstd", ["-dc", file]) { zstd in
            let ending = try await zstd.untilEnded()
            #expect(ending == .exited(0), "\(zstd.standardError)")
            #expect(zstd.standardOutput == pieces.map { String(buffer: $0) }.joined())
        }
        #expect(stream.readableBytes < 10_000)
    }

    @Test func `the same piece is the same bytes whatever was written before`() {
        let piece = ByteBuffer(string: String(repeating: "event ", count: 100))
        for coding in [ContentCoding.gzip, .zstd] {
            let compressor = SegmentCompressor()
            var first = ByteBuffer()
            compressor.write(piece, as: coding, into: &first)
            var other = ByteBuffer()
            compressor.write(ByteBuffer(string: String(repeating: "other ", count: 300)), as: coding, into: &other)
            var second = ByteBuffer()
            compressor.write(piece, as: coding, into: &second)
            #expect(first == second)
            #expect(first.readableBytes < piece.readableBytes / 4)
        }
    }
}
