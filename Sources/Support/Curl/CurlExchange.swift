import CCurl
import Compression
import NIOCore

/// One transfer on the curl thread: its easy handle, its receiver, and what libcurl tells of it.
final class CurlExchange {
    let id: UInt64
    let easy: UnsafeMutableRawPointer
    let receiver: any CurlReceiver
    /// The request that the answer's redirect asks for, to be made once this transfer is out of libcurl.
    private(set) var successor: CurlRequest?
    private let request: CurlRequest
    private let idleTimeout: Duration?
    private let began: ContinuousClock.Instant
    private var demand = CurlDemand.more
    /// libcurl holds bytes back because ``wrote(_:)`` answered that it shall.
    private var isHeldBack = false
    private var lastArrival: ContinuousClock.Instant
    private var head = CurlHeadReader()
    private var isHeadComplete = false
    /// Decodes the body; `nil` for one that is not encoded.
    private var decoder: ContentDecoder?
    /// How many bytes at the head of libcurl's next call the decoder has already: those of a call that ended with a pause.
    private var decodedAhead = 0
    /// Why libcurl cannot be given this request, which then is ended instead of begun, or why its answer is not taken.
    private(set) var refusal: CurlError?
    private var list: UnsafeMutablePointer<curl_slist>?
    private let detail: UnsafeMutablePointer<CChar>

    /// Sets every option of the handle, which is fresh or reset; see ``refusal``.
    init(id: UInt64, easy: UnsafeMutableRawPointer, request: CurlRequest, receiver: any CurlReceiver) {
        self.id = id
        self.easy = easy
        self.receiver = receiver
        self.request = request
        self.idleTimeout = request.idleTimeout
        self.began = .now
        self.lastArrival = self.began
        self.detail = .allocate(capacity: Int(CURL_ERROR_SIZE))
        self.detail.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        self.setCallbacks()
        self.setPeer(request)
        self.setMessage(request)
    }

    deinit {
        curl_slist_free_all(self.list)
        self.detail.deallocate()
    }

    /// When the silence of the peer has lasted too long; `nil` while that does not count.
    var idleDeadline: ContinuousClock.Instant? {
        guard let idleTimeout, case .more = self.demand else { return nil }
        return self.lastArrival.advanced(by: idleTimeout)
    }

    /// Asks the receiver again, and lifts or begins a pause.
    ///
    /// - Returns: false when the transfer shall end.
    func wake() -> Bool {
        let before = self.demand
        self.demand = self.receiver.woken()
        switch self.demand {
        case .stop: return false
        case .pause: return true
        case .more:
            if case .pause = before { self.lastArrival = .now }
            guard self.isHeldBack else { return true }
            self.isHeldBack = false
            // Hands over what was held back before it returns. Whatever fails shows as the transfer's result.
            curl_easy_pause(self.easy, CURLPAUSE_CONT)
            return true
        }
    }

    /// The transfer is over as libcurl sees it.
    ///
    /// - Parameter wasSent: a request went out.
    func end(_ result: CURLcode, wasSent: Bool) {
        if result == CURLE_OK {
            if let decoder, !decoder.isComplete {
                return self.end(CurlError(.lost, "the compressed body ends too early", isOfAnswer: true))
            }
            self.receiver.ended(.success(()))
        } else if let refusal {
            self.end(refusal)
        } else if case .stop = self.demand {
            self.end(CurlError(.stopped, "the receiver wants no more"))
        } else {
            let error = CurlError(
                result, detail: String(cString: self.detail), url: self.request.url, wasSent: wasSent,
                hasStatus: self.head.status >= 200
            )
            // libcurl calls it a peer that cannot be reached, a name that has no address or a file that cannot be read.
            let shortage = error.isOfAnswer ? nil : CurlBell.shortage
            self.end(shortage.map { CurlError(error.code, "\(error.message); \($0)") } ?? error)
        }
    }

    /// The transfer is over for a reason of ours.
    func end(_ error: CurlError) {
        self.receiver.ended(.failure(error))
    }

    /// Takes a part of the body.
    ///
    /// Any answer but the count ends the transfer or holds the bytes back.
    fileprivate func wrote(_ bytes: UnsafeRawBufferPointer) -> Int {
        // Only the body of an answer that the receiver has seen the head of.
        guard self.isHeadComplete else {
            self.refusal = self.refusal ?? CurlError(.lost, "a body came without the head of an answer")
            return bytes.isEmpty ? 1 : 0
        }
        if case .pause = self.demand {
            self.isHeldBack = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        self.lastArrival = .now
        if let decoder { return self.decode(bytes, decoder) }
        self.demand = self.receiver.received(bytes)
        if case .stop = self.demand { return bytes.isEmpty ? 1 : 0 }
        return bytes.count
    }

    /// Decodes a part of the body as far as the receiver wants it; what is left then is not taken from libcurl, which brings it again.
    private func decode(_ bytes: UnsafeRawBufferPointer, _ decoder: ContentDecoder) -> Int {
        decoder.append(UnsafeRawBufferPointer(rebasing: bytes.dropFirst(self.decodedAhead)))
        let refused = bytes.isEmpty ? 1 : 0
        do {
            while case .more = self.demand {
                let isDone: Bool = try withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) {
                    chunk throws(ContentDecodingError) in
                    let count = try decoder.next(into: chunk)
                    if count > 0 {
                        self.demand = self.receiver.received(UnsafeRawBufferPointer(rebasing: chunk[..<count]))
                    }
                    return count == 0
                }
                if isDone { break }
            }
        } catch {
            self.refusal = CurlError(.lost, error.message, isOfAnswer: true)
            return refused
        }
        switch self.demand {
        case .stop: return refused
        case .pause where decoder.hasMore:
            self.decodedAhead = max(self.decodedAhead, bytes.count)
            self.isHeldBack = true
            return Int(CURL_WRITEFUNC_PAUSE)
        case .more, .pause:
            self.decodedAhead = max(0, self.decodedAhead - bytes.count)
            return bytes.count
        }
    }

