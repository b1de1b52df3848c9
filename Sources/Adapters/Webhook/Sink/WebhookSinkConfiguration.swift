package import BridgeCore
import Curl

extension WebhookSink {
    /// The settings of the sink.
    package struct Configuration: SinkConfiguration {
        /// The method of a request (RFC 9110 §9.3).
        package enum Method: String, Sendable, CaseIterable {
            case post = "POST"
            case put = "PUT"
            case patch = "PATCH"
            /// Sends no body: the address or headers carry the event.
            case get = "GET"
        }

        /// The body without `body:`.
        package enum Format: String, Sendable, CaseIterable {
            /// The event in the model's own JSON.
            case json
            /// The upstream body as it arrived.
            case raw
        }

        /// The URL to send to, `http` or `https`.
        ///
        /// `{{ … }}` is allowed only after the host, and is percent-encoded.
        package var url = Template()
        /// The method of the requests.
        package var method = Method.post
        /// Headers to send, by name.
        package var headers: [String: TextTemplate] = [:]
        /// `nil` means ``Format/json`` unless there is a ``body`` or ``json``.
        package var format: Format?
        /// The body, made per event.
        ///
        /// `{{ .message | tojson }}` makes a JSON string of a text.
        package var body: TextTemplate?
        /// A body of JSON, made per event.
        ///
        /// Its texts may be templates; the body is valid JSON for every event.
        package var json: JSONTemplate?
        /// `nil` means the type of the body: JSON, the type of the upstream body, or plain text.
        package var contentType: String?
        /// For `Authorization: Bearer`.
        package var token: Secret?
        /// For Basic authentication.
        package var user: String?
        /// The password of ``user``.
        package var password: Secret?
        /// How a server is reached with `https`.
        package var tls = TLSSettings()
        /// The proxy's URL; `nil` uses none and ignores the environment.
        package var proxy: Secret?
        /// A Unix domain socket to connect to in place of the URL's host.
        package var unixSocket: String?
        /// The longest time for one whole request.
        package var timeout = Duration.seconds(15)
        /// The answers that count as success.
        package var success = WebhookSuccess.standard
        /// The statuses after which an event is retried.
        package var retriedStatuses = WebhookRetryStatuses.standard
        /// Where an answer says how long to wait, in seconds; `nil` reads only `Retry-After`.
        package var waitPath: EventPath?
        /// Whether the file sets `retry.for`.
        package var limitsTime = false
        /// How old a connection may be that is used again, so that changes of DNS are followed.
        package var connectionAge = Duration.seconds(300)
        /// How many requests may be in flight; more than one does not keep the order.
        package var inFlight = 1
        /// How bodies are signed; `nil` signs none.
        package var signature: WebhookSignatureSettings?

        /// The keys of a webhook sink; a route can override the request, not the connection.
        package static let settings = Settings<Self> {
            Setting(
                required: "url", \.url, .template,
                "URL to send to, with http:// or https://; templates are allowed after the host"
            ).example("https://example.com/hook").perRoute()
            Setting("method", \.method, .choice, "Method of the requests; GET sends no body").perRoute()
            Setting(
                "headers", \.headers, .mapping(of: .headerText), "Headers to send; one whose template has no value is left out"
            ).example("{ X-Title: '{{ .title }}' }")
                .perRoute()
            Setting(
                "format", \.format, .choice, default: "json",
                "What a body holds: the event's JSON, or the body as it arrived"
            ).excluding("body", else: "format and body exclude each other; leave one out").perRoute()
            Setting("body", \.body, .headerText, "The text of a body, or a value such as { from: .message, limit_bytes: 4096 }")
                .example("'{{ .message }}'")
                .perRoute()
            Setting("json", \.json, .json, "The structure of a body, which is always valid JSON").example(
                "{ text: '{{ .message }}' }"
            )
            .excluding("body", "format", else: "json, body and format exclude each other; json is the whole body").perRoute()
            Setting(
                "content_type", \.contentType,
                .text.checked { type in
                    CurlRequest.isHeaderValue(type) && !type.isEmpty
                        ? nil : "'\(type)' is not a media type such as application/json"
                },
                default: "the type of the body", "Content-Type of the requests"
            ).example("text/plain").perRoute()
            Setting(
                "token", \.token,
                .secret.checked { token in
                    if token.value.isEmpty { return "the token is empty; leave it out to send none" }
                    return CurlRequest.isHeaderValue(token.value)
                        ? nil : "the token holds control characters or begins or ends with a space"
                },
                "Bearer token to send"
            ).excluding("user", else: "token and user exclude each other; leave one out")
            Setting("user", \.user, .text, "User of Basic authentication").example("bridge")
            Setting("password", \.password, .secret, "Password of Basic authentication")
                .needing("user", else: "a password needs a user; set user")
            Setting("tls", \.tls, .group, "How a server is reached with https://")
            Setting("proxy", \.proxy, .secret, "URL of a proxy")
            Setting(
                "unix_socket", \.unixSocket,
                .path.checked { $0.isEmpty ? "is empty; write the path of a socket or leave it out" : nil },
                "Unix domain socket to connect to in place of the URL's host")
            Setting("timeout", \.timeout, .duration(in: .milliseconds(1)...), "How long one request may take")
            Setting(
                "success", \.success, .success,
                "Answers that confirm an event: statuses, or where the answer says so, such as .ok"
            ).example("[200, 202]")
            Setting("signature", \.signature, .group, "How bodies are signed")
            Setting(
                "in_flight", \.inFlight, .integer(in: 1...1000),
                "Requests in flight; more than one does not keep the order")
            Setting(
                "max_connection_age", \.connectionAge, .duration(in: .seconds(1)...),
                "Age after which a connection is not reused, so that DNS changes take effect")
        }

        /// The keys of `retry` that the sink reads itself.
        package static let retrySettings = Settings<Self> {
            Setting(
                "on", \.retriedStatuses,
                SettingCodec<WebhookRetryStatuses>.value(.list(.text("status, range or class"))).map(
                    write: { _ in "408, 425, 429, 5xx" }, \.statuses),
                "Answers after which an event is retried"
            ).example("[429, 5xx]")
            Setting(
                "after", \.waitPath, .answerPath,
                "Where an answer says after how many seconds to retry, such as .parameters.retry_after; Retry-After counts anyway"
            ).example(".retry_after")
            // The loader reads the duration; here its presence counts.
            Setting(
                "for", \.limitsTime, SettingCodec(.duration(.milliseconds(1) ... .longest)) { _ in true },
                "How long an event is retried after its first refusal")
        }

        /// What the sink reads in the body of an answer.
        var answerReading: WebhookAnswerReading { WebhookAnswerReading(success: self.success.path, wait: self.waitPath) }

        /// Makes settings in which every key has its default; required ones are empty.
        package init() {}

        /// The credentials, the values of headers, path and query, and values of the environment in the body.
        package var secrets: SecretTexts {
            var secrets = SecretTexts()
            secrets.add(url: self.url.literals.joined(separator: " "), hidesPath: true)
            secrets.add(self.token)
            secrets.add(user: self.user, password: self.password)
            secrets.add(url: self.proxy?.value ?? "")
            secrets.add(self.signature?.secret)
            for (name, value) in self.headers {
                for literal in value.literals { secrets.add(header: name, literal) }
                secrets.add(sent: value.text)
            }
            secrets.add(sent: self.body?.text)
            for text in self.json?.texts ?? [] { secrets.add(sent: text) }
            return secrets
        }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            try self.validateURL()
            try self.validateHeaders()
            if self.method == .get {
                for (key, isSet) in [
                    ("format", self.format != nil), ("body", self.body != nil), ("json", self.json != nil),
                    ("content_type", self.contentType != nil), ("signature", self.signature != nil),
                ] where isSet {
                    throw SettingError(at: key, because: "GET sends no body; leave \(key) out or write method: POST")
                }
            }
            // The default statuses may well count as success.
            if self.retriedStatuses != WebhookRetryStatuses.standard, self.retriedStatuses.overlaps(self.success.statuses) {
                throw SettingError(
                    at: "retry", "on", because: "lists a status that success lists too; remove it from one of them")
            }
        }

