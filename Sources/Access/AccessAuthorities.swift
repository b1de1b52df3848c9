import BridgeConfiguration
import BridgeCore

/// What identifies each entry of `http.access` that grants something: a hash of its credentials and its grants.
///
/// A connection that such an entry has admitted stays while the entry is the same. Never part of a message.
struct AccessAuthorities: Sendable {
    let anonymous: UInt64
    /// In the order of the file.
    let tokens: [UInt64]
    /// In the order of the file.
    let users: [UInt64]
    let jwt: UInt64?
    let hook: UInt64?

    /// - Throws: ``ComponentError`` for keys that cannot be read.
    init(_ settings: AccessSettings) throws {
        self.anonymous = Self.hash("anonymous", [], settings.anonymous)
        self.tokens = settings.tokens.map { Self.hash("token", [$0.token.value], $0.grants) }
        self.users = settings.users.map { Self.hash("user", [$0.user, $0.password.value], $0.grants) }
        self.hook = settings.hook.map { Self.hash("hook", [$0.url], AccessSettings.Grants()) }
        self.jwt = try settings.jwt.map { jwt in
            let keys =
                switch jwt.keys {
                case .secret(let secret): ["secret", secret.value]
                case .publicKey(let file), .file(let file): ["file", try TokenVerifier.read(file)]
                case .url(let url): ["url", url]
                }
            let rules = [jwt.algorithm.rawValue, jwt.issuer ?? "", jwt.audience ?? "", jwt.claim, "\(jwt.requiresExpiry)"]
            return Self.hash("jwt", keys + rules, jwt.grants)
        }
    }

    /// All of them.
    var all: Set<UInt64> { Set([self.anonymous] + self.tokens + self.users + [self.jwt, self.hook].compactMap { $0 }) }

    private static func hash(_ kind: String, _ texts: [String], _ grants: AccessSettings.Grants) -> UInt64 {
        var hash = Fingerprint()
        for list in [[kind], texts, grants.subscribe, grants.publish] {
            hash.add(UInt64(list.count))
            for text in list { hash.add(text) }
        }
        return hash.value
    }
}
