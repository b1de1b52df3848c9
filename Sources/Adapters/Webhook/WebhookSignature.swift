package import BridgeCore
import Crypto
package import NIOCore

/// Signs bodies with a shared secret and verifies such signatures: HMAC (RFC 2104) in lower-case hexadecimal, as in `X-Hub-Signature-256`.
///
/// Immutable; computes the key schedule for each body.
package struct WebhookSignature: Sendable {
    /// The hash under the HMAC: `algorithm:` in the file.
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha256
        case sha512
    }

    private let key: SymmetricKey
    private let algorithm: Algorithm
    private let prefix: String

    /// - Parameter prefix: the text before the hexadecimal digits; `nil` means the algorithm's name and `=`.
    package init(secret: Secret, algorithm: Algorithm = .sha256, prefix: String? = nil) {
        self.key = SymmetricKey(data: Array(secret.value.utf8))
        self.algorithm = algorithm
        self.prefix = prefix ?? "\(algorithm.rawValue)="
    }

    /// The value of the signature header for a body.
    package func sign(_ body: ByteBuffer) -> String {
        switch self.algorithm {
        case .sha256: self.prefix + Self.hexadecimal(Self.code(SHA256.self, self.key, body))
        case .sha512: self.prefix + Self.hexadecimal(Self.code(SHA512.self, self.key, body))
        }
    }

    /// Whether `signature` is the value of the signature header for a body; the comparison takes constant time.
    ///
    /// Also accepts upper-case hexadecimal digits; the prefix must match exactly.
    package func verify(_ signature: String, body: ByteBuffer) -> Bool {
        guard signature.hasPrefix(self.prefix),
            let code = Self.bytes(hexadecimal: signature.utf8.dropFirst(self.prefix.utf8.count))
        else { return false }
        return switch self.algorithm {
        case .sha256: Self.isValid(SHA256.self, code, self.key, body)
        case .sha512: Self.isValid(SHA512.self, code, self.key, body)
        }
    }

    private static func code<Hash: HashFunction>(_: Hash.Type, _ key: SymmetricKey, _ body: ByteBuffer) -> HMAC<Hash>.MAC {
        body.withUnsafeReadableBytes { HMAC<Hash>.authenticationCode(for: $0, using: key) }
    }

    private static func isValid<Hash: HashFunction>(
        _: Hash.Type, _ code: [UInt8], _ key: SymmetricKey, _ body: ByteBuffer
    ) -> Bool {
        body.withUnsafeReadableBytes { HMAC<Hash>.isValidAuthenticationCode(code, authenticating: $0, using: key) }
    }

    private static func hexadecimal(_ code: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in code {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func bytes(hexadecimal text: Substring.UTF8View) -> [UInt8]? {
        var bytes: [UInt8] = []
        var high: UInt8?
        for character in text {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = character - UInt8(ascii: "A") + 10
            default: return nil
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return high == nil ? bytes : nil
    }
}
