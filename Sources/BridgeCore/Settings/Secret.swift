/// A secret text that is never printed: a password, a token, a key.
package struct Secret: Sendable, Equatable, Decodable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The text, for the code that sends it to a peer or compares it.
    package let value: String

    /// Makes a secret from its text; the text may be empty.
    package init(_ value: String) {
        self.value = value
    }

    /// Decodes a secret from a string.
    package init(from decoder: any Decoder) throws {
        self.value = try decoder.singleValueContainer().decode(String.self)
    }

    /// A placeholder.
    package var description: String { "<redacted>" }
    /// A placeholder.
    package var debugDescription: String { "<redacted>" }
    /// A mirror of the placeholder, so that dumps and interpolations do not show the text.
    package var customMirror: Mirror { Mirror(reflecting: "<redacted>") }
}

extension Secret {
    /// Whether an untrusted text equals the secret; the time depends only on the length of that text.
    package func matches(_ text: String) -> Bool {
        let secret = Array(self.value.utf8)
        var difference = secret.count ^ text.utf8.count
        for (index, byte) in text.utf8.enumerated() {
            difference |= Int(byte ^ (secret.isEmpty ? 0xFF : secret[index % secret.count]))
        }
        return difference == 0
    }
}