    /// One line of a head, with its line end; trailers come here too and are passed over.
    fileprivate func header(_ bytes: UnsafeRawBufferPointer) -> Int {
        self.lastArrival = .now
        guard !self.isHeadComplete else { return bytes.count }
        do {
            guard let head = try self.head.read(bytes) else { return bytes.count }
            return self.received(head) ? bytes.count : 0
        } catch {
            self.refusal = error
            return 0
        }
    }

    /// - Returns: false when the receiver wants no more.
    private func received(_ head: CurlHead) -> Bool {
        if self.request.redirects > 0, let location = CurlRedirect.location(of: head) {
            self.follow(location, status: head.status)
            return false
        }
        self.isHeadComplete = true
        self.demand = self.receiver.received(head)
        if case .stop = self.demand { return false }
        guard self.request.acceptsCodings else { return true }
        do {
            let fields = head.headers.filter { $0.name == "content-encoding" }.map(\.value)
            self.decoder = try ContentDecoder.make(for: fields.joined(separator: ","))
        } catch {
            self.refusal = CurlError(.lost, error.message, isOfAnswer: true)
            return false
        }
        return true
    }

    /// Prepares what a redirect asks for; its body is never read.
    private func follow(_ location: String, status: Int) {
        do {
            var next = try CurlRedirect.request(following: location, status: status, from: self.request)
            // The time is for all of them together.
            if let timeout = next.timeout { next.timeout = max(.milliseconds(1), timeout - self.began.duration(to: .now)) }
            self.successor = next
        } catch {
            self.refusal = error
        }
    }
}

// MARK: - Options

extension CurlExchange {
    private func setCallbacks() {
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

    private static func of(_ context: UnsafeMutableRawPointer?) -> CurlExchange {
        guard let context else { preconditionFailure("libcurl lost the context of a callback") }
        return Unmanaged<CurlExchange>.fromOpaque(context).takeUnretainedValue()
    }

    private func setPeer(_ request: CurlRequest) {
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
            // Else the system's folder of authorities would be trusted beside the file.
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

    private func setMessage(_ request: CurlRequest) {
        self.set(CURLOPT_URL, request.url, "the address")
        self.set(CURLOPT_PATH_AS_IS, 1)
        if let user = request.user {
            self.set(CURLOPT_USERNAME, user, "the user")
            self.set(CURLOPT_PASSWORD, request.password ?? "", "the password")
        }
        for header in request.headers {
            guard CurlRequest.isHeaderName(header.name), CurlRequest.isHeaderValue(header.value) else {
                self.refuse("a header named \(header.name.debugDescription.prefix(100)) holds what no header may")
                continue
            }
            // libcurl takes `Name:` as an order to leave its own header out, and `Name;` as a header without a value.
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

    private func addHeader(_ line: String) {
        guard let list = curl_slist_append(self.list, line) else { return self.check(CURLE_OUT_OF_MEMORY, "a header") }
        self.list = list
    }

    private func set(_ option: CURLoption, _ value: Int) {
        self.check(ccurl_set_long(self.easy, option, value), "option \(option.rawValue)")
    }

    /// - Parameter what: the value in a message; it may be a secret, or far too long to be shown.
    private func set(_ option: CURLoption, _ value: String, _ what: String? = nil) {
        let what = what ?? "option \(option.rawValue)"
        // libcurl would end it there without a word.
        guard !value.utf8.contains(0) else { return self.refuse("\(what) holds a NUL character") }
        self.check(ccurl_set_string(self.easy, option, value), what)
    }

    /// libcurl refuses texts of 8 MB and more, and has no memory for what only it knows.
    private func check(_ result: CURLcode, _ what: String) {
        if result != CURLE_OK { self.refuse("libcurl does not take \(what): \(String(cString: curl_easy_strerror(result)))") }
    }

    private func refuse(_ message: String) {
        self.refusal = self.refusal ?? CurlError(.request, message)
    }

    /// At least one, since libcurl takes zero as its own default.
    private static func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(min(seconds, 2_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}
