/// Frames and header blocks of HTTP/2, byte by byte (RFC 9113 §4.1, RFC 7541 §6).
enum HTTP2Bytes {
    /// What a client sends first: the preface and empty SETTINGS.
    static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4)

    static func frame(_ type: UInt8, flags: UInt8 = 0, stream: Int = 0, _ payload: [UInt8] = []) -> [UInt8] {
        let length = payload.count
        return [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255), type, flags] + self.word(stream)
            + payload
    }

    /// A whole request without a body: HEADERS with END_STREAM and END_HEADERS.
    static func get(_ path: String, stream: Int, _ more: [(String, String)] = []) -> [UInt8] {
        self.frame(1, flags: 5, stream: stream, self.fields("GET", path, more))
    }

    /// A whole request for a head.
    static func head(_ path: String, stream: Int) -> [UInt8] {
        // The name of `:method` is 2 in the static table.
        self.frame(1, flags: 5, stream: stream, [0x02] + self.text("HEAD") + self.fields("GET", path).dropFirst())
    }

    /// Fields after a body: HEADERS with END_STREAM and END_HEADERS.
    static func trailers(_ stream: Int) -> [UInt8] {
        self.frame(1, flags: 5, stream: stream, [0] + self.text("x") + self.text("y"))
    }

    /// The beginning of a request with a body: HEADERS with END_HEADERS.
    static func post(_ path: String, stream: Int, _ more: [(String, String)] = []) -> [UInt8] {
        self.frame(1, flags: 4, stream: stream, self.fields("POST", path, more))
    }

    /// SETTINGS with one parameter.
    static func setting(_ identifier: UInt8, _ value: Int) -> [UInt8] {
        self.frame(4, [0, identifier] + self.word(value))
    }

    static func windowUpdate(_ value: Int, stream: Int = 0) -> [UInt8] { self.frame(8, stream: stream, self.word(value)) }

    static func reset(_ stream: Int) -> [UInt8] { self.frame(3, stream: stream, [0, 0, 0, 8]) }

    /// A header block without the dynamic table; the authority is `localhost`.
    static func fields(_ method: String, _ path: String, _ more: [(String, String)] = []) -> [UInt8] {
        // Static table: `:method: GET` is 2, `:method: POST` 3, `:scheme: http` 6, names of `:path` 4 and `:authority` 1.
        var block: [UInt8] = [method == "GET" ? 0x82 : 0x83, 0x86, 0x04] + self.text(path) + [0x01] + self.text("localhost")
        for (name, value) in more { block += [0] + self.text(name) + self.text(value) }
        return block
    }

    /// A string without Huffman coding (RFC 7541 §5.2).
    static func text(_ text: String) -> [UInt8] { self.integer(text.utf8.count, prefix: 7) + Array(text.utf8) }

    /// RFC 7541 §5.1.
    static func integer(_ value: Int, prefix: Int, flags: UInt8 = 0) -> [UInt8] {
        let most = 1 << prefix - 1
        guard value >= most else { return [flags | UInt8(value)] }
        var bytes = [flags | UInt8(most)]
        var rest = value - most
        while rest >= 128 {
            bytes.append(UInt8(rest & 127) | 128)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }

    private static func word(_ value: Int) -> [UInt8] {
        [UInt8(value >> 24 & 255), UInt8(value >> 16 & 255), UInt8(value >> 8 & 255), UInt8(value & 255)]
    }
}
