/// How a transfer speaks TLS: `tls:` in the file.
package struct CurlTLS: Sendable, Equatable, Decodable {
    /// PEM file of the authorities to trust; `nil` means those of the system.
    package var authorities: String?
    /// PEM file of our own certificate, for peers that ask for one.
    package var certificate: String?
    /// PEM file of its key; `nil` means it is in ``certificate``.
    package var key: String?
    /// Accepts any certificate under any name: for tests only, since whoever sits in between can then read and write.
    package var isInsecure: Bool

    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil, isInsecure: Bool = false) {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
        self.isInsecure = isInsecure
    }

    package init(from decoder: any Decoder) throws {
        let known = CodingKeys.allCases.map(\.stringValue)
        for key in try decoder.container(keyedBy: AnyKey.self).allKeys where !known.contains(key.stringValue) {
            throw DecodingError.dataCorrupted(
                .init(
                    codingPath: decoder.codingPath + [key],
                    debugDescription: "there is no setting '\(key.stringValue)'; there are \(known.joined(separator: ", "))"
                )
            )
        }
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.authorities = try container.decodeIfPresent(String.self, forKey: .authorities)
        self.certificate = try container.decodeIfPresent(String.self, forKey: .certificate)
        self.key = try container.decodeIfPresent(String.self, forKey: .key)
        self.isInsecure = try container.decodeIfPresent(Bool.self, forKey: .isInsecure) ?? false
        guard self.key == nil || self.certificate != nil else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath + [CodingKeys.key], debugDescription: "key_file needs cert_file beside it")
            )
        }
    }

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case authorities = "ca_file"
        case certificate = "cert_file"
        case key = "key_file"
        case isInsecure = "insecure"
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}