        /// A template within a JSON string of `body`.
        package var warnings: [SettingError] {
            [self.body?.jsonWarning(at: [SettingKey("body")])].compactMap { $0 }
        }

        private func validateURL() throws {
            let fixed = self.url.staticPrefix
            let isConstant = self.url.constant != nil
            // The text after the first braces is part of the file too, but inside them anything is allowed.
            if let problem = CurlRequest.problem(withURL: self.url.constant ?? fixed) {
                throw SettingError(at: "url", because: "the address \(problem)")
            }
            guard !isConstant, let scheme = fixed.firstRange(of: "://") else { return }
            guard fixed[scheme.upperBound...].contains(where: { $0 == "/" || $0 == "?" }) else {
                throw SettingError(
                    at: "url",
                    because: "'{{' is allowed only after the host and a '/', so that no event can choose the receiver"
                )
            }
        }

        private func validateHeaders() throws {
            let ours = ["content-length", "transfer-encoding", "host", "connection"]
            for (name, value) in self.headers.sorted(by: { $0.key < $1.key }) {
                let path: [any CodingKey] = [SettingKey("headers"), SettingKey(name)]
                guard CurlRequest.isHeaderName(name) else {
                    throw SettingError(path: path, "'\(name)' is not the name of a header; write a name such as X-Token")
                }
                if name.lowercased() == "authorization", self.token != nil || self.user != nil {
                    throw SettingError(
                        path: path,
                        "\(name) is set by \(self.token == nil ? "user" : "token"); leave one of them out")
                }
                if ours.contains(name.lowercased()) {
                    throw SettingError(path: path, "\(name) is set automatically; leave it out")
                }
                if let constant = value.constant, !CurlRequest.isHeaderValue(constant) {
                    throw SettingError(
                        path: path, "the value of \(name) holds control characters or begins or ends with a space"
                    )
                }
            }
            let constant = self.headers.compactMap { name, value in value.constant.map { (name: name, value: $0) } }
            let token = self.token.map { [(name: "Authorization", value: $0.value)] } ?? []
            if let problem = CurlRequest.problem(withHeaders: constant + token) {
                throw SettingError(at: "headers", because: "all together they \(problem)")
            }
        }
    }
}
