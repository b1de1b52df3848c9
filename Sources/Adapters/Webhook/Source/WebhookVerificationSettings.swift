package import BridgeCore
import HTTPServer

/// `signature:` of a source: how senders sign their requests.
package struct WebhookVerificationSettings: SettingGroup {
    /// What is signed, and where the signature is.
    package enum Scheme: String, Sendable, CaseIterable {
        /// The body, as GitHub, Gitea, Shopify and many others do.
        case hmac
        /// `X-Slack-Signature`, over the time and the body (Slack, "Verifying requests from Slack").
        case slack
        /// `Stripe-Signature`, over the time and the body (Stripe, "Verify webhook signatures manually").
        case stripe
        /// `webhook-signature`, over id, time and body (Standard Webhooks 1.0.0).
        case standardWebhooks = "standard-webhooks"
        /// The same in `svix-signature` (Svix, "Verifying webhooks manually").
        case svix

        /// Whether a secret is `whsec_` and base64.
        var hasEncodedSecret: Bool { self == .standardWebhooks || self == .svix }

        /// The first part of the names of the fields with id, time and signature of a request, where the id is signed.
        ///
        /// Svix's customers choose between its names and those of the standard: what counts is where the signature is.
        func fieldPrefix(of request: HTTPRequest) -> String? {
            switch self {
            case .hmac, .slack, .stripe: nil
            case .standardWebhooks: "webhook"
            case .svix: request.header("svix-signature") == nil ? "webhook" : "svix"
            }
        }
    }

    /// What is signed.
    package var scheme = Scheme.hmac
    /// The secrets that both sides know, any of which may have signed; at least one, none empty.
    package var secrets: [Secret] = []
    private var givenHeader: String?
    private var givenAlgorithm: WebhookSignature.Algorithm?
    private var givenEncoding: WebhookSignature.Encoding?
    /// The text before the signature of ``Scheme/hmac``; `nil` means the algorithm's name and `=` for `hex`, and none for `base64`.
    package var prefix: String?
    private var givenTolerance: Duration?

    /// The header with the signature of ``Scheme/hmac``.
    package var header: String { self.givenHeader ?? "X-Hub-Signature-256" }
    /// The hash of the signature.
    package var algorithm: WebhookSignature.Algorithm { self.givenAlgorithm ?? .sha256 }
    /// How the signature of ``Scheme/hmac`` is written.
    package var encoding: WebhookSignature.Encoding { self.givenEncoding ?? .hex }
    /// How far the signed time may be from the clock, in either direction.
    package var tolerance: Duration { self.givenTolerance ?? .seconds(300) }

    /// The keys of `signature`.
    package static let settings = Settings<Self> {
        Setting("scheme", \.scheme, .choice, "What is signed: the body, or what a sender documents")
        Setting(
            required: "secret", \.secrets, .secrets(named: "secret", remedy: "write one"),
            "Secret that both sides know; several while one replaces another")
        Setting(
            "header", \.givenHeader, .headerName, default: "X-Hub-Signature-256", "Header with the signature of scheme hmac"
        ).example("X-Signature")
        Setting("algorithm", \.givenAlgorithm, .choice, default: "sha256", "Hash of scheme hmac")
        Setting("encoding", \.givenEncoding, .choice, default: "hex", "How the signature of scheme hmac is written")
        Setting(
            "prefix", \.prefix, .headerText, default: "the algorithm's name and '=' for hex, none for base64",
            "Text before the signature of scheme hmac"
        ).example("sha256=")
        Setting(
            "tolerance", \.givenTolerance, .duration(in: .seconds(1) ... .seconds(3600)), default: "5m",
            "How far the signed time may be from the clock; not of scheme hmac, which signs no time")
    }

    /// Makes settings without a secret, which are not valid.
    package init() {}

    /// Makes settings with a secret and every other key at its default.
    package init(scheme: Scheme = .hmac, secret: Secret) {
        self.scheme = scheme
        self.secrets = [secret]
    }

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` with the key and the remedy.
    package func validate() throws {
        guard self.scheme != .hmac else {
            guard self.givenTolerance == nil else {
                throw SettingError(
                    at: "tolerance",
                    because: "scheme hmac signs no time; leave tolerance out, or write the sender's scheme")
            }
            return
        }
        for (key, isSet) in [
            ("header", self.givenHeader != nil), ("algorithm", self.givenAlgorithm != nil),
            ("encoding", self.givenEncoding != nil), ("prefix", self.prefix != nil),
        ] where isSet {
            throw SettingError(
                at: key, because: "scheme \(self.scheme.rawValue) defines the \(key); leave it out, or write scheme: hmac")
        }
        guard !self.scheme.hasEncodedSecret || self.secrets.allSatisfy({ Self.key(in: $0) != nil }) else {
            throw SettingError(
                at: "secret",
                because: "a secret of scheme \(self.scheme.rawValue) is 'whsec_' and base64; copy it whole from the sender")
        }
    }

    /// The bytes of a secret that is base64, after `whsec_` or without that; `nil` for another one.
    static func key(in secret: Secret) -> [UInt8]? {
        let text = secret.value.hasPrefix("whsec_") ? secret.value.dropFirst(6) : secret.value[...]
        return Base64.bytes(text.utf8).flatMap { $0.isEmpty ? nil : $0 }
    }
}
