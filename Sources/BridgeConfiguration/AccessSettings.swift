package import BridgeCore

/// `http.access`: authorises readers of streams, and writers of webhooks without a token of their own.
package struct AccessSettings: SettingGroup, Decodable {
    /// The grants of requests without credentials; none by default.
    ///
    /// Not used with a ``hook``, which decides about these requests.
    package private(set) var anonymous = Grants()
    /// The fixed tokens; no two are equal.
    package private(set) var tokens: [Token] = []
    /// The users of HTTP Basic (RFC 7617).
    package private(set) var users: [User] = []
    /// The verification of an issuer's tokens; `nil` verifies none.
    package private(set) var jwt: JWT?
    /// The hook that decides about requests that nothing else authorises; `nil` refuses them.
    package private(set) var hook: Hook?
    /// The name of a cookie that carries a token; `nil` reads no cookie.
    package private(set) var cookie: String?
    /// Whether `?access_token=` carries a token; false by default, because queries appear in logs and histories.
    package private(set) var queryToken = false

    /// The keys of `http.access`.
    package static let settings = Settings<Self> {
        Setting("anonymous", \.anonymous, .group, "What clients without credentials may do")
            .excluding(
                "hook", else: "has no effect with hook, which also decides on clients without credentials; remove one of them")
        Setting("tokens", \.tokens, .list(of: .group), "Fixed bearer tokens")
        Setting("users", \.users, .list(of: .group), "Users of HTTP Basic")
        Setting("jwt", \.jwt, .group, "How tokens of an issuer are verified")
        Setting("hook", \.hook, .group, "HTTP server that decides about requests that nothing else authorises")
        Setting("cookie", \.cookie, .text, "Name of a cookie that carries a token").example("session")
        Setting("query_token", \.queryToken, .flag, "Whether ?access_token= carries a token")
    }

    /// Makes settings that authorise no client.
    package init() {}

    /// Reads the settings, see ``SettingGroup/init(settings:refusesOthers:)``.
    package init(from decoder: any Decoder) throws { try self.init(settings: decoder) }

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` for equal tokens, and for settings that authorise no client.
    package func validate() throws {
        for (index, token) in self.tokens.enumerated() {
            guard let first = self.tokens[..<index].firstIndex(where: { $0.token == token.token }) else { continue }
            throw SettingError(
                at: "tokens",
                because:
                    "entry \(index + 1) has the token of entry \(first + 1); give each its own, or one entry with the grants of both"
            )
        }
        if self.tokens.isEmpty, self.users.isEmpty, self.jwt == nil, self.hook == nil,
            self.anonymous.subscribe.isEmpty, self.anonymous.publish.isEmpty
        {
            throw SettingError("admits no client; set tokens, users, jwt, hook or anonymous")
        }
    }

    /// The texts that messages about requests, the hook and the JWK set must not repeat.
    package var secrets: SecretTexts {
        var secrets = SecretTexts()
        for token in self.tokens { secrets.add(token.token) }
        for user in self.users { secrets.add(user: user.user, password: user.password) }
        switch self.jwt?.keys {
        case .secret(let secret): secrets.add(secret)
        case .url(let url): secrets.add(url: url)
        case .publicKey, .file, nil: break
        }
        secrets.add(url: self.hook?.url ?? "")
        return secrets
    }

    /// The names that a client may read and write; MQTT topic filters match several (MQTT 5 §4.7).
    package struct Grants: SettingGroup {
        /// Streams that the client may read; `{sub}` and other claims in braces are filled in for tokens of an issuer.
        package var subscribe: [String] = []
        /// Webhooks that the client may write to; claims as in ``subscribe``.
        package var publish: [String] = []

        /// The keys of grants.
        package static let settings = Settings<Self> {
            let name = SettingCodec<String>.text("name or filter").checked { text in
                do throws(SettingError) {
                    // A claim in braces is filled in later.
                    _ = try SubjectPattern(name: text.replacing("{", with: "").replacing("}", with: ""))
                    return nil
                } catch {
                    return "'\(text)': \(error.message)"
                }
            }
            Setting("subscribe", \.subscribe, .list(of: name), "Streams that may be read, as names or MQTT filters").example(
                "[home, 'rooms/#']")
            Setting("publish", \.publish, .list(of: name), "Webhooks that may be written to, as names or MQTT filters").example(
                "[alerts]")
        }

        /// Grants nothing.
        package init() {}
    }

    /// A fixed bearer token (RFC 6750), one of `tokens`.
    package struct Token: SettingGroup {
        /// The token; not empty.
        package private(set) var token = Secret("")
        /// The name in logs; `nil` uses the token's number.
        package private(set) var name: String?
        /// The grants of the token.
        package private(set) var grants = Grants()

        /// The keys of a token.
        package static let settings = Settings<Self> {
            Setting(
                required: "token", \.token,
                .secret.checked { $0.value.isEmpty ? "the token is empty; write one or remove the entry" : nil },
                "Token that a client sends")
            Setting("name", \.name, .text, default: "the number of the token", "Name in logs").example("dashboard")
            Grants.settings.within(\.grants)
        }

        /// Makes an empty token, which is not valid.
        package init() {}
    }

    /// A user of HTTP Basic (RFC 7617), one of `users`.
    package struct User: SettingGroup {
        /// The user name; not empty and without a colon (RFC 7617 §2).
        package private(set) var user = ""
        /// The password; not empty.
        package private(set) var password = Secret("")
        /// The grants of the user.
        package private(set) var grants = Grants()

        /// The keys of a user.
        package static let settings = Settings<Self> {
            Setting(required: "user", \.user, .text, "Name of the user, without a colon").example("ann")
            Setting(required: "password", \.password, .secret, "Password of the user")
            Grants.settings.within(\.grants)
        }

        /// Makes a user without a name, which is not valid.
        package init() {}

        /// Validates name and password.
        ///
        /// - Throws: ``SettingError`` for an empty name or password, and for a colon in the name.
        package func validate() throws {
            guard !self.user.isEmpty, !self.user.contains(":"), !self.password.value.isEmpty else {
                throw SettingError("needs a user name without a colon and a password that is not empty")
            }
        }
    }

    /// `hook`: an HTTP server that authorises requests; see the documentation of the access hook for the protocol.
    package struct Hook: SettingGroup {
        /// The `http` or `https` URL that each request is reported to.
        package private(set) var url = ""
        /// The time-out of a call.
        package private(set) var timeout = Duration.seconds(2)
        /// How long an answer is reused for requests with equal reports; 0 calls the hook for each request.
        package private(set) var cache = Duration.seconds(10)
        /// The limit on calls in flight.
        ///
        /// Requests above it are answered 503.
        package private(set) var maximumCalls = 64

        /// The keys of `hook`.
        package static let settings = Settings<Self> {
            Setting(
                required: "url", \.url,
                .text("URL").checked { url in
                    url.hasPrefix("http://") || url.hasPrefix("https://")
                        ? nil : "'\(url)' is not an HTTP URL; begin it with http:// or https://"
                },
                "URL that each request is reported to")
            Setting("timeout", \.timeout, .duration, "Time-out of a call")
            Setting("cache", \.cache, .duration, "How long an answer is reused; 0s to ask for each request")
            Setting("max_calls", \.maximumCalls, .integer(in: 1...10_000), "Calls in flight; requests above it are answered 503")
        }

        /// Makes a hook without a URL, which is not valid.
        package init() {}
    }
}
