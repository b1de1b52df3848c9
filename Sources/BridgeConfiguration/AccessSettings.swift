package import BridgeCore

/// `http.access`: authorises readers of streams, and writers of webhooks that have no token of their own.
package struct AccessSettings: Sendable, Decodable {
    /// The keys of `http.access`.
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case anonymous, tokens, users, jwt, hook, cookie, queryToken = "query_token"
    }

    /// The grants of requests without credentials; none by default.
    ///
    /// Not used with a ``hook``, which decides about these requests.
    package var anonymous = Grants()
    /// The fixed tokens; no two are equal.
    package var tokens: [Token] = []
    /// The users of HTTP Basic (RFC 7617).
    package var users: [User] = []
    /// The verification of an issuer's tokens; `nil` verifies none.
    package var jwt: JWT?
    /// The hook that decides about requests that nothing else authorises; `nil` refuses them.
    package var hook: Hook?
    /// The name of a cookie that carries a token; `nil` reads no cookie.
    package var cookie: String?
    /// Whether `?access_token=` carries a token; false by default, because queries appear in logs and histories.
    package var queryToken = false

    /// Makes settings that authorise nobody.
    package init() {}

    /// Decodes the settings.
    ///
    /// - Throws: ``SettingError`` for equal tokens, and when nobody would be authorised.
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
        if self.hook != nil, container.contains(.anonymous) {
            throw SettingError(
                path: decoder.codingPath + [CodingKeys.anonymous],
                "has no effect beside hook, which decides for clients without credentials too; remove one of the two")
        }
        self.cookie = try container.optional(.cookie)
        self.queryToken = try container.value(.queryToken, default: self.queryToken)
        if self.tokens.isEmpty, self.users.isEmpty, self.jwt == nil, self.hook == nil,
            self.anonymous.subscribe.isEmpty, self.anonymous.publish.isEmpty
        {
            throw SettingError(path: decoder.codingPath, "nobody would be let in; give tokens, users, jwt, hook or anonymous")
        }
    }

    /// The names that a client may read and write; MQTT topic filters match several (MQTT 5 §4.7).
    package struct Grants: Sendable, Decodable {
        /// The keys of the grants.
        package enum CodingKeys: String, CodingKey, CaseIterable { case subscribe, publish }

        /// Streams that the client may read; `{sub}` and other claims in braces are filled in for tokens of an issuer.
        package var subscribe: [String] = []
        /// Webhooks that the client may write to; claims as in ``subscribe``.
        package var publish: [String] = []

        /// Grants nothing.
        package init() {}

        /// Decodes the grants.
        ///
        /// - Throws: ``SettingError`` for a name or filter that is not valid.
        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.subscribe = try Self.patterns(container, .subscribe, decoder)
            self.publish = try Self.patterns(container, .publish, decoder)
        }

        /// Decodes and checks one list of names and filters.
        static func patterns<Keys: CodingKey>(
            _ container: KeyedDecodingContainer<Keys>, _ key: Keys, _ decoder: any Decoder
        ) throws -> [String] {
            let texts: [String] = try container.value(key, default: [])
            for text in texts {
                do {
                    // A claim in braces is filled in later.
                    _ = try SubjectPattern(name: text.replacing("{", with: "").replacing("}", with: ""))
                } catch {
                    throw SettingError(path: decoder.codingPath + [key], "'\(text)': \(error.message)")
                }
            }
            return texts
        }
    }

    /// A fixed bearer token (RFC 6750), one of `tokens`.
    package struct Token: Sendable, Decodable {
        /// The keys of a token.
        package enum CodingKeys: String, CodingKey, CaseIterable { case token, name, subscribe, publish }

        /// The token; not empty.
        package let token: Secret
        /// The name in logs; `nil` uses the token's number.
        package let name: String?
        /// The grants of the token.
        package let grants: Grants

        /// Decodes a token.
        ///
        /// - Throws: ``SettingError`` for an empty token.
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

    /// A user of HTTP Basic (RFC 7617), one of `users`.
    package struct User: Sendable, Decodable {
        /// The keys of a user.
        package enum CodingKeys: String, CodingKey, CaseIterable { case user, password, subscribe, publish }

        /// The user name; not empty and without a colon (RFC 7617 §2).
        package let user: String
        /// The password; not empty.
        package let password: Secret
        /// The grants of the user.
        package let grants: Grants

        /// Decodes a user.
        ///
        /// - Throws: ``SettingError`` for an empty name or password, and for a colon in the name.
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

    /// `jwt`: verifies the tokens of an issuer (RFC 7519).
    package struct JWT: Sendable, Decodable {
        /// The keys of `jwt`.
        package enum CodingKeys: String, CodingKey, CaseIterable {
            case secret, publicKeyFile = "public_key_file", keysFile = "keys_file", keysURL = "keys_url", algorithm, issuer,
                audience, claim, requiresExpiry = "require_exp", subscribe, publish
        }

        /// The algorithm of a signature (RFC 7518 §3.1, RFC 8037 §3.1), named as in JWS.
        package enum Algorithm: String, CaseIterable, Sendable {
            case HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA
        }

        /// The source of the keys.
        package enum Keys: Sendable {
            /// A shared secret of 32 bytes or more, for HS256, HS384 and HS512.
            case secret(Secret)
            /// A public key in a PEM file.
            case publicKey(file: String)
            /// A JWK set in a file (RFC 7517 §5).
            case file(String)
            /// A JWK set at a URL, fetched again when no known key verifies a token, at most every 30 s.
            case url(String)

            /// Whether it is one key, which does not name its algorithm.
            var hasOneKey: Bool {
                switch self {
                case .secret, .publicKey: true
                case .file, .url: false
                }
            }
        }

        /// The source of the keys.
        package let keys: Keys
        /// The algorithm of a ``Keys/secret(_:)``, HS256 by default, or of a PEM file, RS256 by default; not used for
        /// JWK sets.
        package let algorithm: Algorithm
        /// The required value of `iss`; `nil` accepts every issuer.
        package let issuer: String?
        /// The value that `aud` must contain; `nil` accepts every audience.
        package let audience: String?
        /// The claim with the token's own grants, an object with `subscribe` and `publish`; default `streambridge`.
        package let claim: String
        /// Whether a token without `exp` is refused; true by default, because such a token never expires.
        package let requiresExpiry: Bool
        /// The grants of every token; `{sub}` and other claims in braces are filled in.
        package let grants: Grants

        /// Decodes the settings.
        ///
        /// - Throws: ``SettingError`` unless exactly one source of keys is given, with an algorithm that fits it and a
        ///   long enough secret.
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
            if container.contains(.algorithm), !self.keys.hasOneKey {
                throw SettingError(
                    path: decoder.codingPath + [CodingKeys.algorithm],
                    "has no effect beside a set of keys, whose keys name their algorithms; remove it")
            }
            self.issuer = try container.optional(.issuer)
            self.audience = try container.optional(.audience)
            self.claim = try container.value(.claim, default: "streambridge")
            self.requiresExpiry = try container.value(.requiresExpiry, default: true)
            self.grants = try Grants(container, .subscribe, .publish, decoder)
        }
    }

    /// `hook`: an HTTP server that authorises requests; see the documentation of the access hook for the protocol.
    package struct Hook: Sendable, Decodable {
        /// The keys of `hook`.
        package enum CodingKeys: String, CodingKey, CaseIterable { case url, timeout, cache, maximumCalls = "max_calls" }

        /// The `http` or `https` URL that each request is reported to.
        package let url: String
        /// The time-out of a call; default 2 s.
        package let timeout: Duration
        /// How long an answer is reused for requests with equal reports; default 10 s, 0 calls the hook for each
        /// request.
        package let cache: Duration
        /// The limit on calls in flight, 1 to 10 000; default 64.
        ///
        /// Requests above it are answered 503.
        package let maximumCalls: Int

        /// Decodes the settings.
        ///
        /// - Throws: ``SettingError`` for another scheme and for values out of range.
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
