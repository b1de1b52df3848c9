import BridgeTesting

/// Requests that no server may take.
enum MalformedRequests {
    static let all: [[UInt8]] = [
        "\r\n\r\n\r\nnonsense\r\n\r\n", "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nHost: y\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nNo colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n: empty\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nA b: c\r\n\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\nA: b\u{0}c\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /\u{1} HTTP/1.1\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n",
        "GET  /  HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/11\r\nHost: localhost\r\n\r\n", "GET / HTTP/1.1\nHost: localhost\n\n",
        "GET / HTTP/1.1\r\rHost: localhost\r\r",
        "GET / http/1.1\r\nHost: localhost\r\n\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n",
        "POST /n/in HTTP/1.1\r\nHost: localhost\r\nExpect: the unexpected\r\nContent-Length: 1\r\n\r\nx",
        "GET /\(String(repeating: "a", count: 100_000)) HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 200_000))\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "X: y\r\n", count: 5000))\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "n", count: 200_000)): y\r\n\r\n",
        String(repeating: "\r\n", count: 100_000),
        String(repeating: "A", count: 300_000), "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}", "GET http://x HTTP/1.1\r\nHost: localhost\r\n\r\n",

        "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    ].map { Array($0.utf8) }

    private static let words = [
        "GET", "POST", " ", "/", "/n/in", "HTTP/1.1", "HTTP/1.0", "\r\n", "\n", "\r", ":", "Host: localhost\r\n",
        "Content-Length: ", "5",
        "-1",
        "Transfer-Encoding: chunked\r\n", "\u{0}", "\t", "%", "%00", "?", "#", "\u{E9}", "Expect: 100-continue\r\n", "0\r\n\r\n",
        "a",
    ]

    /// Pieces of requests in a random order, which never make a whole one that is right: the target is none of ours.
    static func random(_ seed: UInt64) -> [UInt8] {
        var generator = SeededGenerator(seed: seed)
        var bytes: [UInt8] = [.random(in: 0...255, using: &generator)]
        for _ in 0..<Int.random(in: 1...30, using: &generator) {
            bytes += Array(self.words.randomElement(using: &generator)!.utf8)
            if Int.random(in: 0..<10, using: &generator) == 0 { bytes.append(.random(in: 0...255, using: &generator)) }
        }
        return bytes
    }
}
