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
        let name = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }.filter {
            $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t")
        }
        return String(decoding: name, as: UTF8.self).lowercased()
    }
}
