package import BridgeCore

extension AccessSettings {
    /// `jwt`: verifies the tokens of an issuer (RFC 7519).
    package struct JWT: SettingGroup {
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

        private var secret: Secret?
        private var publicKeyFile: String?
        private var keysFile: String?
        private var keysURL: String?
        private var givenAlgorithm: Algorithm?
        /// The required value of `iss`; `nil` accepts every issuer.
        package private(set) var issuer: String?
        /// The value that `aud` must contain; `nil` accepts every audience.
        package private(set) var audience: String?
        /// The claim with the token's own grants, an object with `subscribe` and `publish`.
        package private(set) var claim = "streambridge"
        /// Whether a token without `exp` is refused; true by default, because such a token never expires.
        package private(set) var requiresExpiry = true
        /// The grants of every token; `{sub}` and other claims in braces are filled in.
        package private(set) var grants = Grants()

        /// The keys of `jwt`.
        package static let settings = Settings<Self> {
            Setting("secret", \.secret, .secret, "Shared secret of 32 bytes or more")
            Setting("public_key_file", \.publicKeyFile, .path, "Public key in PEM").example("/etc/ssl/issuer.pem")
            Setting("keys_file", \.keysFile, .path, "JWK set in a file").example("/etc/streambridge/keys.json")
            Setting("keys_url", \.keysURL, .text("URL"), "JWK set at a URL, which is fetched again for unknown keys")
            Setting(
                "algorithm", \.givenAlgorithm, .choice, default: "HS256 for a secret, RS256 for a public key",
                "Algorithm of the signatures; JWK sets name their own")
            Setting("issuer", \.issuer, .text, default: "any", "Required value of iss").example("https://id.example.com")
            Setting("audience", \.audience, .text, default: "any", "Value that aud must contain").example("streambridge")
            Setting("claim", \.claim, .text, "Claim with the token's own grants")
            Setting("require_exp", \.requiresExpiry, .flag, "Whether tokens without exp are refused")
            Grants.settings.within(\.grants)
        }

        /// Makes settings without keys, which are not valid.
        package init() {}

        /// The sources of keys that are given.
        private var sources: [Keys] {
            let all: [Keys?] = [
                self.secret.map { .secret($0) }, self.publicKeyFile.map { .publicKey(file: $0) },
                self.keysFile.map { .file($0) }, self.keysURL.map { .url($0) },
            ]
            return all.compactMap { $0 }
        }

        /// The source of the keys; traps unless the settings are valid.
        package var keys: Keys { self.sources[0] }

        /// The algorithm of a ``Keys/secret(_:)`` or of a PEM file; not used for JWK sets.
        package var algorithm: Algorithm { self.givenAlgorithm ?? (self.secret == nil ? .RS256 : .HS256) }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` unless exactly one source of keys is given, with an algorithm that fits it and a long enough
        ///   secret.
        package func validate() throws {
            guard self.sources.count == 1 else {
                throw SettingError("give one of secret, public_key_file, keys_file and keys_url, not \(self.sources.count)")
            }
            if let secret {
                guard self.algorithm.rawValue.hasPrefix("HS") else {
                    throw SettingError(at: "algorithm", because: "a secret needs HS256, HS384 or HS512; write one of them")
                }
                guard secret.value.utf8.count >= 32 else {
                    throw SettingError(
                        at: "secret", because: "the secret has \(secret.value.utf8.count) bytes; use 32 or more")
                }
            } else if self.algorithm.rawValue.hasPrefix("HS") {
                throw SettingError(at: "algorithm", because: "\(self.algorithm) needs a secret")
            }
            if self.givenAlgorithm != nil, !self.keys.hasOneKey {
                throw SettingError(
                    at: "algorithm",
                    because: "has no effect with keys_file or keys_url, whose keys name their algorithms; remove it"
                )
            }
        }
    }
}
