/// Requests that hold another one: read as one by a parser that trusts one of two lengths, as two by one that trusts the other (RFC 9112 §11.2).
enum Smuggling {
    /// What the hidden request would post.
    static let mark = "smuggled"

    private static let hidden =
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: \(mark.utf8.count)\r\n\r\n\(mark)"

    static let all: [[UInt8]] = (lengths + codings).map { Array($0.utf8) } + [zeros]

    /// The hidden request is after the end of a chunked body, within an announced length.
    private static let codings = [
        "Transfer-Encoding: chunked\r\nContent-Length: {length}", "Content-Length: {length}\r\nTransfer-Encoding: chunked",
        "Content-Length: {length}\r\nTransfer-Encoding : chunked", "Content-Length: {length}\r\nTransfer-Encoding:\tchunked",
        "Content-Length: {length}\r\nTransfer-Encoding: xchunked",
        "Content-Length: {length}\r\nTransfer-Encoding: chunked, identity",
        "Content-Length: {length}\r\nTransfer-Encoding: identity, chunked",
        "Content-Length: {length}\r\nTransfer-Encoding: \u{B}chunked",
        "Content-Length: {length}\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Content-Length: {length}\r\n Transfer-Encoding: chunked",
        "Content-Length: {length}\r\nX: y\r\n\tTransfer-Encoding: chunked",
        "Content-Length: {length}\r\nTransfer_Encoding: chunked", "Content-Length: {length}\r\nTransfer-Encoding\u{0}: chunked",
        "Content-Length: {length}\r\nX: y\nTransfer-Encoding: chunked",
        "Content-Length: {length}\r\nX: y\rTransfer-Encoding: chunked",
        "Content-Length: {length}\r\nTransfer-Encoding: \"chunked\"",
        "Content-Length: {length}\r\nTransfer-Encoding: chunked\u{0}",
        "Content-Length: {length}\r\nConnection: Content-Length\r\nTransfer-Encoding: chunked",
        "Content-Length: {length}\r\nTransfer-Encoding:\r\n chunked", "Content-Length: {length}\r\nTRANSFER-ENCODING: CHUNKED",
    ].map { fields in
        let body = "0\r\n\r\n" + hidden
        return
            "POST /nope HTTP/1.1\r\nHost: localhost\r\n\(fields.split(separator: "{length}", omittingEmptySubsequences: false).joined(separator: "\(body.utf8.count)"))\r\n\r\n\(body)"
    }

    /// The hidden request is after the lesser of two lengths, within the greater; or within a chunk whose size can be
    /// misread.
    private static let lengths =
        [
            "Content-Length: 0\r\nContent-Length: {length}", "Content-Length: {length}\r\nContent-Length: 0",
            "Content-Length: 0, {length}",
            "Content-Length: {length}, 0", "Content-Length: +0", "Content-Length: -0", "Content-Length: 0x0",
            "Content-Length: 0 {length}",
            "Content-Length: 00{length}a", "Content-Length: \u{B}{length}", "Content-Length: 18446744073709551616",
            "Content-Length: 18446744073709551{length}", "Content-Length:", "Content-Length: {length};0", "Content-Length: 1e1",
        ].map { fields in
            "POST /nope HTTP/1.1\r\nHost: localhost\r\n\(fields.split(separator: "{length}", omittingEmptySubsequences: false).joined(separator: "\(hidden.utf8.count)"))\r\n\r\n\(hidden)"
        }
        + [
            "0x0", "-0", "+0", "0 ", "0;a=\"\r\n\r\n\"", "0\n", "0\r", "00000000000000000000000000000000000000",
            "10000000000000000", "g",
            "", "0;\u{0}",
        ].map { size in
            let body = "\(size)\r\n\r\n\(hidden)"
            return
                "POST /nope HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
        }
        + [
            // A parser that believes that a GET or an upgrade has no body reads the body as the next request.
            "GET /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "HEAD /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "GET /nope HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
                + "Content-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "CONNECT x:1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "POST /nope HTTP/1.0\r\nTransfer-Encoding: chunked\r\nContent-Length: \(hidden.utf8.count + 5)\r\n\r\n0\r\n\r\n\(hidden)",
            "POST /nope HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n\(String(hidden.utf8.count, radix: 16))\r\n\(hidden)\r\n0\r\n\r\n",
            "POST /nope HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)",
            "POST /nope HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n"
                + "\(String(hidden.utf8.count, radix: 16))\r\n\(hidden)\r\n0\r\nContent-Length: 0\r\nTransfer-Encoding: identity\r\n\r\n",
        ]

    /// A name with a NUL in the middle, which C would end there.
    private static let zeros = Array(
        "POST /nope HTTP/1.1\r\nHost: localhost\r\nContent-Length\u{0}X: 0\r\nContent-Length: \(hidden.utf8.count)\r\n\r\n\(hidden)"
            .utf8)
}
