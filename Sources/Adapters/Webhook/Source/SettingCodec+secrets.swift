import BridgeCore

extension SettingCodec where Value == [Secret] {
    /// The most secrets at once; a rotation needs two.
    static var limit: Int { 10 }

    /// One secret, or several of which each is accepted.
    ///
    /// - Parameters:
    ///   - name: what they are, in the singular.
    ///   - remedy: what to do about an empty one.
    static func secrets(named name: String, remedy: String) -> Self {
        let secret = SettingCodec<Secret>.secret.checked { $0.value.isEmpty ? "the \(name) is empty; \(remedy)" : nil }
        return .oneOrMore(of: secret).checked { secrets in
            if secrets.isEmpty { return "the list is empty; \(remedy)" }
            if secrets.count > Self.limit { return "\(secrets.count) are too many; at most \(Self.limit) are allowed" }
            return Set(secrets.map(\.value)).count == secrets.count ? nil : "the same \(name) is listed twice; remove one"
        }
    }
}
