import BridgeCore
import NIOHTTP1

/// The attributes that the header fields of requests become, made once for requests that follow each other and have the same.
///
/// A value of one event loop. What the core derives from attributes it too keeps as long as they share their storage.
struct WebhookAttributes {
    /// Header fields about the connection alone (RFC 9110 §7.6.1), or that the decoded bytes of the body make redundant.
    private static let dropped: Set<String> = [
        "connection", "content-encoding", "content-length", "expect", "keep-alive", "te", "trailer", "transfer-encoding",
        "upgrade", "authorization",
        "cookie", "set-cookie", "proxy-authorization", "proxy-connection",
    ]
    private static let length = "content-length"

    /// The fields of the request before, and what they became.
    private var fields: [(name: String, value: String)] = []
    private var attributes = Attributes()
    /// A further field that is left out, in lower case.
    private let secretField: String?

    /// - Parameter secretField: a header field that has the token of requests.
    init(secretField: String? = nil) {
        self.secretField = secretField?.lowercased()
    }

    /// All header fields but the secret ones as attributes, names in lower case.
    mutating func make(of headers: HTTPHeaders) -> Attributes {
        if headers.elementsEqual(self.fields, by: Self.isSame) { return self.attributes }
        var attributes = Attributes()
        for (name, value) in headers {
            let name = name.lowercased()
            guard !Self.dropped.contains(name), !Self.isSecret(name), name != self.secretField else { continue }
            attributes.append(name, value)
        }
        self.fields = Array(headers)
        self.attributes = attributes
        return attributes
    }

    /// Whether two fields become the same attribute; a length becomes none.
    private static func isSame(_ field: (name: String, value: String), _ other: (name: String, value: String)) -> Bool {
        field.name.hasBytes(of: other.name)
            && (field.value.hasBytes(of: other.value)
                || field.name.utf8.count == Self.length.utf8.count && field.name.lowercased() == Self.length)
    }

    /// Whether a header field, by its name in lower case, may contain a key or a token.
    static func isSecret(_ name: String) -> Bool {
        guard name != "idempotency-key", name != "x-event-key" else { return false }
        return name.hasPrefix("x-auth") || name.hasPrefix("x-api") || name.hasSuffix("-key") || name.hasSuffix("apikey")
            || (["token", "secret", "passw", "credential"] as [StaticString]).contains { Self.has($0, name) }
    }

    /// Whether a text contains another, by bytes: the library's search takes ten times as long, for every field of
    /// every request.
    private static func has(_ word: StaticString, _ text: String) -> Bool {
        let word = UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount)
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count >= word.count else { return false }
            return (0...(bytes.count - word.count)).contains { bytes[$0..<($0 + word.count)].elementsEqual(word) }
        }
    }
}
