import CCurl
import Compression
import NIOCore

/// One transfer on the curl thread: its easy handle, its receiver, and the callbacks of libcurl.
final class CurlExchange {
    let id: UInt64
    let easy: UnsafeMutableRawPointer
    let receiver: any CurlReceiver
    /// The request that follows the answer's redirect, to be made once this transfer is removed from libcurl.
    private(set) var successor: CurlRequest?
    private let request: CurlRequest
    private let idleTimeout: Duration?
    private let began: ContinuousClock.Instant
    private var demand = CurlDemand.more
    /// Whether ``wrote(_:)`` has paused libcurl.
    private var isHeldBack = false
    private var lastArrival: ContinuousClock.Instant
    private var head = CurlHeadReader()
    private var isHeadComplete = false
    /// Decodes the body; `nil` for one that is not encoded.
    private var decoder: ContentDecoder?
    /// How many bytes at the head of libcurl's next call the decoder has already: those of a call that ended with a pause.
    private var decodedAhead = 0
    /// Why libcurl cannot be given this request, which then is ended instead of begun, or why its answer is not taken.
    var refusal: CurlError?
    var list: UnsafeMutablePointer<curl_slist>?
    let detail: UnsafeMutablePointer<CChar>
    /// How many bytes of a mail libcurl has read.
    private var readCount = 0

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
        if let mail = request.mail { self.setMail(mail, request) } else { self.setMessage(request) }
    }

    deinit {
        curl_slist_free_all(self.list)
        self.detail.deallocate()
    }

    /// Whether the request is a mail, or a command to a mail server.
    var isMail: Bool { self.request.mail != nil }

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
            // Delivers held data before it returns. A failure shows as the transfer's result.
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

    /// Receives a part of the body.
    ///
    /// Any result but the count ends or pauses the transfer.
    func wrote(_ bytes: UnsafeRawBufferPointer) -> Int {
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

    /// Decodes a part of the body as far as the receiver wants it; libcurl delivers the rest again.
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

    /// Passes the next part of a mail to libcurl.
    ///
    /// - Returns: how many bytes; 0 at the end.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        guard let body = self.request.body else { return 0 }
        let count = min(room.count, body.readableBytes - self.readCount)
        guard count > 0 else { return 0 }
        body.withUnsafeReadableBytes { bytes in
            room.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[self.readCount..<(self.readCount + count)]))
        }
        self.readCount += count
        return count
    }

    /// One line of a head, with its line end; trailers arrive here too and are skipped.
    func header(_ bytes: UnsafeRawBufferPointer) -> Int {
        self.lastArrival = .now
        if self.isMail {
            self.demand = self.receiver.received(bytes)
            if case .stop = self.demand { return 0 }
            return bytes.count
        }
        guard !self.isHeadComplete else { return bytes.count }
        do {
            guard let head = try self.head.read(bytes) else { return bytes.count }
            return self.received(head) ? bytes.count : 0
        } catch {
            self.refusal = error
            return 0
        }
    }

    /// - Returns: false when the receiver stops the transfer.
    private func received(_ head: CurlHead) -> Bool {
        if self.request.redirects > 0, let location = CurlRedirect.location(of: head) {
            self.follow(location, status: head.status)
            return false
        }
        let problem = self.request.acceptsCodings ? self.prepareDecoder(for: head) : nil
        // A success whose body cannot be decoded is a failure, which the receiver never sees.
        if let problem, head.status == 200 {
            self.refusal = problem
            return false
        }
        self.isHeadComplete = true
        self.demand = self.receiver.received(head)
        if case .stop = self.demand { return false }
        self.refusal = problem
        return problem == nil
    }

    /// Prepares to decode the body.
    ///
    /// - Returns: why the body cannot be decoded; `nil` if it can.
    private func prepareDecoder(for head: CurlHead) -> CurlError? {
        do {
            let fields = head.headers.filter { $0.name == "content-encoding" }.map(\.value)
            self.decoder = try ContentDecoder.make(for: fields.joined(separator: ","))
            return nil
        } catch {
            return CurlError(.lost, error.message, isOfAnswer: true)
        }
    }

    /// Prepares the request that follows a redirect; the redirect's body is never read.
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
