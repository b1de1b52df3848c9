import BridgeCore

/// `dedupe:` of a route.
struct DedupeDeclaration: Decodable {
    enum CodingKeys: String, CodingKey, CaseIterable { case key, window }

    let dedupe: Route.Dedupe

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let window = try container.duration(.window, default: .seconds(600))
        guard window >= .seconds(1), window <= .seconds(31 * 86_400) else {
            throw SettingError(path: decoder.codingPath + [CodingKeys.window], "is out of range; 1s to 31d is allowed")
        }
        self.dedupe = Route.Dedupe(key: try container.required(.key), window: window)
    }
}
