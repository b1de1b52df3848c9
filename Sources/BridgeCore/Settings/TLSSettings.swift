/// `tls:` of a component that connects to a peer.
package struct TLSSettings: SettingGroup, Equatable {
    /// The authorities to trust; `nil` trusts those of the system.
    package var authorities: String?
    /// The client's certificate, for peers that request one.
    package var certificate: String?
    /// The certificate's key, without a passphrase.
    package var key: String?
    /// Whether any certificate under any name is accepted, so that an attacker in between can read and write.
    package var isInsecure = false

    /// The keys of `tls`.
    package static let settings = Settings<Self> {
        Setting("ca_file", \.authorities, .path, default: "the authorities of the system", "Authorities to trust, in PEM")
            .example("/etc/ssl/ca.pem")
        Setting("cert_file", \.certificate, .path, "Client certificate for peers that ask for one, in PEM").example(
            "/etc/ssl/client.pem")
        Setting("key_file", \.key, .path, "Key of the client certificate without a passphrase, in PEM").example(
            "/etc/ssl/client.key")
        Setting("insecure", \.isInsecure, .flag, "Whether any certificate is accepted, which is for tests only")
    }

    /// Makes settings that trust the authorities of the system.
    package init() {}

    /// Validates the settings together.
    ///
    /// - Throws: ``SettingError`` for a key without a certificate.
    package func validate() throws {
        guard self.key == nil || self.certificate != nil else {
            throw SettingError(at: "key_file", because: "key_file needs cert_file beside it")
        }
    }

    /// Validates settings whose certificate file cannot contain the key too.
    ///
    /// - Parameter key: of the component that has the settings.
    /// - Throws: ``SettingError`` for a certificate without a key.
    package func validatePair(at key: String) throws {
        guard self.certificate == nil || self.key != nil else {
            throw SettingError(at: key, because: "cert_file and key_file belong together; set both or neither")
        }
    }
}
