import JSON
import NIOCore

/// The header of a token (RFC 7515 §4), as far as it decides whether the token can be understood.
enum TokenHeader {
    /// Refuses a token whose header lists extensions that must be understood (`crit`, RFC 7515 §4.1.11): none is known here.
    ///
    /// - Throws: ``TokenError``.
    static func check(_ token: String) throws(TokenError) {
        let encoded = token.utf8.prefix { $0 != UInt8(ascii: ".") }
        guard let bytes = Base64.bytes(encoded, isURLSafe: true) else { throw .malformed }
        let parser = JSONParser(levels: 16)
        guard let root = try? parser.parse(ByteBuffer(bytes: bytes)), root.kind == .object else { throw .malformed }
        var isCritical = false
        root.forEachMember { name, _ in if name == "crit" { isCritical = true } }
        withExtendedLifetime(parser) {}
        if isCritical { throw .critical }
    }
}
