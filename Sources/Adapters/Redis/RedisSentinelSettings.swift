import BridgeCore

/// `sentinel:`, the login to sentinels, which is separate from the login to their master.
struct RedisSentinelSettings: SettingGroup {
    var user: String?
    var password: Secret?
    /// Any `tls:`, even an empty one, makes connections to sentinels use TLS.
    var tls: TLSSettings?

    static let settings = Settings<Self> {
        Setting("user", \.user, .text, "User at the sentinels").example("bridge")
            .needing("password", else: "a user needs a password; set password")
        Setting("password", \.password, .secret, "Password of the sentinels")
        Setting("tls", \.tls, .group, "How sentinels are reached over TLS; without this key they are reached without it")
    }

    /// Whether no key is set.
    var isEmpty: Bool { self.user == nil && self.password == nil && self.tls == nil }

    var login: RedisLogin { RedisLogin(user: self.user, password: self.password, tls: self.tls ?? TLSSettings()) }

    func validate() throws {
        guard !self.isEmpty else { throw SettingError("is empty; set user, password or tls, or leave it out") }
        if self.user == nil, self.password?.value.isEmpty == true {
            throw SettingError(at: "password", because: "the password is empty; leave it out for sentinels without one")
        }
        try self.tls?.validatePair(at: "tls")
    }
}
