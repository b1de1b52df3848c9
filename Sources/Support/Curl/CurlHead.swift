import CCurl
package import NIOCore

/// Status line and headers of a response.
package struct CurlHead: Sendable {
    /// Name and value of one header.
    package typealias Header = (name: String, value: String)

    /// From the status line: `HTTP/1.1`, `HTTP/2`.
    package let version: String
    /// The status code, 200 or more.
    package let status: Int
    /// The phrase after the status; empty in HTTP/2.
    package let reason: String
    /// In the order of arrival; names in lower case.
    package let headers: [Header]

    /// Makes a head from its parts.
    package init(version: String = "HTTP/1.1", status: Int, reason: String, headers: [Header]) {
        self.version = version
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

    /// Whether the head declares where the body ends (RFC 9112 §6.3).
    ///
    /// Otherwise the body ends with the connection, and a complete response without a body looks like one that was
    /// truncated before its body.
    package var saysWhereBodyEnds: Bool {
        // In HTTP/2 and later the last frame of the stream declares it (RFC 9113 §8.1).
        guard self.version.hasPrefix("HTTP/1.") else { return true }
        // These have no body, regardless of their fields (RFC 9110 §15.3.5 and §15.4.5).
        guard self.status != 204, self.status != 304 else { return true }
        if self["content-length"] != nil { return true }
        let codings = self.headers.filter { $0.name == "transfer-encoding" }.map(\.value).joined(separator: ",")
        return self.version != "HTTP/1.0" && codings.lowercased().hasSuffix("chunked")
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
    /// Status line and headers.
    package let head: CurlHead
    /// Its first bytes, up to the requested limit.
    package let body: ByteBuffer
}
