/// A route as a log on disk names it, with the settings of the sink that it chose: found again in a file that has changed since.
///
/// Most are their name alone. A route without a name of its own is called by its place, so that a hash of its content follows (`#`), and
/// settings of a `with:` by a hash of that (`@`), because their number is a place too.
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
        // No settings have the hash 0: a mark before it belongs to the name.
        var rest = name
        self.settings = Self.take("@", from: &rest) ?? 0
        if self.settings != 0 { name = rest }
        self.fingerprint = Self.take("#", from: &name)
        self.name = String(name)
    }

    /// As it stands in the log.
    var text: String {
        let fingerprint = self.fingerprint.map { "#\($0.hexadecimal)" } ?? ""
        return self.name + fingerprint + (self.settings == 0 ? "" : "@\(self.settings.hexadecimal)")
    }

    /// Cuts a mark and the hash that follows it off the end.
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
