import JSON

/// Names of members whose values are for the receiver of a message alone, such as `access_token` and `pin_code`.
///
/// Such values are not written into a readable message; the payload keeps them.
enum SecretName {
    /// How many levels of a value are searched for secrets; a deeper value counts as one that has some.
    private static let levels = 256

    /// The JSON or text of a value without words of its own; empty when it has a secret at any depth.
    static func publicText(of value: JSONElement) -> String {
        self.isPresent(in: value, levels: self.levels) ? "" : value.text()
    }

    private static func isPresent(in value: JSONElement, levels: Int) -> Bool {
        var isPresent = false
        switch value.kind {
        case .object:
            guard levels > 0 else { return true }
            value.whileMembers { name, inner in
                isPresent = self.matches(name) || self.isPresent(in: inner, levels: levels - 1)
                return !isPresent
            }
        case .array:
            guard levels > 0 else { return true }
            value.forEachItem { item in
                if !isPresent { isPresent = self.isPresent(in: item, levels: levels - 1) }
            }
        default: break
        }
        return isPresent
    }

    /// Endings without `_` and `-`, in lower case.
    private static let endings: [StaticString] = [
        "token", "authorization", "secret", "password", "passwd", "passphrase", "passcode", "passkey", "signature", "apikey",
        "privatekey", "accesskey", "orderkey", "credential", "credentials", "cookie", "jwt", "pwd", "psk", "otp", "pincode",
        "pincodes",
        "actioncode", "usercode", "usercodes", "lockcode", "alarmcode", "doorcode",
    ]
    /// The last letters of the endings, and of `pin`, by their place in the alphabet.
    private static let lastLetters: UInt32 = Self.endings.reduce(1 << 13) { letters, ending in
        letters | 1 << UInt32(ending.utf8Start[ending.utf8CodeUnitCount - 1] - UInt8(ascii: "a"))
    }

    /// Whether a name is that of a secret.
    ///
    /// - Parameter name: as the sender writes it, in UTF-8.
    static func matches(_ name: Span<UInt8>) -> Bool {
        guard name.count >= 3 else { return false }
        let last = (name[name.count - 1] | 0x20) &- UInt8(ascii: "a")
        guard last < 26, self.lastLetters & 1 << UInt32(last) != 0 else { return false }
        return self.endings.contains { self.ends(name, $0) } || self.isPIN(name)
    }

    /// Whether a name has an ending, in any case and with `_` or `-` anywhere.
    private static func ends(_ name: Span<UInt8>, _ ending: StaticString) -> Bool {
        var place = name.count
        var rest = ending.utf8CodeUnitCount
        while rest > 0 {
            guard place > 0 else { return false }
            place -= 1
            let byte = name[place]
            if byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") { continue }
            let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            rest -= 1
            guard (isUpper ? byte | 0x20 : byte) == ending.utf8Start[rest] else { return false }
        }
        return true
    }

    /// Whether the last word is `pin`: unlike `spin`, which only ends so.
    private static func isPIN(_ name: Span<UInt8>) -> Bool {
        guard self.ends(name, "pin") else { return false }
        let start = name.count - 3
        guard start > 0 else { return true }
        let before = name[start - 1]
        return before == UInt8(ascii: "_") || before == UInt8(ascii: "-") || name[start] == UInt8(ascii: "P")
    }
}
