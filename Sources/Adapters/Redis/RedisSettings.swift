import BridgeCore

/// Where a Redis server is and how to log in: the keys that all four Redis components share.
struct RedisSettings: Sendable {
    /// The transport's address.
    enum Address: Sendable, Equatable, CustomStringConvertible {
        case tcp(host: String, port: Int, isTLS: Bool)
        case unix(path: String)

        var isTLS: Bool {
            if case .tcp(_, _, true) = self { true } else { false }
        }

        var description: String {
            switch self {
            case .tcp(let host, let port, let isTLS): "\(isTLS ? "rediss" : "redis")://\(host):\(port)"
            case .unix(let path): "unix://\(path)"
            }
        }
    }

    let location: RedisLocation
    let login: RedisLogin
    /// How to log in to sentinels.
    let sentinel: RedisSentinelSettings
    let database: Int
    let connectTimeout: Duration
    var patience = RedisHandler.Patience()

    /// Reads `url`, `user`, `password`, `tls`, `sentinel` and `connect_timeout`.
    init<Keys: CodingKey>(_ container: KeyedDecodingContainer<Keys>, key: (String) -> Keys) throws {
        let text: String = try container.required(key("url"))
        guard let url = RedisURL(text) else {
            throw SettingError(
                path: container.codingPath + [key("url")],
                "\(RedisURL.mistake(in: text)); write redis://[user:password@]host[:6379][/database], rediss://…, unix:///path, "
                    + "redis+sentinel://host[:26379],…/master[/database] or redis+cluster://host[:6379],…"
            )
        }
        self.database = url.database
        self.login = RedisLogin(
            user: try container.optional(key("user")) ?? url.user,
            password: try container.optional(key("password")) ?? url.password.map { Secret($0) },
            tls: try container.value(key("tls"), default: RedisTLS())
        )
        if self.login.user != nil, self.login.password == nil {
            throw SettingError(path: container.codingPath + [key("user")], "a user needs a password")
        }
        if self.login.user == nil, self.login.password?.value.isEmpty == true {
            throw SettingError(
                path: container.codingPath + [key("password")], "the password is empty; leave it out for a server without one")
        }
        if container.contains(key("tls")), !url.location.isTLS {
            throw SettingError(
                path: container.codingPath + [key("tls")], "tls applies to rediss:// only; the url is \(url.location)"
            )
        }
        self.sentinel = try container.value(key("sentinel"), default: RedisSentinelSettings())
        if container.contains(key("sentinel")), !url.location.hasSentinels {
            throw SettingError(
                path: container.codingPath + [key("sentinel")],
                "sentinel applies to redis+sentinel:// only; the url is \(url.location)"
            )
        }
        self.location = self.sentinel.isTLS ? url.location.askedOverTLS : url.location
        self.connectTimeout = try container.duration(key("connect_timeout"), default: .seconds(5))
        if self.connectTimeout <= .zero {
            throw SettingError(path: container.codingPath + [key("connect_timeout")], "must be longer than nothing")
        }
    }
}

/// A Redis address as text.
struct RedisURL: Equatable {
    var location: RedisLocation
    var user: String?
    var password: String?
    var database = 0

    /// `redis://[user:password@]host[:port][/database]`, `rediss://…`, `unix:///path`; parts may be percent-encoded.
    init?(_ text: String) {
        guard !text.hasCombinedDelimiter else { return nil }
        if let url = Self.located(text) {
            self = url
            return
        }
        if text.hasPrefix("unix://") {
            let path = String(text.dropFirst(7))
            guard path.hasPrefix("/"), path.utf8.count > 1 else { return nil }
            self.location = .server(.unix(path: path))
            return
        }
        let isTLS = text.hasPrefix("rediss://")
        guard isTLS || text.hasPrefix("redis://") else { return nil }
        var rest = text.dropFirst(isTLS ? 9 : 8)
        if let at = rest.lastIndex(of: "@") {
            let login = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let parts = Self.decoded(login) else { return nil }
            self.user = parts.count == 2 && !parts[0].isEmpty ? parts[0] : nil
            self.password = parts.last
            rest = rest[rest.index(after: at)...]
        }
        if let slash = rest.firstIndex(of: "/") {
            let database = rest[rest.index(after: slash)...]
            guard database.isEmpty || Int(database).map({ (0...1_000_000).contains($0) }) == true else { return nil }
            self.database = Int(database) ?? 0
            rest = rest[..<slash]
        }
        var port = 6379
        if let colon = rest.lastIndex(of: ":"), !rest.hasSuffix("]") {
            guard let number = Int(rest[rest.index(after: colon)...]), (1...65_535).contains(number) else { return nil }
            port = number
            rest = rest[..<colon]
        }
        if rest.hasPrefix("["), rest.hasSuffix("]") { rest = rest.dropFirst().dropLast() }
        guard !rest.isEmpty, !rest.contains(where: { $0 == " " || $0 == "/" }) else { return nil }
        self.location = .server(.tcp(host: String(rest), port: port, isTLS: isTLS))
    }

    private static func decoded(_ parts: [Substring]) -> [String]? {
        var result: [String] = []
        for part in parts {
            var bytes: [UInt8] = []
            var rest = Array(part.utf8)[...]
            while let byte = rest.popFirst() {
                guard byte == UInt8(ascii: "%") else {
                    bytes.append(byte)
                    continue
                }
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            }
            result.append(String(decoding: bytes, as: UTF8.self))
        }
        return result
    }
}

extension RedisSettings {
    /// The server's address; none for sentinels and clusters, of which one node may be up while the one that is needed is away.
    var peers: [PeerAddress] {
        guard case .server(.tcp(let host, let port, _)) = self.location else { return [] }
        return [PeerAddress(host: host, port: port)]
    }
}
