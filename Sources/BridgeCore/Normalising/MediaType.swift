/// Reads the `Content-Type` of a body (RFC 9110 §8.3).
package enum MediaType {
    /// `application/json` or a type that ends in `+json` (RFC 6839 §3.1), regardless of case and parameters.
    package static func isJSON(_ contentType: String) -> Bool {
        // The form that nearly all senders use; checking others costs several times as much.
        if contentType == "application/json" { return true }
        let type = Self.name(contentType)
        return type == "application/json" || type.hasSuffix("+json")
    }

    /// The type without its parameters and without white space, in lower case.
    package static func name(_ contentType: String) -> String {
        // Most senders write no more than the name: to copy it costs several times as much.
        guard !contentType.utf8.allSatisfy(Self.isOfName) else { return contentType }
        let name = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }.filter {
            $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t")
        }
        return String(decoding: name, as: UTF8.self).lowercased()
    }

    /// Whether a byte is that of a name in lower case.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "/"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "."):
            true
        default: false
        }
    }
}
