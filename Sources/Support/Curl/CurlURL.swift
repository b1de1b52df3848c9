import CCurl

/// A URL in its parts, read by libcurl (RFC 3986), so that what is compared is what is connected to.
struct CurlURL {
    /// All of it, without user, password and fragment.
    let text: String
    /// In lower case.
    let scheme: String
    private let host: String
    private let port: String

    /// - Throws: ``CurlError`` with code `request` when it is no URL.
    init(_ text: String) throws(CurlError) {
        guard let url = Self.parse(text, relativeTo: nil) else {
            throw CurlError(.request, "\(CurlRequest.printable(text)) is not an address")
        }
        self = url
    }

    private init?(_ handle: OpaquePointer) {
        for part in [CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_FRAGMENT] {
            guard curl_url_set(handle, part, nil, 0) == CURLUE_OK else { return nil }
        }
        guard let text = Self.part(CURLUPART_URL, of: handle), let scheme = Self.part(CURLUPART_SCHEME, of: handle),
            let host = Self.part(CURLUPART_HOST, of: handle),
            let port = Self.part(CURLUPART_PORT, of: handle, UInt32(CURLU_DEFAULT_PORT))
        else { return nil }
        self.text = text
        self.scheme = scheme.lowercased()
        self.host = host.lowercased()
        self.port = port
    }

    /// Resolves a reference against this URL (RFC 3986 §5).
    ///
    /// - Returns: `nil` when it is none.
    func resolving(_ reference: String) throws(CurlError) -> CurlURL? {
        Self.parse(reference, relativeTo: self.text)
    }

    /// Whether scheme, host and port are the same (RFC 6454 §4).
    func isSameOrigin(as other: CurlURL) -> Bool {
        self.scheme == other.scheme && self.host == other.host && self.port == other.port
    }

    private static func parse(_ text: String, relativeTo base: String?) -> CurlURL? {
        // libcurl would end it there without a word.
        guard !text.utf8.contains(0), text.utf8.count <= CurlRequest.maximumURL, let handle = curl_url() else { return nil }
        defer { curl_url_cleanup(handle) }
        // Servers write spaces and other letters into Location; browsers encode them.
        let flags = base == nil ? UInt32(CURLU_PATH_AS_IS) : UInt32(CURLU_URLENCODE)
        if let base, curl_url_set(handle, CURLUPART_URL, base, UInt32(CURLU_PATH_AS_IS)) != CURLUE_OK { return nil }
        guard curl_url_set(handle, CURLUPART_URL, text, flags) == CURLUE_OK else { return nil }
        return CurlURL(handle)
    }

    private static func part(_ part: CURLUPart, of handle: OpaquePointer, _ flags: UInt32 = 0) -> String? {
        var bytes: UnsafeMutablePointer<CChar>?
        guard ccurl_url_get(handle, part, &bytes, flags) == CURLUE_OK, let bytes else { return nil }
        defer { curl_free(bytes) }
        return String(cString: bytes)
    }
}
