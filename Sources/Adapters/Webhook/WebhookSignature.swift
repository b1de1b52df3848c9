package import BridgeCore
import Crypto
package import NIOCore

/// Signs bodies with a shared secret and verifies such signatures: HMAC (RFC 2104) in hexadecimal or base64, as in `X-Hub-Signature-256`.
///
/// Immutable; computes the key schedule for each body.
package struct WebhookSignature: Sendable {
    /// The hash under the HMAC: `algorithm:` in the file.
    package enum Algorithm: String, Sendable, CaseIterable {
        case sha1
        case sha256
        case sha512

        /// Bytes of a code.
        var size: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            }
        }
    }

    /// How the code is written: `encoding:` in the file.
    package enum Encoding: String, Sendable, CaseIterable {
        case hex
        case base64
    }

    private let key: SymmetricKey
    private let algorithm: Algorithm
    private let encoding: Encoding
    private let prefix: String

    /// - Parameter prefix: the text before the code; `nil` means the algorithm's name and `=` for `hex`, and none for `base64`.
    package init(secret: Secret, algorithm: Algorithm = .sha256, encoding: Encoding = .hex, prefix: String? = nil) {
        self.init(key: Array(secret.value.utf8), algorithm: algorithm, encoding: encoding, prefix: prefix)
    }

    /// - Parameter key: the bytes of the secret; not empty.
    init(key: [UInt8], algorithm: Algorithm, encoding: Encoding, prefix: String?) {
        self.key = SymmetricKey(data: key)
        self.algorithm = algorithm
        self.encoding = encoding
        self.prefix = prefix ?? (encoding == .hex ? "\(algorithm.rawValue)=" : "")
    }

    /// The value of the signature header for a body.
    ///
    /// - Parameter head: text that is signed in front of the body.
    package func sign(_ body: ByteBuffer, after head: String = "") -> String {
        let code = self.code(of: body, after: head)
        return switch self.encoding {
        case .hex: self.prefix + Self.hexadecimal(code)
        case .base64: self.prefix + Self.base64(code)
        }
    }

    /// Whether `signature` is the value of the signature header for a body; the comparison takes constant time.
    ///
    /// Also accepts upper-case hexadecimal digits and base64 without padding; the prefix must match exactly.
    package func verify(_ signature: String, body: ByteBuffer, after head: String = "") -> Bool {
        guard let code = self.code(in: signature) else { return false }
        return Self.isEqual(code, self.code(of: body, after: head))
    }

    /// The code in the value of a signature header; `nil` for anything but the prefix and a code of the right size.
    func code(in signature: String) -> [UInt8]? {
        guard signature.hasPrefix(self.prefix) else { return nil }
        let text = signature.utf8.dropFirst(self.prefix.utf8.count)
        let code = self.encoding == .hex ? Self.bytes(hexadecimal: text) : Base64.bytes(text)
        return code?.count == self.algorithm.size ? code : nil
    }

    /// The code of a body, with text in front of it.
    func code(of body: ByteBuffer, after head: String) -> [UInt8] {
        switch self.algorithm {
        case .sha1: self.code(Insecure.SHA1.self, body, head)
        case .sha256: self.code(SHA256.self, body, head)
        case .sha512: self.code(SHA512.self, body, head)
        }
    }

    /// The form of a signature in words, for who sends another.
    var form: String {
        let code: String
        switch self.encoding {
        case .hex: code = "\(self.algorithm.size * 2) hexadecimal digits"
        case .base64: code = "\((self.algorithm.size + 2) / 3 * 4) characters of base64"
        }
        return self.prefix.isEmpty ? code : "'\(self.prefix)' and \(code)"
    }

    /// Whether two codes are equal; the time depends only on their sizes.
    static func isEqual(_ code: [UInt8], _ other: [UInt8]) -> Bool {
        guard code.count == other.count else { return false }
        return zip(code, other).reduce(into: UInt8(0)) { $0 |= $1.0 ^ $1.1 } == 0
    }

    private func code<Hash: HashFunction>(_: Hash.Type, _ body: ByteBuffer, _ head: String) -> [UInt8] {
        var code = HMAC<Hash>(key: self.key)
        if !head.isEmpty { code.update(data: Array(head.utf8)) }
        body.withUnsafeReadableBytes { code.update(data: $0) }
        return Array(code.finalize())
    }
}
