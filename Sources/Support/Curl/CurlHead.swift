import CCurl
package import NIOCore

/// Status line and headers of a response.
package struct CurlHead: Sendable {
    package typealias Header = (name: String, value: String)

    package let status: Int
    /// The phrase behind the status; empty in HTTP/2.
    package let reason: String
    /// In the order they came; names in lower case.
    package let headers: [Header]

    package init(status: Int, reason: String, headers: [Header]) {
        self.status = status
        self.reason = reason
        self.headers = headers
    }

    /// The first value of a header; the name in lower case.
    package subscript(_ name: String) -> String? {
        self.headers.first { $0.name == name }?.value
    }

    /// Status and phrase: `404 Not Found`.
    package var line: String {
        self.reason.isEmpty ? "\(self.status)" : "\(self.status) \(self.reason)"
    }

    /// Whether the peer names another address for the request (RFC 9110 §15.4).
    package var isRedirect: Bool { [301, 302, 303, 307, 308].contains(self.status) }

    /// How long the peer asks us to wait: `Retry-After` (RFC 9110 §10.2.3) in seconds or as a date, at most a day.
    ///
    /// - Parameter now: seconds since 1970.
    package func retryAfter(now: Int) -> Duration? {
        guard let text = self["retry-after"], !text.isEmpty else { return nil }
        let day = 86_400
        if text.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) {
            return .seconds(min(Int(text) ?? day, day))
        }
        let date = curl_getdate(text, nil)
        return date < 0 ? nil : .seconds(min(max(date - now, 0), day))
    }
}

/// A response with its body.
package struct CurlResponse: Sendable {
    package let head: CurlHead
    /// Its first bytes, up to the limit that was asked for.
    package let body: ByteBuffer
}
