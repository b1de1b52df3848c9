package import BridgeCore

/// `http.admin`: authorises readers of metrics and of the details of readiness.
package struct AdminSettings: Sendable, Decodable {
    /// The keys of `http.admin`.
    package enum CodingKeys: String, CodingKey, CaseIterable { case listen, token }

    /// A second listener for operations only; `nil` serves them on the listener of the streams.
    package let address: ListenAddress?
    /// The bearer token that a request must carry (RFC 6750); `nil` requires none.
    package let token: Secret?

    /// Decodes the settings.
    ///
    /// - Throws: ``SettingError`` for an empty token or a malformed address, and when both are absent.
    package init(from decoder: any Decoder) throws {
        let container = try decoder.mapping(CodingKeys.self)
        self.address = try container.optional(.listen, as: String.self).map { text in
            guard let address = ListenAddress(text) else {
                throw SettingError(path: decoder.codingPath + [CodingKeys.listen], ListenAddress.mistake(text))
            }
            return address
        }
        self.token = try container.protection(.token)
        guard self.token?.value.isEmpty != true else {
            throw SettingError(path: decoder.codingPath + [CodingKeys.token], "the token is empty")
        }
        guard self.address != nil || self.token != nil else {
            throw SettingError(path: decoder.codingPath, "give listen, token or both")
        }
    }
}
