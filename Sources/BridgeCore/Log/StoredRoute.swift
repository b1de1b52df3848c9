/// A route as stored in a log on disk, with the settings of the sink that it chose, to be found in a changed
/// configuration.
///
/// Most are only their name. A route without a configured name is named by its index, so a hash of its content follows
/// (`#`). Settings of a `with:` are identified by their hash (`@`), because their number is an index too.
struct StoredRoute: Hashable, Sendable {
    var name: String
    /// See ``Route/fingerprint``.
    var fingerprint: UInt64?
    /// See ``Route/Target/settings``.
    var settings: UInt64

    init(_ route: Route, settings: UInt64) {
        self.name = route.name
        self.fingerprint = route.fingerprint
        self.settings = settings
    }

    init(text: String) {
        var name = text[...]
        // A hash is never 0; such a suffix belongs to the name.
        var rest = name
        self.settings = Self.take("@", from: &rest) ?? 0
        if self.settings != 0 { name = rest }
        self.fingerprint = Self.take("#", from: &name)
        self.name = String(name)
    }

    /// The stored text.
    var text: String {
        let fingerprint = self.fingerprint.map { "#\($0.hexadecimal)" } ?? ""
        return self.name + fingerprint + (self.settings == 0 ? "" : "@\(self.settings.hexadecimal)")
    }

    /// Removes a mark and the hash that follows from the end.
    private static func take(_ mark: Character, from text: inout Substring) -> UInt64? {
        let digits = text.suffix(16)
        guard digits.utf8.count == 16, let before = text.index(digits.startIndex, offsetBy: -1, limitedBy: text.startIndex),
            before > text.startIndex, text[before] == mark,
            digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let value = UInt64(digits, radix: 16)
        else { return nil }
        text = text[..<before]
        return value
    }
}
