package import BridgeCore

/// `handshake:`, how the source answers senders that ask before they send.
package struct WebhookHandshakeSettings: SettingGroup {
    /// The token of Meta's verification requests; `nil` answers none.
    package var verifyToken: Secret?
    /// The origins that may send CloudEvents, in lower case; `*` for all, none answers no `OPTIONS`.
    package var origins: [String] = []
    /// The requests that each of them may send in a minute; `nil` for no limit.
    package var rate: Int?

    /// The keys of `handshake`.
    package static let settings = Settings<Self> {
        Setting(
            "verify_token", \.verifyToken,
            .secret.checked { $0.value.isEmpty ? "the token is empty; write one or leave the key out" : nil },
            "Token (hub.verify_token) of Meta's verification requests, which are answered with their challenge")
        let origin = SettingCodec<String>.text.checked { text in
            text == "*" || WebhookHandshake.isOrigin(text)
                ? nil : "'\(text)' is not an origin such as eventgrid.azure.net; * means all"
        }
        Setting(
            "origins", \.origins, .oneOrMore(of: SettingCodec(origin.type) { try origin.read($0).lowercased() }),
            "Origins that CloudEvents' validation by OPTIONS permits to send; * for all"
        ).example("eventgrid.azure.net")
        Setting("rate", \.rate, .integer(in: 1...1_000_000), default: "no limit", "Requests a minute that the validation permits")
            .needing("origins", else: "a rate is answered to the validation of origins; set origins")
    }

    /// Makes settings without a handshake, which are not valid.
    package init() {}

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` when no handshake is set.
    package func validate() throws {
        guard self.verifyToken != nil || !self.origins.isEmpty else {
            throw SettingError("names no handshake; set verify_token, origins or both")
        }
    }
}
