package import NIOCore
package import NIOHTTP1

/// One request, as passed to its handler.
///
/// Copies share everything except the body, so that passing it on costs two references.
package struct HTTPRequest: Sendable {
    private let head: Head
    /// The whole body; a handler may replace it, for example by its decoded form.
    package var body = ByteBuffer()

    /// Makes a request without a body.
    package init(
        method: HTTPMethod, version: HTTPVersion, path: String, rawQuery: String, headers: HTTPHeaders,
        remoteAddress: SocketAddress?, parameters: [(name: String, value: String)] = []
    ) {
        self.head = Head(
            method: method, version: version, path: path, rawQuery: rawQuery, headers: headers, remoteAddress: remoteAddress,
            parameters: parameters)
    }

    /// The method (RFC 9110 §9), case-sensitive; unknown ones are refused earlier.
    package var method: HTTPMethod { self.head.method }
    /// 1.0, 1.1 or 2.0.
    package var version: HTTPVersion { self.head.version }
    /// The path as sent, percent-encoded, without the query.
    package var path: String { self.head.path }
    /// The text after the `?`, percent-encoded; empty if there is none.
    package var rawQuery: String { self.head.rawQuery }
    /// The header fields in order, with trimmed values; `Host` is the requested host, whichever field or target
    /// contained it.
    package var headers: HTTPHeaders { self.head.headers }
    /// The address of the client, from trusted proxies or the connection; `nil` for Unix sockets.
    package var remoteAddress: SocketAddress? { self.head.remoteAddress }
    /// The values of the pattern's `{name}` segments, percent-decoded, in the pattern's order.
    package var parameters: [(name: String, value: String)] { self.head.parameters }

    /// The value of a `{name}` segment.
    ///
    /// - Parameter name: one that the route's pattern has.
    package func parameter(_ name: String) -> String {
        guard let parameter = self.parameters.first(where: { $0.name == name }) else {
            preconditionFailure("the route has no parameter \(name)")
        }
        return parameter.value
    }

    /// The first value of a name in the query, decoded as `application/x-www-form-urlencoded` (WHATWG URL §5.1); `nil`
    /// if it is absent or not valid percent-encoded UTF-8.
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

    /// The scheme of `Authorization`, in lower case, and its credentials, after one or more spaces (RFC 9110 §11.4); `nil` if absent.
    package var authorization: (scheme: String, credentials: Substring)? {
        guard let value = self.header("Authorization"), let space = value.firstIndex(of: " ") else { return nil }
        let credentials = value[space...].drop { $0 == " " }
        return credentials.isEmpty ? nil : (value[..<space].lowercased(), credentials)
    }

    /// The token of `Authorization: Bearer` (RFC 6750 §2.1); `nil` without one.
    package var bearerToken: String? {
        guard let (scheme, token) = self.authorization, scheme == "bearer" else { return nil }
        return String(token)
    }

    private final class Head: Sendable {
        let method: HTTPMethod
        let version: HTTPVersion
        let path: String
        let rawQuery: String
        let headers: HTTPHeaders
        let remoteAddress: SocketAddress?
        let parameters: [(name: String, value: String)]

        init(
            method: HTTPMethod, version: HTTPVersion, path: String, rawQuery: String, headers: HTTPHeaders,
            remoteAddress: SocketAddress?, parameters: [(name: String, value: String)]
        ) {
            self.method = method
            self.version = version
            self.path = path
            self.rawQuery = rawQuery
            self.headers = headers
            self.remoteAddress = remoteAddress
            self.parameters = parameters
        }
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
