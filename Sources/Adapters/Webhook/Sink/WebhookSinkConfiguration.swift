package import BridgeCore
package import Curl

extension WebhookSink {
    /// The settings of an HTTP peer that is told of each event by one request.
    package struct Configuration: SinkConfiguration {
        package enum Method: String, Sendable, CaseIterable {
            case post = "POST"
            case put = "PUT"
            case patch = "PATCH"
            /// Sends no body: what the event says stands in the address or in headers.
            case get = "GET"
        }

        /// What the body is when there is no `body:`.
        package enum Format: String, Sendable, CaseIterable {
            /// The event in the model's own JSON.
            case json
            /// The upstream body as it arrived.
            case raw
        }

        /// How bodies are signed: `signature:` in the file.
        package struct Signature: Sendable, Decodable {
            /// Required.
            package var secret: Secret
            /// Default `X-Hub-Signature-256`.
            package var header: String
            /// Default `sha256`.
            package var algorithm: WebhookSignature.Algorithm
            /// What stands before the hexadecimal digits; default the algorithm's name and `=`.
            package var prefix: String?

            package enum CodingKeys: String, CodingKey, CaseIterable {
                case secret, header, algorithm, prefix
            }

            package init(from decoder: any Decoder) throws {
                let container = try decoder.mapping(CodingKeys.self)
                self.secret = try container.required(.secret)
                self.header = try container.value(.header, default: "X-Hub-Signature-256")
                self.algorithm = try container.choice(.algorithm, default: .sha256)
                self.prefix = try container.optional(.prefix)
                guard !self.secret.value.isEmpty else {
                    throw SettingError(path: decoder.codingPath + [CodingKeys.secret], "an empty secret protects nothing")
                }
                guard CurlRequest.isHeaderName(self.header) else {
                    throw SettingError(
                        path: decoder.codingPath + [CodingKeys.header], "'\(self.header)' is not the name of a header"
                    )
                }
                guard self.prefix.map(CurlRequest.isHeaderValue) ?? true else {
                    throw SettingError(path: decoder.codingPath + [CodingKeys.prefix], "cannot stand in a header")
                }
            }
        }

        /// Where to send, `http` or `https`; required.
        ///
        /// `{{ … }}` may stand behind the host only and is percent-encoded.
        package var url: Template
        /// Default `POST`.
        package var method: Method
        /// Headers to send, by name; default none.
        package var headers: [String: Template]
        /// Default `json`; excludes ``body``.
        package var format: Format?
        /// The body, made per event; excludes ``format``; default none.
        ///
        /// `{{ .message | tojson }}` makes a JSON string of a text.
        package var body: Template?
        /// A body of JSON, made per event; excludes ``format`` and ``body``; default none.
        ///
        /// Texts in it may be templates; whatever an event says, the body is valid JSON.
        package var json: JSONTemplate?
        /// Default by what the body is: JSON, the type the upstream body came with, or plain text.
        package var contentType: String?
        /// For `Authorization: Bearer`; default none.
        package var token: Secret?
        /// For Basic authentication; default none.
        package var user: String?
        package var password: Secret?
        package var tls: CurlTLS
        /// The proxy's URL; default none, whatever the environment says.
        package var proxy: Secret?
        /// A Unix domain socket to connect to in place of the URL's host; default none.
        package var unixSocket: String?
        /// How long one request may take in all; default 15 s.
        package var timeout: Duration
        /// The answers that count as success; default every 2xx.
        package var success: WebhookStatuses
        /// The answers after which an event is tried again, `retry.on`; default 408, 425, 429 and every 5xx.
        package var retriedStatuses: WebhookStatuses
        /// Whether the file sets `retry.for`.
        package var limitsTime: Bool
        /// How old a connection may be that is used again, so that changes of DNS are followed; default 5 m.
        package var connectionAge: Duration
        /// How many requests may be under way at once, 1 to 1000; default 1, which keeps the order; more do not.
        package var inFlight: Int
        /// Default none.
        package var signature: Signature?

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, method, headers, format, body, json, token, user, password, tls, proxy, timeout, success, signature
            case contentType = "content_type"
            case unixSocket = "unix_socket"
            case inFlight = "in_flight"
            case connectionAge = "max_connection_age"
        }

        /// What stands beside the adapter's own keys.
        private enum CommonKeys: String, CodingKey {
            case retry
        }

        private enum RetryKeys: String, CodingKey {
            case on
            case limit = "for"
        }

        package static let retryKeys = [RetryKeys.on.stringValue]

