import CCurl

/// Why a transfer ended without a complete response.
package struct CurlError: Error, CustomStringConvertible {
    /// The kind of failure, as far as callers need it.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case refused, resolve, timedOut, tls, denied, lost, request, stopped, cancelled, other
        }

        private let value: Value

        /// The connection was refused, or no route exists.
        package static let refused = Code(value: .refused)
        /// The host's name has no address.
        package static let resolve = Code(value: .resolve)
        /// Connecting, the whole transfer or the silence of the peer took too long.
        package static let timedOut = Code(value: .timedOut)
        /// The TLS handshake failed, or the peer's certificate is not trusted, or a file of ours cannot be read.
        package static let tls = Code(value: .tls)
        /// A mail server refused user and password.
        package static let denied = Code(value: .denied)
        /// The connection broke before the response was complete.
        package static let lost = Code(value: .lost)
        /// The request itself cannot be made or leads nowhere: a malformed URL, too many redirects.
        package static let request = Code(value: .request)
        /// The receiver returned ``CurlDemand/stop``.
        package static let stopped = Code(value: .stopped)
        /// ``CurlTransfer/cancel()`` was called, or the task that waited was cancelled.
        package static let cancelled = Code(value: .cancelled)
        /// Anything else.
        package static let other = Code(value: .other)

        /// The code's name, for metrics and logs.
        package var description: String { self.value.rawValue }
    }

    /// What went wrong.
    package let code: Code
    /// One sentence without a final stop, libcurl's own where it has one; names host and port, never the query.
    package let message: String
    /// Whether the peer had the request and began to answer, with something that is no answer of HTTP or not all of one.
    ///
    /// False where the time was up.
    package let isOfAnswer: Bool
    /// Whether the peer was connected and the request went out, as far as libcurl knows.
    package let wasSent: Bool

    /// Makes an error from its parts.
    package init(_ code: Code, _ message: String, isOfAnswer: Bool = false, wasSent: Bool = false) {
        self.code = code
        self.message = message
        self.isOfAnswer = isOfAnswer
        self.wasSent = wasSent
    }

    /// The message.
    package var description: String { self.message }

    /// - Parameters:
    ///   - detail: the content of the error buffer; empty when libcurl wrote nothing.
    ///   - url: where the request went.
    ///   - wasSent: a request went out.
    ///   - hasStatus: whether the status of a final answer has arrived.
    init(_ result: CURLcode, detail: String, url: String, wasSent: Bool, hasStatus: Bool) {
        let isOfAnswer =
            switch result {
            case CURLE_OPERATION_TIMEDOUT: false
            // No valid status line; libcurl returns out of memory for a line that exceeds its limit.
            case CURLE_UNSUPPORTED_PROTOCOL, CURLE_WEIRD_SERVER_REPLY, CURLE_OUT_OF_MEMORY: wasSent
            default: hasStatus
            }
        let isTooLong = isOfAnswer && result == CURLE_OUT_OF_MEMORY
        let line = hasStatus ? "A header" : "The status line"
        let text = isTooLong ? "\(line) of the answer is too long" : String(cString: curl_easy_strerror(result))
        let words = detail.isEmpty || isTooLong ? text : detail
        let message = hasStatus ? words : CurlMistake.explained(words, result, url: url)
        self.init(Self.code(of: result), message, isOfAnswer: isOfAnswer, wasSent: wasSent)
    }

    private static func code(of result: CURLcode) -> Code {
        switch result {
        case CURLE_COULDNT_CONNECT: .refused
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_OPERATION_TIMEDOUT: .timedOut
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_USE_SSL_FAILED, CURLE_SSL_ENGINE_INITFAILED:
            .tls
        case CURLE_LOGIN_DENIED: .denied
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            .lost
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_TOO_MANY_REDIRECTS, CURLE_BAD_FUNCTION_ARGUMENT:
            .request
        default: .other
        }
    }
}
