package import NIOCore
package import NIOHTTP1

/// One request, as its handler sees it.
package struct HTTPRequest: Sendable {
    package let method: HTTPMethod
    package let version: HTTPVersion
    /// The path as it was sent, percent-encoding included, without the query.
    package let path: String
    /// What stands behind the `?`, percent-encoded; empty when there is none.
    package let rawQuery: String
    package let headers: HTTPHeaders
    /// The address of the peer's end of the connection; `nil` for unix sockets.
    package let remoteAddress: SocketAddress?
    /// The values of the pattern's `{name}` segments, percent-decoded, in the pattern's order.
    package internal(set) var parameters: [(name: String, value: String)] = []
    /// The whole body.
    package internal(set) var body = ByteBuffer()

    /// The value of a `{name}` segment.
    ///
    /// - Parameter name: one that the route's pattern has.
    package func parameter(_ name: String) -> String {
        guard let parameter = self.parameters.first(where: { $0.name == name }) else {
            preconditionFailure("the route has no parameter \(name)")
        }
        return parameter.value
    }

    /// The first value of a name in the query, decoded as `application/x-www-form-urlencoded` (WHATWG URL §5.1); `nil` when the name
    /// is absent or its value is not valid percent-encoded UTF-8.
    package func query(_ name: String) -> String? {
        for item in self.rawQuery.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = parts.first, PercentEncoding.decode(key, plusIsSpace: true) == name else { continue }
            guard parts.count == 2 else { return "" }
            return PercentEncoding.decode(parts[1], plusIsSpace: true)
        }
        return nil
    }

    /// The first value of a header field, without spaces around it; names compare without case.
    package func header(_ name: String) -> String? {
        self.headers.first(name: name)
    }

    /// The token of `Authorization: Bearer` (RFC 6750 §2.1); `nil` without one.
    package var bearerToken: String? {
        let parts = self.header("Authorization")?.split(separator: " ", maxSplits: 1) ?? []
        guard parts.count == 2, parts[0].lowercased() == "bearer" else { return nil }
        return String(parts[1])
    }
}

/// Percent-encoding, RFC 3986 §2.1.
enum PercentEncoding {
    /// Decodes; `nil` when a `%` is not followed by two hexadecimal digits or the result is not UTF-8.
    static func decode(_ text: Substring.UTF8View, plusIsSpace: Bool = false) -> String? {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || (plusIsSpace && $0 == UInt8(ascii: "+")) }) else {
            return String(Substring(text))
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            text.formIndex(after: &index)
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = Self.digit(text, &index), let low = Self.digit(text, &index) else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace:
                bytes.append(UInt8(ascii: " "))
            default:
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ text: Substring.UTF8View, _ index: inout Substring.UTF8View.Index) -> UInt8? {
        guard index < text.endIndex else { return nil }
        defer { text.formIndex(after: &index) }
        switch text[index] {
        case let byte where byte >= 48 && byte <= 57: return byte - 48
        case let byte where byte | 32 >= 97 && byte | 32 <= 102: return (byte | 32) - 87
        default: return nil
        }
    }
}
