import CCurl

/// Why a transfer ended without a complete response.
package struct CurlError: Error, CustomStringConvertible {
    /// What went wrong, as far as callers care.
    package struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case refused, resolve, timedOut, tls, lost, request, stopped, cancelled, other
        }

        private let value: Value

        /// Nobody listens there, or the way is blocked.
        package static let refused = Code(value: .refused)
        /// The host's name has no address.
        package static let resolve = Code(value: .resolve)
        /// Connecting, the whole transfer or the silence of the peer took too long.
        package static let timedOut = Code(value: .timedOut)
        /// The TLS handshake failed, or the peer's certificate is not trusted, or a file of ours cannot be read.
        package static let tls = Code(value: .tls)
        /// The connection broke before the response was complete.
        package static let lost = Code(value: .lost)
        /// The request itself cannot be made or leads nowhere: a malformed URL, too many redirects.
        package static let request = Code(value: .request)
        /// The receiver said ``CurlDemand/stop``.
        package static let stopped = Code(value: .stopped)
        /// ``CurlTransfer/cancel()`` was called, or the task that waited was cancelled.
        package static let cancelled = Code(value: .cancelled)
        /// Anything else.
        package static let other = Code(value: .other)

        package var description: String { self.value.rawValue }
    }

    package let code: Code
    /// One sentence without a final stop, libcurl's own where it has one; names host and port, never the query.
    package let message: String
    /// Whether the peer had the request and began to answer, with something that is no answer of HTTP or not all of one.
    ///
    /// False where the time was up.
    package let isOfAnswer: Bool
    /// Whether the peer was connected and the request went out, as far as libcurl knows.
    package let wasSent: Bool

    package init(_ code: Code, _ message: String, isOfAnswer: Bool = false, wasSent: Bool = false) {
        self.code = code
        self.message = message
        self.isOfAnswer = isOfAnswer
        self.wasSent = wasSent
    }

    package var description: String { self.message }

    /// - Parameters:
    ///   - detail: what the error buffer holds; empty when libcurl wrote nothing there.
    ///   - url: where the request went.
    ///   - wasSent: a request went out.
    ///   - hasStatus: the status of a final answer came in.
    init(_ result: CURLcode, detail: String, url: String, wasSent: Bool, hasStatus: Bool) {
        let isOfAnswer =
            switch result {
            case CURLE_OPERATION_TIMEDOUT: false
            // No status line, or one that cannot be; out of memory is what libcurl says of a line that is longer than it takes.
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
        case CURLE_GOT_NOTHING, CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_PARTIAL_FILE, CURLE_HTTP2, CURLE_HTTP2_STREAM:
            .lost
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_TOO_MANY_REDIRECTS, CURLE_BAD_FUNCTION_ARGUMENT:
            .request
        default: .other
        }
    }
}
