package import BridgeCore

/// The settings of a webhook source.
package struct WebhookSourceConfiguration: ComponentConfiguration {
    package enum CodingKeys: String, CodingKey, CaseIterable {
        case id
        case ids
        case token
        case signature
        case maxBody = "max_body"
        case timeout
    }

    /// The last parts of the paths `/api/webhooks/{id}` and `/n/{id}`: `id:` for one, `ids:` for several.
    package var ids: [String]
    /// What `Authorization: Bearer …` must bring; absent means that the id is the secret.
    package var token: Secret?
    /// How a sender signs its bodies; absent means that signatures are not looked at.
    package var signature: Signature?
    /// Bytes of a body; more is answered 413.
    ///
    /// Default 1 MiB.
    package var maxBody: Int
    /// How long a request waits for its event to be safe before it is answered 503.
    ///
    /// Default 30 s.
    package var timeout: Duration

    /// HMAC over the body, as in `X-Hub-Signature-256`.
    package struct Signature: Decodable, Sendable {
        package enum CodingKeys: String, CodingKey, CaseIterable { case secret, header, algorithm, prefix }

        package var secret: Secret
        /// Default `X-Hub-Signature-256`.
        package var header: String
        /// Default `sha256`.
        package var algorithm: WebhookSignature.Algorithm
        /// What stands before the hexadecimal digits.
        ///
        /// Default: the algorithm's name and `=`.
        package var prefix: String?

        package init(secret: Secret) {
            self.secret = secret
            self.header = "X-Hub-Signature-256"
            self.algorithm = .sha256
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.mapping(CodingKeys.self)
            self.init(secret: try container.required(.secret))
            self.header = try container.value(.header, default: self.header)
            self.algorithm = try container.choice(.algorithm, default: self.algorithm)
            self.prefix = try container.optional(.prefix)
        }
    }

    package init(ids: [String]) {
        self.ids = ids
        self.maxBody = 1 << 20
        self.timeout = .seconds(30)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let id = try container.optional(.id, as: String.self)
        let ids = try container.optional(.ids, as: [String].self)
        guard id == nil || ids == nil else {
            throw SettingError(
                path: container.codingPath + [CodingKeys.ids], "id and ids exclude each other; put every id into ids")
        }
        self.init(ids: ids ?? id.map { [$0] } ?? [])
        self.token = try container.protection(.token)
        self.signature = try container.protection(.signature)
        self.maxBody = try container.bytes(.maxBody, default: self.maxBody)
        self.timeout = try container.duration(.timeout, default: self.timeout)
    }

    package func validate() throws {
        guard !self.ids.isEmpty else {
            throw SettingError(path: [CodingKeys.id], "an id is missing; it is the last part of the path that is posted to")
        }
        for id in self.ids {
            guard Self.isPlain(id) else {
                throw SettingError(
                    path: [CodingKeys.id], "'\(id)' is not a webhook id; 1 to 128 letters, digits, '_' and '-' are allowed"
                )
            }
        }
        guard Set(self.ids).count == self.ids.count else {
            throw SettingError(path: [CodingKeys.ids], "an id stands there twice")
        }
        if let token, token.value.isEmpty {
            throw SettingError(path: [CodingKeys.token], "the token is empty")
        }
        if let signature {
            guard !signature.secret.value.isEmpty else {
                throw SettingError(path: [CodingKeys.signature, Signature.CodingKeys.secret], "the secret is empty")
            }
            guard !signature.header.isEmpty, signature.header.utf8.allSatisfy({ $0 > 32 && $0 < 127 && $0 != UInt8(ascii: ":") })
            else {
                throw SettingError(
                    path: [CodingKeys.signature, Signature.CodingKeys.header],
                    "'\(signature.header)' is not the name of a header field"
                )
            }
        }
        guard self.maxBody >= 1 else {
            throw SettingError(path: [CodingKeys.maxBody], "a body needs 1 byte or more")
        }
        guard self.timeout >= .milliseconds(100) else {
            throw SettingError(path: [CodingKeys.timeout], "the timeout must be 100ms or more")
        }
    }

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
