import BridgeCore

/// The address and login of a Redis server: the keys that all four Redis components share.
struct RedisSettings: SettingGroup {
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

    var url = RedisURL()
    var user: String?
    var password: Secret?
    var tls: TLSSettings?
    /// The login to sentinels.
    var sentinel = RedisSentinelSettings()
    var connectTimeout = Duration.seconds(5)
    var patience = RedisHandler.Patience()

    static let settings = Settings<Self> {
        Setting(
            required: "url", \.url,
            SettingCodec<String>.text("URL").map { text in
                guard let url = RedisURL(text) else {
                    throw SettingError(
                        "\(RedisURL.mistake(in: text)); write redis://[user:password@]host[:6379][/database], rediss://…, unix:///path, "
                            + "redis+sentinel://host[:26379],…/master[/database] or redis+cluster://host[:6379],…"
                    )
                }
                return url
            },
            "Server, sentinels or cluster to connect to, with redis:// or, for TLS, rediss://"
        ).example("'redis://127.0.0.1:6379'")
        Setting("user", \.user, .text, default: "the user in the URL", "User at the server").example("bridge")
        Setting("password", \.password, .secret, default: "the password in the URL", "Password at the server")
        Setting("tls", \.tls, .group, "How a server is reached with rediss://")
        Setting("sentinel", \.sentinel, .group, "Login to the sentinels of redis+sentinel://")
        Setting(
            "connect_timeout", \.connectTimeout, .duration(in: .milliseconds(1)...),
            "How long connecting and logging in may take together")
    }

    /// The database of the streams.
    var database: Int { self.url.database }

    var login: RedisLogin {
        RedisLogin(
            user: self.user ?? self.url.user, password: self.password ?? self.url.password.map { Secret($0) },
            tls: self.tls ?? TLSSettings())
    }

    var location: RedisLocation { self.sentinel.tls == nil ? self.url.location : self.url.location.askedOverTLS }

    func validate() throws {
        let login = self.login
        if login.user != nil, login.password == nil {
            throw SettingError(at: "user", because: "a user needs a password; set password")
        }
        if login.user == nil, login.password?.value.isEmpty == true {
            throw SettingError(
                at: "password", because: "the password is empty; leave it out for a server without one")
        }
        if let tls {
            guard self.url.location.isTLS else {
                throw SettingError(at: "tls", because: "tls applies to rediss:// only; the url is \(self.url.location)")
            }
            try tls.validatePair(at: "tls")
        }
        if !self.sentinel.isEmpty, !self.url.location.hasSentinels {
            throw SettingError(
                at: "sentinel", because: "sentinel applies to redis+sentinel:// only; the url is \(self.url.location)")
        }
    }
}

/// A Redis address as text.
struct RedisURL: Equatable {
    var location = RedisLocation.server(.tcp(host: "localhost", port: 6379, isTLS: false))
    var user: String?
    var password: String?
    var database = 0

    /// The address of a server on this machine.
    init() {}

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
    /// The texts that messages must not repeat: Redis quotes the arguments of unknown commands.
    var secrets: SecretTexts {
        var secrets = SecretTexts()
        for login in [self.login, self.sentinel.login] { secrets.add(user: login.user, password: login.password) }
        return secrets
    }

    /// The server's address; none for sentinels and clusters, of which one node may be up while the required one is
    /// down.
    var peers: [PeerAddress] {
        guard case .server(.tcp(let host, let port, _)) = self.location else { return [] }
        return [PeerAddress(host: host, port: port)]
    }
}
