import NIOCore

@testable import Curl

extension FuzzTarget {
    /// The head of an HTTP answer: read line by line, with its Retry-After and its redirect.
    static let answerHeads = FuzzTarget(
        "answer-heads",
        seeds: [
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 x\r\nRetry-After: 120\r\n\r\n",
            "HTTP/2 302\r\nLocation: https://user:pass@other.test/x y?z#f\r\n\r\n",
            "HTTP/1.1 301 Moved\r\nlocation: //h:1/../a\r\n\r\n",
            "HTTP/1.1 429\r\nRetry-After: Sun, 06 Nov 2094 08:49:37 GMT\r\n\r\n",
            "HTTP/1.1 307 x\r\nLocation: http://a.test/\r\n\r\n",
            "HTTP/1.1 99999999999999999999 x\r\n:\r\nA:\r\n b\r\n\r\n", "HTTP/1.1 303 x\r\nLocation: ?a\r\n\r\n",
        ],
        words: [
            "HTTP/1.1 ", "200", "301", "302", "303", "307", "308", "100", "101", "\r\n", "\r\n\r\n", "Location: ",
            "Retry-After: ",
            "https://a.test", "http://", "//", "..", "@", ":443", "%0d%0a", "GMT",
        ]
    ) { bytes in
        var reader = CurlHeadReader()
        for line in Self.lines(bytes) {
            guard let head = try line.withUnsafeBytes({ try reader.read($0) }) else { continue }
            try FuzzFailure.unless(
                !(100..<200).contains(head.status) || head.status == 101, "an interim answer is taken for the last")
            for (name, value) in head.headers {
                try FuzzFailure.unless(name == name.lowercased(), "the name \(name) is not in lower case")
                try FuzzFailure.unless(
                    !value.utf8.contains { $0 == 10 } && !value.hasPrefix(" ") && !value.hasSuffix("\t"), "the value '\(value)'")
            }
            if let wait = head.retryAfter(now: 1_800_000_000) {
                try FuzzFailure.unless((.zero ... .seconds(86_400)).contains(wait), "a wait of \(wait) is asked for")
            }
            if let location = CurlRedirect.location(of: head) { try Self.follow(location, status: head.status) }
        }
    }

    /// Lines with their ends, as libcurl hands them over.
    private static func lines(_ bytes: [UInt8]) -> [[UInt8]] {
        bytes.split(separator: 10, omittingEmptySubsequences: false).map { Array($0) + [10] }
    }

    private static func follow(_ location: String, status: Int) throws {
        let request = CurlRequest(
            "https://a.test/b/c?d", method: "POST", headers: [("Authorization", "s"), ("X-Key", "s"), ("Content-Type", "t")],
            body: ByteBuffer(string: "x"), user: "u", password: "s", redirects: 3)
        guard let next = try? CurlRedirect.request(following: location, status: status, from: request) else { return }
        try FuzzFailure.unless(next.url.lowercased().hasPrefix("https://"), "from https to \(next.url)")
        try FuzzFailure.unless(CurlRequest.problem(withURL: next.url) == nil, "\(next.url) is no address of a request")
        try FuzzFailure.unless(next.followed == 1, "a redirect is not counted")
        try FuzzFailure.unless((next.method == "GET") == (next.body == nil), "\(next.method) and its body do not fit")
        guard let peer = CurlRequest.peer(of: next.url), peer.host.lowercased() == "a.test", peer.port == 443 else {
            let hasSecret = next.user != nil || next.password != nil || next.headers.contains { $0.value == "s" }
            return try FuzzFailure.unless(!hasSecret, "secrets go to \(next.url)")
        }
    }
}
