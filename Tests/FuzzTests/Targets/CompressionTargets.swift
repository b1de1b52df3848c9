import Compression
import NIOCore

extension FuzzTarget {
    /// Segments of compressed streams: any piece has one that is not much longer.
    static let compression = FuzzTarget("compression", seeds: ["", "a", String(repeating: "ab", count: 1000)], words: ["abab"]) {
        bytes in
        let compressor = SegmentCompressor()
        for coding in ContentCoding.allCases {
            for piece in [bytes, bytes + bytes] {
                var buffer = ByteBuffer()
                compressor.write(ByteBuffer(bytes: piece), as: coding, into: &buffer)
                try FuzzFailure.unless(
                    buffer.readableBytes <= piece.count + piece.count / 100 + 64,
                    "\(piece.count) bytes became \(buffer.readableBytes)")
            }
        }
    }

    /// The decoder of bodies: pieces of any size decode to the same as the whole, a bomb only as far as it is asked.
    static let decompression = FuzzTarget(
        "decompression",
        seeds: [
            [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 0x4B, 4, 0, 0x43, 0xBE, 0xB7, 0xE8, 1, 0, 0, 0, 7, 0],
            [0x78, 0x9C, 0x4B, 4, 0, 0, 0x62, 0, 0x62, 3, 1],
            [0x4B, 4, 0, 1, 1], [0x28, 0xB5, 0x2F, 0xFD, 0x20, 1, 9, 0, 0, 0x61, 2, 2],
            [0x28, 0xB5, 0x2F, 0xFD, 4, 0x58, 0x4B, 0, 0, 0x50, 1, 2], [0, 0],
        ], words: ["\u{1F}"]
    ) { bytes in
        var input = FuzzInput(bytes)
        let coding = ["gzip", "deflate", "zstd"][input.number(below: 3)]
        let size = 1 + input.number(below: 30)
        let whole = Self.decoded(input.bytes, coding, pieces: .max)
        let cut = Self.decoded(input.bytes, coding, pieces: size)
        // How much comes out before a mistake is seen depends on the pieces.
        let count = min(whole.count, cut.count)
        try FuzzFailure.unless(
            whole.prefix(count).elementsEqual(cut.prefix(count)), "\(coding): the whole and pieces of \(size) decode differently")
    }

    private static func decoded(_ bytes: [UInt8], _ coding: String, pieces size: Int) -> [UInt8] {
        guard let decoder = try? ContentDecoder.make(for: coding) else { return [] }
        var output: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 512)
        var rest = bytes[...]
        while !rest.isEmpty, output.count < 1 << 18 {
            let piece = rest.prefix(size)
            Array(piece).withUnsafeBytes { decoder.append($0) }
            rest = rest.dropFirst(piece.count)
            do throws(ContentDecodingError) {
                while decoder.hasMore, output.count < 1 << 18 {
                    var count = 0
                    var failure: ContentDecodingError?
                    room.withUnsafeMutableBytes { bytes in
                        do throws(ContentDecodingError) { count = try decoder.next(into: bytes) } catch { failure = error }
                    }
                    if let failure { throw failure }
                    guard count > 0 else { break }
                    output += room[..<count]
                }
            } catch {
                return output
            }
        }
        return output
    }
}