        package static let perRouteKeys: [CodingKeys] = [.url, .method, .headers, .format, .body, .json, .contentType]

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.url = try container.required(.url)
            self.method = try container.choice(.method, default: .post)
            self.headers = try container.value(.headers, default: [:])
            self.format = container.contains(.format) ? try container.choice(.format, default: .json) : nil
            self.body = try container.optional(.body)
            self.json = try container.optional(.json)
            self.contentType = try container.optional(.contentType)
            self.token = try container.optional(.token)
            self.user = try container.optional(.user)
            self.password = try container.optional(.password)
            self.tls = try container.value(.tls, default: CurlTLS())
            self.proxy = try container.optional(.proxy)
            self.unixSocket = try container.optional(.unixSocket)
            self.timeout = try container.duration(.timeout, default: .seconds(15))
            self.success = try container.value(.success, default: .success)
            self.inFlight = try container.integer(.inFlight, in: 1...1000, default: 1)
            self.signature = try container.optional(.signature)
            self.connectionAge = try container.duration(.connectionAge, default: .seconds(300))
            self.retriedStatuses = try Self.retriedStatuses(decoder)
            let common = try decoder.container(keyedBy: CommonKeys.self)
            let retry = try? common.nestedContainer(keyedBy: RetryKeys.self, forKey: .retry)
            self.limitsTime = retry?.contains(.limit) == true
        }

        private static func retriedStatuses(_ decoder: any Decoder) throws -> WebhookStatuses {
            let common = try decoder.container(keyedBy: CommonKeys.self)
            // What is wrong with the mapping itself is for the loader to say.
            guard let retry = try? common.nestedContainer(keyedBy: RetryKeys.self, forKey: .retry), retry.contains(.on) else {
                return WebhookRetryStatuses.standard
            }
            return try retry.decode(WebhookRetryStatuses.self, forKey: .on).statuses
        }

        package func validate() throws {
            try self.validateURL()
            try self.validateHeaders()
            if self.format != nil, self.body != nil {
                throw SettingError(path: [CodingKeys.format], "format and body exclude each other; body says all of it")
            }
            if self.json != nil, self.format != nil || self.body != nil {
                throw SettingError(
                    path: [CodingKeys.json], "json, body and format exclude each other; json says all of the body")
            }
            if self.method == .get {
                for (key, isSet) in [
                    (CodingKeys.format, self.format != nil), (.body, self.body != nil), (.json, self.json != nil),
                    (.contentType, self.contentType != nil),
                    (.signature, self.signature != nil),
                ] where isSet {
                    throw SettingError(path: [key], "GET sends no body; leave \(key.stringValue) out or write method: POST")
                }
            }
            if let contentType, !CurlRequest.isHeaderValue(contentType) || contentType.isEmpty {
                throw SettingError(
                    path: [CodingKeys.contentType], "'\(contentType)' is not a media type such as application/json")
            }
            if self.password != nil, self.user == nil {
                throw SettingError(path: [CodingKeys.password], "a password needs a user beside it")
            }
            if self.token != nil, self.user != nil {
                throw SettingError(path: [CodingKeys.token], "a token and a user exclude each other; one of them is sent")
            }
            if let token, token.value.isEmpty {
                throw SettingError(path: [CodingKeys.token], "the token is empty; leave it out to send none")
            }
            if let token, !CurlRequest.isHeaderValue(token.value) {
                throw SettingError(path: [CodingKeys.token], "the token holds control characters or begins or ends with a space")
            }
            if self.unixSocket?.isEmpty == true {
                throw SettingError(path: [CodingKeys.unixSocket], "is empty; write the path of a socket or leave it out")
            }
            if self.timeout <= .zero { throw SettingError(path: [CodingKeys.timeout], "must be longer than nothing") }
            if self.connectionAge < .seconds(1) {
                throw SettingError(path: [CodingKeys.connectionAge], "must be 1s or longer")
            }
            // The default statuses may well count as success.
            if self.retriedStatuses != WebhookRetryStatuses.standard, self.retriedStatuses.overlaps(self.success) {
                throw SettingError(
                    path: [CommonKeys.retry, RetryKeys.on],
                    "lists a status that is a success by success; leave it out of one of them")
            }
        }

        package var warnings: [SettingError] {
            [self.body?.jsonWarning(at: [CodingKeys.body])].compactMap { $0 }
        }

        private func validateURL() throws {
            let fixed = self.url.staticPrefix
            let isConstant = self.url.constant != nil
            // What stands behind the first braces is the file's own too, but inside them anything may stand.
            if let problem = CurlRequest.problem(withURL: self.url.constant ?? fixed) {
                throw SettingError(path: [CodingKeys.url], "the address \(problem)")
            }
            guard !isConstant, let scheme = fixed.firstRange(of: "://") else { return }
            guard fixed[scheme.upperBound...].contains(where: { $0 == "/" || $0 == "?" }) else {
                throw SettingError(
                    path: [CodingKeys.url],
                    "'{{' may stand only behind the host and a '/', so that no event can choose where it is sent"
                )
            }
        }

        private func validateHeaders() throws {
            let ours = ["content-length", "transfer-encoding", "host", "connection"]
            for (name, value) in self.headers.sorted(by: { $0.key < $1.key }) {
                guard CurlRequest.isHeaderName(name) else {
                    throw SettingError(path: [CodingKeys.headers], "'\(name)' is not the name of a header")
                }
                if name.lowercased() == "authorization", self.token != nil || self.user != nil {
                    throw SettingError(
                        path: [CodingKeys.headers],
                        "\(name) is set by \(self.token == nil ? "user" : "token"); leave one of them out")
                }
                if ours.contains(name.lowercased()) {
                    throw SettingError(path: [CodingKeys.headers], "\(name) is set by HTTP itself")
                }
                if let constant = value.constant, !CurlRequest.isHeaderValue(constant) {
                    throw SettingError(
                        path: [CodingKeys.headers], "the value of \(name) holds control characters or begins or ends with a space"
                    )
                }
            }
            let constant = self.headers.compactMap { name, value in value.constant.map { (name: name, value: $0) } }
            let token = self.token.map { [(name: "Authorization", value: $0.value)] } ?? []
            if let problem = CurlRequest.problem(withHeaders: constant + token) {
                throw SettingError(path: [CodingKeys.headers], "all together they \(problem)")
            }
        }
    }
}
