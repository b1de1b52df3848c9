package import BridgeCore
import Curl

/// `signature:` of a sink: how the body of a request is signed, with HMAC as in `X-Hub-Signature-256`.
package struct WebhookSignatureSettings: SettingGroup {
    /// The secret that both sides know; not empty.
    package var secret = Secret("")
    /// The header with the signature.
    package var header = "X-Hub-Signature-256"
    /// The hash of the signature.
    package var algorithm = WebhookSignature.Algorithm.sha256
    /// How the signature is written.
    package var encoding = WebhookSignature.Encoding.hex
    /// The text before the signature; `nil` means the algorithm's name and `=` for `hex`, and none for `base64`.
    package var prefix: String?

    /// The keys of `signature`.
    package static let settings = Settings<Self> {
        Setting(
            required: "secret", \.secret, .secret.checked { $0.value.isEmpty ? "the secret is empty; write one" : nil },
            "Secret that both sides know")
        Setting("header", \.header, .headerName, "Header with the signature").example("X-Signature")
        Setting("algorithm", \.algorithm, .choice, "Hash of the signature")
        Setting("encoding", \.encoding, .choice, "How the signature is written")
        Setting(
            "prefix", \.prefix, .headerText, default: "the algorithm's name and '=' for hex, none for base64",
            "Text before the signature")
    }

    /// Makes settings without a secret, which are not valid.
    package init() {}

    /// Makes settings with a secret and every other key at its default.
    package init(secret: Secret) {
        self.secret = secret
    }
}

extension SettingCodec where Value == String {
    /// The name of a header field.
    static var headerName: Self {
        .text.checked { CurlRequest.isHeaderName($0) ? nil : "'\($0)' is not the name of a header" }
    }

    /// Text in the value of a header field.
    static var headerText: Self {
        .text.checked { CurlRequest.isHeaderValue($0) ? nil : "holds characters that a header cannot carry; remove them" }
    }
}

extension TLSSettings {
    /// The same for libcurl.
    var curl: CurlTLS {
        CurlTLS(authorities: self.authorities, certificate: self.certificate, key: self.key, isInsecure: self.isInsecure)
    }
}
