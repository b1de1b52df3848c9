package import BridgeCore

/// `http.admin` in the file: who sees metrics and the details of readiness.
package struct AdminSettings: Sendable, Decodable {
    package enum CodingKeys: String, CodingKey, CaseIterable { case listen, token }

    /// A second listener for operations only; `nil` serves them where streams are served.
    package let address: ListenAddress?
    /// What a request must bring as `Authorization: Bearer`; `nil` asks for nothing.
    package let token: Secret?

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
