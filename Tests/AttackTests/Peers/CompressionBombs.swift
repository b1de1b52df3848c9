import BridgeTesting

/// Short bodies that decode to 96 MiB of zeros.
enum CompressionBombs {
    /// Content codings with the compressed bytes, each below 1 MiB.
    static func make() async throws -> [(coding: String, bytes: [UInt8])] {
        let directory = try TemporaryDirectory()
        let script = """
            import gzip, zlib, sys
            zeros = bytes(1 << 20)
            def pack(maker):
                out = b''
                for _ in range(96): out += maker.compress(zeros)
                return out + maker.flush()
            once = pack(zlib.compressobj(1, zlib.DEFLATED, 31))
            open(sys.argv[1] + '/gzip', 'wb').write(once)
            open(sys.argv[1] + '/deflate', 'wb').write(pack(zlib.compressobj(1, zlib.DEFLATED, 15)))
            open(sys.argv[1] + '/twice', 'wb').write(gzip.compress(once))
            """
        let python = try ChildProcess("python3", ["-c", script, directory.path])
        guard try await python.untilEnded() == .exited(0) else { throw PeerError(python.standardError) }
        return [("gzip", "gzip"), ("x-gzip", "gzip"), ("deflate", "deflate"), ("gzip, gzip", "twice")].map {
            ($0, directory.read($1))
        }
    }
}
