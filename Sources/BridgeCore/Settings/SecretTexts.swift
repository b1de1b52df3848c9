/// The texts in a component's settings that its messages must not repeat, such as passwords, tokens and keys in URLs.
///
/// Peers quote what they receive; ``Redaction`` replaces these texts in a peer's text. A component declares them with
/// ``ComponentConfiguration/secrets``.
package struct SecretTexts: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    /// The fewest bytes of a secret; replacing shorter ones would garble words.
    package static let fewestBytes = 4
    /// The fewest bytes of a value that may be a secret or not, such as a header's.
    package static let fewestDoubtfulBytes = 6
    /// The fewest bytes of a path that is a secret.
    static let fewestPathBytes = 8
    /// The fewest bytes of a segment that is a secret without the rest of its path.
    static let fewestSegmentBytes = 16

    /// Replaced wherever they occur.
    private(set) var certain: Set<String> = []
    /// Replaced only as whole words, not next to a letter, digit, `-` or `_`.
    private(set) var doubtful: Set<String> = []
    /// Texts sent to the peer; ``Redaction`` replaces the values of `${env:…}` and `${file:…}` in them.
    private(set) var sent: [String] = []

    /// Makes an empty set.
    package init() {}

    /// Adds a password, token or key; `nil` adds nothing.
    package mutating func add(_ secret: Secret?) {
        if let secret { self.add(certain: secret.value) }
    }

    /// Adds a user name and password, also in the form of Basic authentication (RFC 7617 §2).
    ///
    /// A user name without a password is a secret, because some services expect a token there; other user names may not
    /// be secret.
    package mutating func add(user: String?, password: Secret?) {
        self.add(password)
        guard let user, !user.isEmpty else { return }
        let password = password?.value ?? ""
        if password.isEmpty { self.add(certain: user) } else { self.add(doubtful: user) }
        self.add(certain: Base64.text(of: "\(user):\(password)"))
    }

    /// Adds a header's value and the words in it, except for headers that describe the content or the client.
    package mutating func add(header name: String, _ value: String) {
        self.sent.append(value)
        guard !Self.describingHeaders.contains(name.lowercased()) else { return }
        self.add(doubtful: value)
        for word in value.split(whereSeparator: { " \t,;=".contains($0) }) { self.add(doubtful: String(word)) }
    }

    /// Adds the userinfo and the query values of a URL (RFC 3986 §3).
    ///
    /// - Parameters:
    ///   - url: the literal text of a template, or the whole URL; a space separates the parts of a template.
    ///   - hidesPath: whether the path is a secret too, as with many webhooks.
    package mutating func add(url: String, hidesPath: Bool = false) {
        guard let scheme = url.firstRange(of: "://") else { return }
        let rest = url[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" && $0 != "?" }
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(Self.decoded)
            self.add(user: parts[0], password: parts.count > 1 ? Secret(parts[1]) : nil)
        }
        let path = rest[authority.endIndex...].prefix { $0 != "?" }
        let query = rest[path.endIndex...].dropFirst()
        self.sent.append(String(query))
        for item in query.split(whereSeparator: { "&; ".contains($0) }) {
            let value = item.firstIndex(of: "=").map { item[item.index(after: $0)...] } ?? item
            for text in [String(value), Self.decoded(value)] { self.add(doubtful: text) }
        }
        guard hidesPath else { return }
        self.sent.append(String(path))
        for piece in path.split(separator: " ") where piece.utf8.count >= Self.fewestPathBytes {
            for text in [String(piece), Self.decoded(piece)] { self.add(certain: text) }
            for segment in piece.split(separator: "/") where segment.utf8.count >= Self.fewestSegmentBytes {
                for text in [String(segment), Self.decoded(segment)] { self.add(certain: text) }
            }
        }
    }

    /// Adds text that is sent to the peer, such as the template of a body.
    package mutating func add(sent text: String?) {
        if let text { self.sent.append(text) }
    }

    private mutating func add(certain text: String) {
        if text.utf8.count >= Self.fewestBytes { self.certain.insert(text) }
    }

    private mutating func add(doubtful text: String) {
        if text.utf8.count >= Self.fewestDoubtfulBytes { self.doubtful.insert(text) }
    }

    /// The text without percent-encoding (RFC 3986 §2.1); invalid encoding stays unchanged.
    private static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            let digits = rest.prefix(2)
            if byte == UInt8(ascii: "%"), digits.count == 2, let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Headers whose values are no secrets and occur in answers, such as `use application/json`.
    private static let describingHeaders: Set<String> = [
        "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding", "content-language",
        "content-type", "host", "user-agent",
    ]

    /// A placeholder.
    package var description: String { "<redacted>" }
    /// A mirror of the placeholder, so that dumps do not show the texts.
    package var customMirror: Mirror { Mirror(reflecting: "<redacted>") }
}
