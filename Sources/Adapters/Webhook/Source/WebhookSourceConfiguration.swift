package import BridgeCore

/// The settings of a webhook source.
package struct WebhookSourceConfiguration: ComponentConfiguration {
    /// The last parts of the paths `/api/webhooks/{id}` and `/n/{id}`: `id:` for one, `ids:` for several.
    package var ids: [String] = []
    /// The token that `Authorization: Bearer …` must have; `nil` means that the id is the secret.
    package var token: Secret?
    /// How a sender signs its bodies; `nil` means that signatures are not checked.
    package var signature: WebhookSignatureSettings?
    /// Bytes of a body; more is answered 413.
    package var maxBody = 1 << 20
    /// How long a request waits for its event to be safe before it is answered 503.
    package var timeout = Duration.seconds(30)

    /// The keys of a webhook source.
    package static let settings = Settings<Self> {
        let id = SettingCodec<String>.text.checked { id in
            Self.isPlain(id) ? nil : "'\(id)' is not a webhook id; 1 to 128 letters, digits, '_' and '-' are allowed"
        }
        Setting("id", \.ids, SettingCodec(id.type) { [try id.read($0)] }, "Last part of the path that clients post to")
        Setting("ids", \.ids, .list(of: id), "Last parts of several paths")
            .excluding("id", else: "id and ids exclude each other; put every id into ids")
        Setting(
            "token", \.token,
            .secret.checked { $0.value.isEmpty ? "the token is empty; write one or leave the key out" : nil },
            "Bearer token that a client must send"
        ).protecting()
        Setting("signature", \.signature, .group, "How senders sign their bodies; a wrong signature is refused").protecting()
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

    /// The token and the key of signatures.
    package var secrets: SecretTexts {
        var secrets = SecretTexts()
        secrets.add(self.token)
        secrets.add(self.signature?.secret)
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
