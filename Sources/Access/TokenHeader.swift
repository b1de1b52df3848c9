import BridgeCore
import JSON
import NIOCore

/// The header of a token (RFC 7515 §4), as far as it decides whether the token is supported.
struct TokenHeader {
    /// The id of the key that signed the token, as the header claims (`kid`, RFC 7515 §4.1.4).
    let key: String?

    /// Reads the header and checks the form of all parts.
    ///
    /// Refuses tokens that are not unpadded base64url (RFC 7515 §2), or whose header or payload begins with a byte order
    /// mark (RFC 8259 §8.1). Also refuses a header that lists critical extensions (`crit`, RFC 7515 §4.1.11), since none is
    /// supported.
    ///
    /// - Throws: ``TokenError``.
    init(of token: String) throws(TokenError) {
        guard token.utf8.allSatisfy(Self.isOfToken) else { throw .malformed }
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // The three bytes of the mark, encoded.
        guard !parts.prefix(2).contains(where: { $0.starts(with: "77u_".utf8) }) else { throw .malformed }
        guard let bytes = Base64.bytes(parts[0], .either) else { throw .malformed }
        let parser = JSONParser(levels: 16)
        guard let root = try? parser.parse(ByteBuffer(bytes: bytes)), root.kind == .object else { throw .malformed }
        var isCritical = false
        var key: String?
        root.forEachMember { name, value in
            if name == "crit" { isCritical = true }
            if name == "kid", value.kind == .string { key = value.string }
        }
        withExtendedLifetime(parser) {}
        if isCritical { throw .critical }
        self.key = key
    }

    /// The alphabet of RFC 4648 §5, and the dot between the parts.
    private static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
        }
    }
}
