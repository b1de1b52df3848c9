import BridgeConfiguration
import HTTPServer
import JWTKit

/// The claims of a token (RFC 7519 §4).
struct TokenClaims: JWTPayload {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { self.stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Grants: Codable {
        var subscribe: [String]?
        var publish: [String]?
    }

    private let texts: [String: String]
    private let audiences: [String]
    private let expires: Double?
    private let notBefore: Double?
    private let grants: [String: Grants]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        var texts: [String: String] = [:]
        var grants: [String: Grants] = [:]
        for key in container.allKeys {
            if let text = try? container.decode(String.self, forKey: key) {
                texts[key.stringValue] = text
            } else if let number = try? container.decode(Int64.self, forKey: key) {
                texts[key.stringValue] = String(number)
            } else if let value = try? container.decode(Grants.self, forKey: key) {
                grants[key.stringValue] = value
            }
        }
        self.texts = texts
        self.grants = grants
        self.audiences = (try? container.decode([String].self, forKey: Key("aud"))) ?? texts["aud"].map { [$0] } ?? []
        self.expires = try container.decodeIfPresent(Double.self, forKey: Key("exp"))
        self.notBefore = try container.decodeIfPresent(Double.self, forKey: Key("nbf"))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (name, text) in self.texts { try container.encode(text, forKey: Key(name)) }
    }

    /// ``grant(_:now:)``, which knows the settings, checks the times and the issuer.
    func verify(using algorithm: some JWTAlgorithm) async throws {}

    /// - Parameter now: seconds since 1970.
    /// - Throws: ``TokenError`` when the token is not for us, or not now.
    func grant(_ settings: AccessSettings.JWT, now: Double) throws(TokenError) -> HTTPGrant {
        if self.expires == nil, settings.requiresExpiry { throw .endless }
        if let expires, now >= expires { throw .expired }
        if let notBefore, now + 1 < notBefore { throw .early }
        if let issuer = settings.issuer, self.texts["iss"] != issuer { throw .issuer }
        if let audience = settings.audience, !self.audiences.contains(audience) { throw .audience }
        let own = self.grants[settings.claim]
        return HTTPGrant(
            name: self.texts["sub"], subscribe: self.patterns(settings.grants.subscribe, own?.subscribe),
            publish: self.patterns(settings.grants.publish, own?.publish),
            expires: self.expires.map(HTTPGrant.milliseconds)
        )
    }

    /// The grants of the file and of the token itself.
    ///
    /// Names that begin with `$` belong to the server: the file alone grants them.
    private func patterns(_ file: [String], _ own: [String]?) -> [String] {
        file.compactMap(self.filled) + (own ?? []).filter { !Self.isReserved($0) }
    }

    /// Wildcards, separators of levels and lists, and line ends: by scalars, because a following mark makes another
    /// character of it.
    private static func divides(_ scalar: Unicode.Scalar) -> Bool {
        "+#/,\n\r\u{B}\u{C}\u{85}\u{2028}\u{2029}".unicodeScalars.contains(scalar)
    }

    private static func isReserved(_ name: String) -> Bool { name.utf8.first == UInt8(ascii: "$") }

    /// A pattern with the values of its claims; `nil` when one is absent, could match more than itself, or makes a
    /// reserved name.
    private func filled(_ pattern: String) -> String? {
        var result = ""
        var rest = pattern[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            guard let value = self.texts[String(rest[rest.index(after: open)..<close])], !value.isEmpty,
                !value.unicodeScalars.contains(where: Self.divides)
            else { return nil }
            result += rest[..<open] + value
            rest = rest[rest.index(after: close)...]
        }
        result += rest
        return Self.isReserved(result) && !Self.isReserved(pattern) ? nil : result
    }
}
