import BridgeCore
import NIOSSL

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

    /// `tls:`; absent keys mean the system's authorities and no client certificate.
    struct TLS: Sendable, Decodable {
        enum CodingKeys: String, CodingKey, CaseIterable {
            case authorityFile = "ca_file", certificateFile = "cert_file", keyFile = "key_file", isInsecure = "insecure"
        }

        var authorityFile: String?
        var certificateFile: String?
        var keyFile: String?
        /// Accepts any certificate.
        var isInsecure = false

        init() {}

        init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.authorityFile = try container.optional(.authorityFile)
            self.certificateFile = try container.optional(.certificateFile)
            self.keyFile = try container.optional(.keyFile)
            self.isInsecure = try container.value(.isInsecure, default: false)
        }
    }

    let location: RedisLocation
    let user: String?
    let password: Secret?
    let database: Int
    let tls: TLS
    let connectTimeout: Duration

    /// Reads `url`, `user`, `password`, `tls` and `connect_timeout`.
    init<Keys: CodingKey>(_ container: KeyedDecodingContainer<Keys>, key: (String) -> Keys) throws {
        let text: String = try container.required(key("url"))
        guard let url = RedisURL(text) else {
            throw SettingError(
                path: container.codingPath + [key("url")],
                "no Redis address; write redis://[user:password@]host[:6379][/database], rediss://…, unix:///path, "
                    + "redis+sentinel://host[:26379],…/master[/database] or redis+cluster://host[:6379],…"
            )
        }
        self.location = url.location
        self.database = url.database
        self.user = try container.optional(key("user")) ?? url.user
        self.password = try container.optional(key("password")) ?? url.password.map { Secret($0) }
        if self.user != nil, self.password == nil {
            throw SettingError(path: container.codingPath + [key("user")], "a user needs a password")
        }
        self.tls = try container.value(key("tls"), default: TLS())
        if container.contains(key("tls")), !url.location.isTLS {
            throw SettingError(
                path: container.codingPath + [key("tls")], "tls applies to rediss:// only; the url is \(url.location)"
            )
        }
        guard (self.tls.certificateFile == nil) == (self.tls.keyFile == nil) else {
            throw SettingError(
                path: container.codingPath + [key("tls")], "cert_file and key_file belong together; set both or neither"
            )
        }
        self.connectTimeout = try container.duration(key("connect_timeout"), default: .seconds(5))
    }

    /// The client context of `rediss://`.
    ///
    /// - Throws: a ``ComponentError`` when a file cannot be used.
    func sslContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        do {
            if let file = self.tls.authorityFile { configuration.trustRoots = .file(file) }
            if let file = self.tls.certificateFile {
                configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(file).map { .certificate($0) }
            }
            if let file = self.tls.keyFile {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: file, format: .pem))
            }
            if self.tls.isInsecure { configuration.certificateVerification = .none }
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw ComponentError(.settings, "the TLS files for \(self.location) cannot be used", cause: error)
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
