import NIOCore
import NIOHTTP1

@testable import HTTPServer

extension FuzzTarget {
    /// `Forwarded` and `X-Forwarded-For`: the value of a trusted proxy counts, whatever the client has written before
    /// it.
    static let forwarded = FuzzTarget(
        "forwarded",
        seeds: [
            "192.0.2.1, 10.0.0.2", "for=192.0.2.1;proto=https, for=\"[2001:db8::1]:80\"", "for=\"", "for=\"a\\\"", "unknown",
            "_hidden, [::1]:80", "for=\"_a,b\";by=\"c;d\"", "192.0.2.1,\u{301}", "\u{600}", "127.0.0.1",
        ],
        words: [
            ",", ";", "=", "\"", "\\\"", "for=", "by=", "proto=https", "[", "]", ":80", "10.0.0.2", "127.0.0.1", "::1", "unknown",
            "\u{301}", "\u{600}",
        ]
    ) { bytes in
        // What no field can hold has no way here.
        let text = String(decoding: bytes.filter { $0 != 0 && $0 != 10 && $0 != 13 }, as: UTF8.self)
        let loopback = HTTPNetwork(address: [UInt8](repeating: 0, count: 10) + [255, 255, 127, 0, 0, 0], prefix: 104)
        let inner = HTTPNetwork(address: [UInt8](repeating: 0, count: 10) + [255, 255, 10, 0, 0, 0], prefix: 104)
        let policy = HTTPPolicy(trustedProxies: [loopback, inner])
        let (proxy, other) = (
            try SocketAddress(ipAddress: "127.0.0.1", port: 1), try SocketAddress(ipAddress: "192.0.2.9", port: 1)
        )
        for (name, appended) in [("X-Forwarded-For", "203.0.113.9"), ("Forwarded", "for=203.0.113.9")] {
            try FuzzFailure.unless(
                policy.client([name: text], peer: other) == other, "an untrusted peer's \(name) is believed")
            let alone = policy.client([name: text], peer: proxy)
            try FuzzFailure.unless(alone?.ipAddress != nil, "\(name) makes a client without an address")
            for value in [
                [text + ", " + appended], [text, appended], [text + "," + appended + ", " + Self.hop(name, "10.0.0.2")],
            ] {
                let headers = HTTPHeaders(value.map { (name, $0) })
                let client = policy.client(headers, peer: proxy)?.ipAddress
                try FuzzFailure.unless(client == "203.0.113.9", "\(name): \(value) is taken for \(client ?? "nobody")")
            }
        }
    }

    private static func hop(_ name: String, _ address: String) -> String { name == "Forwarded" ? "for=\(address)" : address }

    /// `Host`: a name that a browser can be led to is served only where it is the machine's own or listed.
    static let hosts = FuzzTarget(
        "hosts", seeds: ["localhost", "x.localhost:80", "example.org.", "a.example.net", "127.0.0.1:1", "[::1]:80", "evil.test"],
        words: ["localhost", ".", ":", "example.org", ".example.net", "127.0.0.1", "[::1]", "*"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let policy = HTTPPolicy(hosts: .loopback(and: ["example.org", "*.example.net"]))
        _ = policy.refusal(ofHost: text)
        // Names that the domain name system can hold, with a port or without.
        let isName = text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 || $0 == 46 }
        guard isName, !text.isEmpty, text.utf8.contains(where: { (97...122).contains($0) }) else { return }
        let name = text.hasSuffix(".") ? String(text.dropLast()) : text
        let isListed =
            name == "localhost" || name.hasSuffix(".localhost") || name == "example.org" || name.hasSuffix(".example.net")
        for host in [text, text + ":8080", text.uppercased()] {
            try FuzzFailure.unless(
                (policy.refusal(ofHost: host) == nil) == isListed, "\(host) is \(isListed ? "not " : "")served")
        }
    }
}
