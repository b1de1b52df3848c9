import BridgeTesting
import Compression
import Glibc
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(2))) struct ContentDecoderTests {
    /// Bytes that Python prints as base 16.
    private static func python(_ script: String) async throws -> [UInt8] {
        try await ChildProcess.with("python3", ["-c", "import gzip, zlib, sys\n" + script]) { python in
            let ending = try await python.untilEnded()
            #expect(ending == .exited(0), "\(python.standardError)")
            let digits = Array(python.standardOutput.utf8.filter { $0 != 10 })
            return stride(from: 0, to: digits.count - 1, by: 2).map { index in
                UInt8(String(decoding: digits[index...index + 1], as: UTF8.self), radix: 16) ?? 0
            }
        }
    }

    /// Decodes pieces, and reads as a reader with a small buffer does.
    private static func decode(_ pieces: [ArraySlice<UInt8>], _ coding: String, buffer: Int = 7) throws -> (String, Bool) {
        let decoder = try #require(try ContentDecoder.make(for: coding))
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: buffer)
        for piece in pieces {
            piece.withUnsafeBytes { decoder.append($0) }
            while case let count = try chunk.withUnsafeMutableBytes({ try decoder.next(into: $0) }), count > 0 {
                text += chunk[..<count]
            }
        }
        return (String(decoding: text, as: UTF8.self), decoder.isComplete)
    }

    /// Expects the same whole, byte by byte and in every two-way split.
    private static func expect(_ bytes: [UInt8], _ coding: String, _ text: String) throws {
        var splits = [[bytes[...]], bytes.indices.map { bytes[$0...$0] }]
        if bytes.count < 400 { splits += bytes.indices.map { [bytes[..<$0], bytes[$0...]] } }
        for pieces in splits {
            let (decoded, isComplete) = try Self.decode(pieces, coding)
            #expect(decoded == text)
            #expect(isComplete)
        }
    }

    @Test(arguments: [
        ("gzip", "gzip.compress(b'one') + gzip.compress(b'') + gzip.compress(b'two')"),
        ("x-gzip", "gzip.compress(b'onetwo')"), ("GZIP", "gzip.compress(b'onetwo')"),
        ("identity, gzip", "gzip.compress(b'onetwo')"),
        ("gzip", "gzip.compress(b'one') + bytes(600) + gzip.compress(b'two') + bytes(3)"),
        ("deflate", "zlib.compress(b'onetwo')"), ("deflate", "zlib.compress(b'one') + zlib.compress(b'two')"),
        ("deflate", "zlib.compress(b'onetwo')[2:-4]"), ("deflate", "zlib.compress(b'one')[2:-4] + zlib.compress(b'two')[2:-4]"),
    ]) func `members of every kind are decoded, one or many`(_ coding: String, _ expression: String) async throws {
        try Self.expect(try await Self.python("print((\(expression)).hex())"), coding, "onetwo")
    }

    @Test func `zstd frames are decoded, one or many`() throws {
        var buffer = ByteBuffer()
        let compressor = SegmentCompressor()
        for text in ["one", "", "two"] {
            buffer.writeBytes(ContentCoding.zstd.start)
            compressor.write(ByteBuffer(string: text), as: .zstd, into: &buffer)
            buffer.writeImmutableBuffer(ContentCoding.zstd.end(GzipSum()))
        }
        try Self.expect(Array(buffer.readableBytesView), "zstd", "onetwo")
    }

    @Test func `a flushed part comes out before its member ends`() async throws {
        let bytes = try await Self.python(
            "c = zlib.compressobj(wbits=31); print((c.compress(b'one') + c.flush(zlib.Z_SYNC_FLUSH)).hex())")
        let (text, isComplete) = try Self.decode([bytes[...]], "gzip")
        #expect(text == "one")
        #expect(!isComplete, "the member has not ended")
    }

    /// The second number of `/proc/self/statm`, in pages.
    private static var residentBytes: Int {
        let text = String(decoding: TemporaryDirectory.contents(of: "/proc/self/statm"), as: UTF8.self)
        return (text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0) * sysconf(Int32(_SC_PAGESIZE))
    }

    @Test(arguments: [nil, "", "identity", " identity , "]) func `an identity body needs no decoder`(_ field: String?) throws {
        #expect(try ContentDecoder.make(for: field) == nil)
    }

    @Test(arguments: ["br", "compress", "gzip, gzip", "gzip,br"]) func `a coding that was not offered is refused`(_ field: String)
    {
        let error = #expect(throws: ContentDecodingError.self) { _ = try ContentDecoder.make(for: field) }
        #expect(error?.message == "the content coding '\(field)' was not offered; gzip, deflate, zstd are")
    }

    @Test(arguments: [
        ("gzip", "b'data: plain'", "the body is not gzip data"),
        ("gzip", "gzip.compress(b'one') + b'Notice'", "something else follows the gzip data"),
        ("gzip", "gzip.compress(b'one')[:-8] + bytes(8)", "the gzip data are damaged: incorrect data check"),
        ("gzip", "b'\\x1f\\x8b\\x07' + bytes(20)", "the gzip data are damaged: unknown compression method"),
        ("deflate", "zlib.compress(b'one')[:-4] + bytes(4)", "the deflate data are damaged: incorrect data check"),
        ("deflate", "b'data: plain text'", "the deflate data are damaged: invalid code lengths set"),
        ("zstd", "b'data: plain text'", "the zstd data are damaged: Unknown frame descriptor"),
    ]) func `damaged data is reported`(_ coding: String, _ expression: String, _ reason: String) async throws {
        let bytes = try await Self.python("print((\(expression)).hex())")
        for pieces in [[bytes[...]], bytes.indices.map { bytes[$0...$0] }] {
            let error = #expect(throws: ContentDecodingError.self) { _ = try Self.decode(pieces, coding) }
            #expect(error?.message == reason)
        }
    }

    @Test(arguments: ["gzip", "zstd"]) func `a decompression bomb expands only on demand`(_ coding: String) throws {
        let size = 64 << 20
        var bomb = ByteBuffer()
        let compressor = SegmentCompressor()
        let kind = try #require(ContentCoding(rawValue: coding))
        bomb.writeBytes(kind.start)
        compressor.write(ByteBuffer(repeating: 0, count: size), as: kind, into: &bomb)
        #expect(bomb.readableBytes < 100_000)
        let decoder = try #require(try ContentDecoder.make(for: coding))
        bomb.withUnsafeReadableBytes { decoder.append($0) }
        let before = Self.residentBytes
        var chunk = [UInt8](repeating: 1, count: 16 << 10)
        var total = 0
        while case let count = try chunk.withUnsafeMutableBytes({ try decoder.next(into: $0) }), count > 0 {
            total += count
            guard total % (8 << 20) == 0 else { continue }
            #expect(Self.residentBytes - before < 16 << 20)
        }
        #expect(total == size)
    }
}
