package import BridgeCore

/// The settings of a webhook source.
package struct WebhookSourceConfiguration: ComponentConfiguration {
    /// The last parts of the paths `/api/webhooks/{id}` and `/n/{id}`: `id:` for one, `ids:` for several.
    package var ids: [String] = []
    /// The tokens, one of which a request must have; none means that the id is the secret.
    package var tokens: [Secret] = []
    /// The header field that has the token; `nil` means `Authorization: Bearer` unless ``tokenQuery`` is set.
    package var tokenHeader: String?
    /// The query field that has the token.
    package var tokenQuery: String?
    /// The user of Basic authentication.
    package var user: String?
    /// The password of Basic authentication.
    package var password: Secret?
    /// How a sender signs its requests; `nil` means that signatures are not checked.
    package var signature: WebhookVerificationSettings?
    /// How the source answers senders that ask before they send; `nil` answers only Slack, by its scheme.
    package var handshake: WebhookHandshakeSettings?
    /// The methods that send events; not empty.
    package var methods: [WebhookMethod] = [.post, .put]
    /// What becomes of a body with several items; `nil` divides those whose type declares several.
    package var batch: WebhookBatch?
    /// Bytes of a body; more is answered 413.
    package var maxBody = 1 << 20
    /// How long a request waits for its event to be safe before it is answered 503.
    package var timeout = Duration.seconds(30)

    /// The keys of a webhook source.
    package static let settings = Settings<Self> {
        let id = SettingCodec<String>.text.checked { id in
            Self.isPlain(id) ? nil : "'\(id)' is not a webhook id; 1 to 128 letters, digits, '_' and '-' are allowed"
        }
        Setting("id", \.ids, SettingCodec(id.type) { [try id.read($0)] }, "Last part of the path that clients post to").example(
            "alerts")
        Setting("ids", \.ids, .list(of: id), "Last parts of several paths").example("[alerts, backups]")
            .excluding("id", else: "id and ids exclude each other; put every id into ids")
        Setting(
            "token", \.tokens, .secrets(named: "token", remedy: "write one or leave the key out"),
            "Bearer token that a client must send; several while one replaces another"
        ).protecting()
        Setting("token_header", \.tokenHeader, .headerName, "Header that has the token in place of Authorization").example(
            "X-Token"
        )
        .needing("token", else: "a header without a token protects nothing; set token").protecting()
        Setting(
            "token_query", \.tokenQuery,
            .text.checked { $0.isEmpty ? "is empty; write the name of a query field or leave it out" : nil },
            "Query field that has the token in place of Authorization"
        ).example("key").needing("token", else: "a query field without a token protects nothing; set token").excluding(
            "token_header", else: "token_query and token_header exclude each other; leave one out"
        ).protecting()
        Setting(
            "user", \.user,
            .text.checked { $0.isEmpty || $0.contains(":") ? "a user has one character or more, and no colon" : nil },
            "User of Basic authentication that a client must send"
        ).example("sonarr").needing("password", else: "a user needs a password; set password").excluding(
            "token", else: "user and token exclude each other; leave one out"
        ).protecting()
        Setting(
            "password", \.password,
            .secret.checked { $0.value.isEmpty ? "the password is empty; write one or leave the key out" : nil },
            "Password of Basic authentication that a client must send"
        ).needing("user", else: "a password needs a user; set user").protecting()
        Setting("signature", \.signature, .group, "How senders sign their requests; a wrong signature is refused").protecting()
        Setting("handshake", \.handshake, .group, "How senders verify the source before they send").protecting()
        Setting(
            "methods", \.methods,
            SettingCodec<[WebhookMethod]>.list(of: .choice).map(write: { $0.map(\.rawValue).joined(separator: ", ") }) { $0 }
                .checked { methods in
                    if methods.isEmpty { return "the list is empty; write POST, PUT or GET" }
                    return Set(methods).count == methods.count ? nil : "the same method is listed twice; remove one"
                },
            "Methods that send an event; with GET the fields of the query are the body"
        ).example("[POST, PUT]")
        Setting(
            "batch", \.batch, .choice, default: "split for lines of JSON and CloudEvents batches, one for other lists",
            "Whether the items of a body are events of their own")
        Setting("max_body", \.maxBody, .bytes(in: 1...), "Size above which a body is refused")
        Setting(
            "timeout", \.timeout, .duration(in: .milliseconds(100)...),
            "How long a request waits until its event is safe, before it is answered 503")
    }

    /// Makes settings without an id, which are not valid.
    package init() {}

    /// Makes settings of a source for these ids.
    package init(ids: [String]) {
        self.ids = ids
    }

    /// Whether the source itself does not authorise senders, so that `http.access` does.
    var isOpen: Bool { self.tokens.isEmpty && self.password == nil && self.signature == nil }

    /// The tokens, the password and the keys of signatures.
    package var secrets: SecretTexts {
        var secrets = SecretTexts()
        for secret in self.tokens + (self.signature?.secrets ?? []) { secrets.add(secret) }
        secrets.add(user: self.user, password: self.password)
        secrets.add(self.handshake?.verifyToken)
        return secrets
    }

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` with the key and the remedy.
    package func validate() throws {
        guard !self.ids.isEmpty else {
            throw SettingError(
                at: "id", because: "an id is missing; set id, the last part of the path that clients post to")
        }
        guard Set(self.ids).count == self.ids.count else {
            throw SettingError(at: "ids", because: "the same id is listed twice; remove one")
        }
        guard self.signature == nil || !self.methods.contains(.get) else {
            throw SettingError(
                at: "methods",
                because:
                    "a signature covers the body, and GET has none; leave GET out, or write a token in place of the signature")
        }
    }

    /// The ids: a path belongs to one source.
    package var exclusiveResources: [Resource] { self.ids.map { Resource("webhook id", $0) } }

    private static func isPlain(_ id: String) -> Bool {
        (1...128).contains(id.utf8.count)
            && id.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
