@testable import BridgeConfiguration
@testable import Curl
@testable import MQTTAdapter
@testable import RedisAdapter

extension FuzzTarget {
    /// Addresses of brokers, servers and listeners: what is logged of them is read alike and shows no password.
    static let addresses = FuzzTarget(
        "addresses",
        seeds: [
            "mqtt://user:p%40ss@host:1883/", "mqtts://[::1]", "redis://:pass@host:6379/1", "unix:///run/redis.sock",
            "rediss+sentinel://u:p@a,b:1/master/2", "redis+cluster://[::1]:1,h", "127.0.0.1:8080", "[::]:0", ":80", "10.0.0.0/8",
            "2001:db8::/32", "http://h:1/a?b", "https://[::1]/x", "mqtt://h:99999",
        ],
        words: [
            "mqtt://", "mqtts://", "redis://", "rediss://", "redis+sentinel://", "redis+cluster://", "unix://", "http://",
            "https://",
            "@", ":", "[", "]", "%40", "%zz", "/", ",", "::1", "65536",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        if let address = try? MQTTAddress(parsing: text) {
            try FuzzFailure.unless((1...65_535).contains(address.port) && !address.host.isEmpty, "\(text) is \(address)")
            let again = try? MQTTAddress(parsing: address.description)
            try FuzzFailure.unless(
                again.map { $0.user == nil && $0.password == nil && $0.port == address.port && $0.isSecure == address.isSecure }
                    ?? !address.host.utf8.allSatisfy(Self.isPlain), "\(text) is logged as \(address)")
        }
        if let url = RedisURL(text) {
            try FuzzFailure.unless((0...1_000_000).contains(url.database), "the database of \(text) is \(url.database)")
            if case .server(.tcp(let host, let port, _)) = url.location {
                try FuzzFailure.unless((1...65_535).contains(port) && !host.isEmpty, "\(text) is \(url.location)")
            }
        }
        // A password is never logged, whatever follows it.
        let secret = "Zq7xSecret"
        for scheme in ["redis://", "rediss://", "redis+sentinel://", "redis+cluster://"] {
            guard let url = RedisURL("\(scheme):\(secret)@\(text)") else { continue }
            try FuzzFailure.unless(!url.location.description.contains(secret), "a password before \(text) is logged")
        }
        if let address = try? MQTTAddress(parsing: "mqtt://u:\(secret)@\(text)") {
            try FuzzFailure.unless(!address.description.contains(secret), "a password before \(text) is logged")
        }
        if let address = ListenAddress(text) {
            try FuzzFailure.unless((0...65_535).contains(address.port), "\(text) is \(address)")
            if address.host.utf8.allSatisfy(Self.isPlain) {
                try FuzzFailure.unless(ListenAddress(address.text) == address, "\(text) is written as \(address.text)")
            }
        }
        if let range = AddressRange(text) {
            try FuzzFailure.unless(range.address.count == 16 && (0...128).contains(range.prefix), "\(text) is \(range)")
        }
        if CurlRequest.problem(withURL: text) == nil, let url = try? CurlURL(text) {
            try FuzzFailure.unless(url.scheme == "http" || url.scheme == "https", "\(text) is of the scheme \(url.scheme)")
            if let peer = CurlRequest.peer(of: text) {
                let host = peer.host.contains(":") ? "[\(peer.host)]" : peer.host
                guard let other = try? CurlURL("\(url.scheme)://\(host):\(peer.port)/") else { return }
                try FuzzFailure.unless(url.isSameOrigin(as: other), "\(text) is probed at \(peer)")
            }
        }
    }

    /// The characters that are literal in an authority.
    private static func isPlain(_ byte: UInt8) -> Bool {
        (48...58).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46
    }
}
