/// Text that is never printed: a password, a token, a key.
package struct Secret: Sendable, Equatable, Decodable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text itself, for the one place that hands it to a peer.
    package let value: String

    package init(_ value: String) {
        self.value = value
    }

    package init(from decoder: any Decoder) throws {
        self.value = try decoder.singleValueContainer().decode(String.self)
    }

    package var description: String { "<redacted>" }
    package var debugDescription: String { "<redacted>" }
    package var customMirror: Mirror { Mirror(reflecting: "<redacted>") }
}

extension Secret {
    /// Whether a text that came from outside is this secret, in a time that depends on the length of that text alone.
    package func matches(_ text: String) -> Bool {
        let secret = Array(self.value.utf8)
        var difference = secret.count ^ text.utf8.count
        for (index, byte) in text.utf8.enumerated() {
            difference |= Int(byte ^ (secret.isEmpty ? 0xFF : secret[index % secret.count]))
        }
        return difference == 0
    }
}
