import CCurl
import Compression
import NIOCore

/// How a request becomes options of its easy handle.
extension CurlExchange {
    func setCallbacks() {
        // Unretained: the loop keeps the exchange until the handle is out of the multi handle.
        let context = Unmanaged.passUnretained(self).toOpaque()
        ccurl_set_pointer(self.easy, CURLOPT_PRIVATE, context)
        ccurl_set_pointer(self.easy, CURLOPT_ERRORBUFFER, self.detail)
        ccurl_set_pointer(self.easy, CURLOPT_WRITEDATA, context)
        ccurl_set_write(self.easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            CurlExchange.of(context).wrote(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        ccurl_set_pointer(self.easy, CURLOPT_HEADERDATA, context)
        ccurl_set_write(self.easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            CurlExchange.of(context).header(UnsafeRawBufferPointer(start: bytes, count: size * count))
        }
        self.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> CurlExchange {
        guard let context else { preconditionFailure("libcurl lost the context of a callback") }
        return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
    }

    func setPeer(_ request: CurlRequest) {
        // Without signals libcurl does not shield us from SIGPIPE; the curl thread blocks that itself.
        self.set(CURLOPT_NOSIGNAL, 1)
        self.set(CURLOPT_PROTOCOLS_STR, "http,https")
        // An empty name overrules the environment.
        self.set(CURLOPT_PROXY, request.proxy ?? "", "the address of the proxy")
        self.set(CURLOPT_NOPROXY, "")
        if let unixSocket = request.unixSocket { self.set(CURLOPT_UNIX_SOCKET_PATH, unixSocket, "the path of the socket") }
        self.set(CURLOPT_TCP_KEEPALIVE, 1)
        if let age = request.connectionAge { self.set(CURLOPT_MAXLIFETIME_CONN, max(1, Int(age.components.seconds))) }
        self.set(CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.connectTimeout))
        if let timeout = request.timeout { self.set(CURLOPT_TIMEOUT_MS, Self.milliseconds(timeout)) }
        if let authorities = request.tls.authorities {
            self.set(CURLOPT_CAINFO, authorities, "ca_file")
            // Otherwise the system's folder of authorities would be trusted in addition to the file.
            ccurl_set_string(self.easy, CURLOPT_CAPATH, nil)
        }
        if let certificate = request.tls.certificate {
            self.set(CURLOPT_SSLCERT, certificate, "cert_file")
            self.set(CURLOPT_SSLKEY, request.tls.key ?? certificate, "key_file")
        }
        if request.tls.isInsecure {
            self.set(CURLOPT_SSL_VERIFYPEER, 0)
            self.set(CURLOPT_SSL_VERIFYHOST, 0)
        }
    }

    func setMessage(_ request: CurlRequest) {
        self.set(CURLOPT_URL, request.url, "the address")
        self.set(CURLOPT_PATH_AS_IS, 1)
        if let user = request.user {
            self.set(CURLOPT_USERNAME, user, "the user")
            self.set(CURLOPT_PASSWORD, request.password ?? "", "the password")
        }
        for header in request.headers {
            guard CurlRequest.isHeaderName(header.name), CurlRequest.isHeaderValue(header.value) else {
                self.refuse(
                    "a header named \(header.name.debugDescription.prefix(100)) contains characters that a header cannot carry")
                continue
            }
            // libcurl takes `Name:` as the request to remove its own header, and `Name;` as a header without a value.
            self.addHeader(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)")
        }
        if request.acceptsCodings { self.addHeader("Accept-Encoding: \(ContentDecoder.offer)") }
        let body = request.body ?? (["POST", "PUT", "PATCH"].contains(request.method) ? ByteBuffer() : nil)
        if let body {
            self.set(CURLOPT_POST, 1)
            self.check(ccurl_set_size(self.easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.readableBytes)), "the body")
            let result = body.withUnsafeReadableBytes { bytes in
                ccurl_set_pointer(self.easy, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress ?? UnsafeRawPointer(self.detail))
            }
            self.check(result, "the body")
            self.addHeader("Expect:")
            if !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) { self.addHeader("Content-Type:") }
            if request.method != "POST" { self.set(CURLOPT_CUSTOMREQUEST, request.method, "the method") }
        } else if request.method == "HEAD" {
            self.set(CURLOPT_NOBODY, 1)
        } else if request.method != "GET" {
            self.set(CURLOPT_CUSTOMREQUEST, request.method, "the method")
        }
        ccurl_set_list(self.easy, CURLOPT_HTTPHEADER, self.list)
    }

    func addHeader(_ line: String) {
        guard let list = curl_slist_append(self.list, line) else { return self.check(CURLE_OUT_OF_MEMORY, "a header") }
        self.list = list
    }

    func set(_ option: CURLoption, _ value: Int) {
        self.check(ccurl_set_long(self.easy, option, value), "option \(option.rawValue)")
    }

    /// - Parameter what: the value in a message; it may be a secret, or far too long to be shown.
    func set(_ option: CURLoption, _ value: String, _ what: String? = nil) {
        let what = what ?? "option \(option.rawValue)"
        // libcurl would end it there without a word.
        guard !value.utf8.contains(0) else { return self.refuse("\(what) holds a NUL character") }
        self.check(ccurl_set_string(self.easy, option, value), what)
    }

    /// libcurl refuses texts of 8 MB and more, and has no memory for what only it knows.
    func check(_ result: CURLcode, _ what: String) {
        if result != CURLE_OK { self.refuse("libcurl does not accept \(what): \(String(cString: curl_easy_strerror(result)))") }
    }

    func refuse(_ message: String) {
        self.refusal = self.refusal ?? CurlError(.request, message)
    }

    /// At least one, because zero selects libcurl's default.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(min(seconds, 2_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
