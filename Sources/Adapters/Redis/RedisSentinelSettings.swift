import BridgeCore

/// `sentinel:`, how to log in to sentinels; the login to the master that they tell is another.
struct RedisSentinelSettings: Sendable, Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable {
        case user, password, tls
    }

    let login: RedisLogin
    /// Sentinels are asked over TLS when there is a `tls:`, be it an empty one.
    let isTLS: Bool

    /// Neither a password nor TLS.
    init() {
        self.login = RedisLogin()
        self.isTLS = false
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.mapping(CodingKeys.self)
        guard !container.allKeys.isEmpty else {
            throw SettingError(path: container.codingPath, "is empty; set user, password or tls, or leave it out")
        }
        let tls: RedisTLS? = try container.optional(.tls)
        self.login = RedisLogin(
            user: try container.optional(.user), password: try container.optional(.password), tls: tls ?? RedisTLS()
        )
        self.isTLS = tls != nil
        if self.login.user != nil, self.login.password == nil {
            throw SettingError(path: container.codingPath + [CodingKeys.user], "a user needs a password")
        }
        if self.login.user == nil, self.login.password?.value.isEmpty == true {
            throw SettingError(
                path: container.codingPath + [CodingKeys.password],
                "the password is empty; leave it out for sentinels without one")
        }
    }
}
