import CCurl
import NIOCore

/// How a mail becomes options of its easy handle.
extension CurlExchange {
    /// Makes libcurl give up the transfer when it works next, and ``end(_:wasSent:)`` report this error.
    func runOutOfTime(_ error: CurlError) {
        self.refusal = self.refusal ?? error
        self.set(CURLOPT_TIMEOUT_MS, 1)
    }

    func setMail(_ mail: CurlMail, _ request: CurlRequest) {
        self.set(CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        self.set(CURLOPT_URL, request.url, "the address")
        let isProbe = mail.recipients.isEmpty
        for address in isProbe ? [] : [mail.sender] + mail.recipients where !CurlMail.isAddress(address) {
            self.refuse("\(address.debugDescription.prefix(100)) is not a mail address")
        }
        if let user = request.user {
            self.set(CURLOPT_USERNAME, user, "the user")
            self.set(CURLOPT_PASSWORD, request.password ?? "", "the password")
        }
        let level =
            switch mail.startTLS {
            case .off: CURLUSESSL_NONE
            case .offered: CURLUSESSL_TRY
            case .required: CURLUSESSL_ALL
            }
        self.set(CURLOPT_USE_SSL, Int(level.rawValue))
        guard !isProbe else {
            // A command without a mail.
            self.set(CURLOPT_CUSTOMREQUEST, "NOOP", "the command")
            self.set(CURLOPT_NOBODY, 1)
            return
        }
        self.set(CURLOPT_MAIL_FROM, "<\(mail.sender)>", "the sender")
        for address in mail.recipients { self.addHeader("<\(address)>") }
        ccurl_set_list(self.easy, CURLOPT_MAIL_RCPT, self.list)
        self.check(ccurl_allow_refused_recipients(self.easy), "the recipients")
        self.set(CURLOPT_UPLOAD, 1)
        self.check(
            ccurl_set_size(self.easy, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.body?.readableBytes ?? 0)), "the body")
        ccurl_set_pointer(self.easy, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
        ccurl_set_write(self.easy, CURLOPT_READFUNCTION) { bytes, size, count, context in
            guard let bytes else { return 0 }
            return CurlExchange.of(context).read(into: UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
        }
    }
}
