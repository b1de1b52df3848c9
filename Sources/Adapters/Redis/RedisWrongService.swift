import NIOCore

/// Recognises a server other than Redis by its first bytes.
enum RedisWrongService {
    /// The mistake and the remedy, as half a sentence; `nil` for unknown bytes.
    static func reason(_ bytes: ByteBuffer) -> String? {
        let start = bytes.readableBytesView.prefix(8)
        switch start.first {
        case 0x15, 0x16: return "it speaks TLS; write rediss://"
        case UInt8(ascii: "<"): return "it speaks HTTP; write the port of the Redis server"
        default: break
        }
        if start.starts(with: "HTTP/".utf8) { return "it speaks HTTP; write the port of the Redis server" }
        if start.starts(with: "SSH-".utf8) { return "it speaks SSH; write the port of the Redis server" }
        return nil
    }
}
