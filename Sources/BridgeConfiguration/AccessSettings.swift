package import BridgeCore

/// `http.access` in the file: who may read streams and write to webhooks that have no token of their own.
package struct AccessSettings: Sendable, Decodable {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case anonymous, tokens, users, jwt, hook, cookie, queryToken = "query_token"
    }

    /// What whoever brings no credentials may do; default nothing.
    package var anonymous = Grants()
    package var tokens: [Token] = []
    package var users: [User] = []
    package var jwt: JWT?
    package var hook: Hook?
    /// The name of a cookie that brings a token.
    package var cookie: String?
    /// Whether `?access_token=` brings a token; default false, because queries end up in logs and histories.
    package var queryToken = false

    package init() {}

    package init(from decoder: any Decoder) throws {
        let container = try decoder.mapping(CodingKeys.self)
        self.anonymous = try container.value(.anonymous, default: self.anonymous)
        self.tokens = try container.value(.tokens, default: self.tokens)
        for (index, token) in self.tokens.enumerated() {
            guard let first = self.tokens[..<index].firstIndex(where: { $0.token == token.token }) else { continue }
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.tokens],
                "entry \(index + 1) has the token of entry \(first + 1); give each its own, or one entry with the grants of both"
            )
        }
        self.users = try container.value(.users, default: self.users)
        self.jwt = try container.optional(.jwt)
        self.hook = try container.optional(.hook)
        self.cookie = try container.optional(.cookie)
        self.queryToken = try container.value(.queryToken, default: self.queryToken)
        if self.tokens.isEmpty, self.users.isEmpty, self.jwt == nil, self.hook == nil,
            self.anonymous.subscribe.isEmpty, self.anonymous.publish.isEmpty
        {
            throw SettingError(path: decoder.codingPath, "nobody would be let in; give tokens, users, jwt, hook or anonymous")
        }
    }

    /// What may be read and written: names and MQTT filters over names.
    package struct Grants: Sendable, Decodable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case subscribe, publish }

        package var subscribe: [String] = []
        package var publish: [String] = []

        package init() {}

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.subscribe = try Self.patterns(container, .subscribe, decoder)
            self.publish = try Self.patterns(container, .publish, decoder)
        }

        /// - Parameter subscribe: checked like those in the file.
        static func patterns<Keys: CodingKey>(
            _ container: KeyedDecodingContainer<Keys>, _ key: Keys, _ decoder: any Decoder
        ) throws -> [String] {
            let texts: [String] = try container.value(key, default: [])
            for text in texts {
                do {
                    // The names of claims stand for what they will be.
                    _ = try SubjectPattern(name: text.replacing("{", with: "").replacing("}", with: ""))
                } catch {
                    throw SettingError(path: decoder.codingPath + [key], "'\(text)': \(error.message)")
                }
            }
            return texts
        }
    }

    /// One of `tokens`.
    package struct Token: Sendable, Decodable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case token, name, subscribe, publish }

        package let token: Secret
        package let name: String?
        package let grants: Grants

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.token = try container.required(.token)
            self.name = try container.optional(.name)
            self.grants = try Grants(container, .subscribe, .publish, decoder)
            guard !self.token.value.isEmpty else {
                throw SettingError(path: decoder.codingPath + [CodingKeys.token], "the token is empty")
            }
        }
    }

    /// One of `users`, who log in with HTTP Basic (RFC 7617).
    package struct User: Sendable, Decodable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case user, password, subscribe, publish }

        package let user: String
        package let password: Secret
        package let grants: Grants

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.user = try container.required(.user)
            self.password = try container.required(.password)
            self.grants = try Grants(container, .subscribe, .publish, decoder)
            guard !self.user.isEmpty, !self.user.contains(":"), !self.password.value.isEmpty else {
                throw SettingError(
                    path: decoder.codingPath, "a user has a name without a colon, and a password that is not empty")
            }
        }
    }

    /// `jwt`: tokens of an issuer (RFC 7519).
    package struct JWT: Sendable, Decodable {
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case secret, publicKeyFile = "public_key_file", keysFile = "keys_file", keysURL = "keys_url", algorithm, issuer,
                audience, claim, requiresExpiry = "require_exp", subscribe, publish
        }

        /// What a token may be signed with when the key does not say.
        package enum Algorithm: String, CaseIterable, Sendable {
            case HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA
        }

        /// Where the keys come from.
        package enum Keys: Sendable {
            case secret(Secret)
            /// A PEM file.
            case publicKey(file: String)
            /// A JWK set (RFC 7517 §5) in a file.
            case file(String)
            /// A JWK set at a URL, asked for again when a key is unknown, at most once in 30 s.
            case url(String)
        }

        package let keys: Keys
        package let algorithm: Algorithm
        package let issuer: String?
        package let audience: String?
        /// The claim with grants of its own: an object with `subscribe` and `publish`; default `streambridge`.
        package let claim: String
        /// Whether a token without `exp` is refused; default true, because such a token is valid for ever.
        package let requiresExpiry: Bool
        /// What every token of the issuer grants; `{sub}` and the like stand for its claims.
        package let grants: Grants

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            let secret: Secret? = try container.optional(.secret)
            let sources: [Keys?] = [
                secret.map { .secret($0) }, try container.optional(.publicKeyFile).map { .publicKey(file: $0) },
                try container.optional(.keysFile).map { .file($0) }, try container.optional(.keysURL).map { .url($0) },
            ]
            let given = sources.compactMap { $0 }
            guard given.count == 1 else {
                throw SettingError(
                    path: decoder.codingPath, "give one of secret, public_key_file, keys_file and keys_url, not \(given.count)")
            }
            self.keys = given[0]
            self.algorithm = try container.choice(.algorithm, default: secret == nil ? .RS256 : .HS256)
            if let secret {
                guard self.algorithm.rawValue.hasPrefix("HS") else {
                    throw SettingError(path: decoder.codingPath + [CodingKeys.algorithm], "a secret signs HS256, HS384 or HS512")
                }
                guard secret.value.utf8.count >= 32 else {
                    throw SettingError(
                        path: decoder.codingPath + [CodingKeys.secret],
                        "the secret has \(secret.value.utf8.count) bytes; 32 or more are safe")
                }
            } else if self.algorithm.rawValue.hasPrefix("HS") {
                throw SettingError(path: decoder.codingPath + [CodingKeys.algorithm], "\(self.algorithm) needs a secret")
            }
            self.issuer = try container.optional(.issuer)
            self.audience = try container.optional(.audience)
            self.claim = try container.value(.claim, default: "streambridge")
            self.requiresExpiry = try container.value(.requiresExpiry, default: true)
            self.grants = try Grants(container, .subscribe, .publish, decoder)
        }
    }

    /// `hook`: somebody else decides (see the documentation of the access hook for what is sent and answered).
    package struct Hook: Sendable, Decodable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case url, timeout, cache, maximumCalls = "max_calls" }

        package let url: String
        /// Default 2 s.
        package let timeout: Duration
        /// How long an answer holds for requests that are equal in everything that is sent to the hook; default 10 s, 0 asks every time.
        package let cache: Duration
        /// How many calls may be in flight at once, 1 to 10 000; default 64.
        ///
        /// Further requests are answered 503.
        package let maximumCalls: Int

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.url = try container.required(.url)
            self.timeout = try container.duration(.timeout, default: .seconds(2))
            self.cache = try container.duration(.cache, default: .seconds(10))
            self.maximumCalls = try container.integer(.maximumCalls, in: 1...10_000, default: 64)
            guard self.url.hasPrefix("http://") || self.url.hasPrefix("https://") else {
                throw SettingError(path: decoder.codingPath + [CodingKeys.url], "'\(self.url)' is no http or https URL")
            }
        }
    }
}

extension AccessSettings.Grants {
    fileprivate init<Keys: CodingKey>(
        _ container: KeyedDecodingContainer<Keys>, _ subscribe: Keys, _ publish: Keys, _ decoder: any Decoder
    ) throws {
        self.subscribe = try Self.patterns(container, subscribe, decoder)
        self.publish = try Self.patterns(container, publish, decoder)
    }
}
