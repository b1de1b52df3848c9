/// The TLS settings of a transfer.
package struct CurlTLS: Sendable, Equatable {
    /// PEM file of the authorities to trust; `nil` means those of the system.
    package var authorities: String?
    /// PEM file of the client certificate, for peers that request one.
    package var certificate: String?
    /// PEM file of its key; `nil` means it is in ``certificate``.
    package var key: String?
    /// Accepts any certificate under any name: for tests only, because an attacker in between can then read and write.
    package var isInsecure: Bool

    /// Makes settings, by default those that trust the authorities of the system.
    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil, isInsecure: Bool = false) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.isInsecure = isInsecure
    }
}
