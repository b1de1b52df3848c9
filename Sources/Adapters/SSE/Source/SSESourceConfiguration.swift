package import BridgeCore
import Curl
import NIOCore

extension SSESource {
    /// The settings of an event stream that is read.
    package struct Configuration: ComponentConfiguration {
        /// The stream's address, `http` or `https`.
        package var url = ""
        /// The method of the request, any token (RFC 9110 §9.1).
        package var method = "GET"
        /// Headers to send, by name; their values are never printed.
        package var headers: [String: Secret] = [:]
        /// The body for every method but `GET`, as `application/json` unless `headers` say otherwise.
        package var body: String?
        /// For Basic authentication.
        package var user: String?
        /// The password of ``user``.
        package var password: Secret?
        /// For `Authorization: Bearer`.
        package var token: Secret?
        /// How a server is reached with `https`.
        package var tls = TLSSettings()
        /// The proxy's URL; `nil` uses none and ignores the environment.
        package var proxy: Secret?
        /// A Unix domain socket to connect to in place of the URL's host.
        package var unixSocket: String?
        /// The event types to receive; `nil` for all but `cursor`, `gap`, `lagged` and `presence`, the control messages
        /// of endpoints.
        package var events: [String]?
        /// The longest silence, comments included, before the connection is dropped.
        package var idleTimeout = Duration.seconds(90)
        /// How long resolving, connecting and TLS may take together.
        package var connectTimeout = Duration.seconds(10)
        /// Where to begin without a cursor; `nil` for where the server begins.
        package var lastEventID: String?
        /// Whether the stream is resumed by `Last-Event-ID`, after a restart too.
        package var resumes = true
        /// The largest data of one event; longer ones are skipped and reported as a gap.
        package var maximumEvent = 16 << 20

        /// The keys of an SSE source.
        package static let settings = Settings<Self> {
            Setting(
                required: "url", \.url,
                .text("URL").checked { url in CurlRequest.problem(withURL: url).map { "the address \($0)" } },
                "URL of the stream, with http:// or https://"
            ).example("https://example.com/events")
            Setting(
                "method", \.method,
                .text.checked { method in Self.problem(withMethod: method).map { "'\(method)' \($0)" } },
                "Method of the request"
            ).example("POST")
            Setting("headers", \.headers, .mapping(of: .secret), "Headers to send").example("{ X-Key: '${env:KEY}' }")
            Setting("body", \.body, .text, "Body of the request, which GET does not have").example("'{}'")
            Setting("user", \.user, .text, "User of Basic authentication").example("bridge")
            Setting("password", \.password, .secret, "Password of Basic authentication")
                .needing("user", else: "a password needs a user; set user")
            Setting(
                "token", \.token,
                .secret.checked { token in
                    if token.value.isEmpty { return "the token is empty; leave it out to send none" }
                    return CurlRequest.isHeaderValue(token.value)
                        ? nil : "the token holds control characters or begins or ends with a space"
                },
                "Bearer token to send"
            ).excluding("user", else: "token and user exclude each other; leave one out")
            Setting("tls", \.tls, .group, "How a server is reached with https://")
            Setting("proxy", \.proxy, .secret, "URL of a proxy")
            Setting(
                "events", \.events,
                .list(of: .text).checked { $0.isEmpty ? "an empty list accepts no event; leave it out to accept all" : nil },
                default: "all but cursor, gap, lagged and presence", "Types of events to receive")
            Setting(
                "unix_socket", \.unixSocket,
                .path.checked { $0.isEmpty ? "is empty; write the path of a socket or leave it out" : nil },
                "Unix domain socket to connect to in place of the URL's host")
            Setting(
                "idle_timeout", \.idleTimeout, .duration(in: .milliseconds(1)...),
                "Silence, without events and comments, after which the connection is dropped")
            Setting(
                "connect_timeout", \.connectTimeout, .duration(in: .milliseconds(1)...),
                "How long resolving, connecting and TLS may take together")
            Setting(
                "last_event_id", \.lastEventID,
                .text.checked { SSEProgress.isUsable($0) ? nil : "not a value that fits into a header of HTTP" },
                "Event after which reading begins the first time"
            ).example("'0'")
            Setting("resume", \.resumes, .flag, "Whether reading resumes after the last event")
            Setting("max_event", \.maximumEvent, .bytes(in: 1...), "Size above which an event is skipped and reported as a gap")
        }

        /// Makes settings in which every key has its default; required ones are empty.
        package init() {}

        /// The credentials, the values of headers and query, and values of the environment in ``body``.
        package var secrets: SecretTexts {
            var secrets = SecretTexts()
            secrets.add(url: self.url)
            secrets.add(self.token)
            secrets.add(user: self.user, password: self.password)
            secrets.add(url: self.proxy?.value ?? "")
            for (name, value) in self.headers { secrets.add(header: name, value.value) }
            secrets.add(sent: self.body)
            return secrets
        }

        /// Validates the settings together.
        ///
        /// - Throws: ``SettingError`` with the key and the remedy.
        package func validate() throws {
            for (name, value) in self.headers.sorted(by: { $0.key < $1.key }) { try Self.check(header: name, value) }
            let headers = self.headers.map { (name: $0.key, value: $0.value.value) }
            if let problem = CurlRequest.problem(withHeaders: headers) {
                throw SettingError(at: "headers", because: "all together they \(problem)")
            }
            if self.body != nil, self.method == "GET" {
                throw SettingError(at: "body", because: "GET sends no body; add method: POST")
            }
            if self.token != nil || self.user != nil,
                let name = self.headers.keys.first(where: { $0.lowercased() == "authorization" })
            {
                throw SettingError(
                    at: "headers", name,
                    because: "Authorization is set by \(self.token == nil ? "user" : "token"); leave one of them out")
            }
            if self.lastEventID != nil, !self.resumes {
                throw SettingError(at: "last_event_id", because: "has no effect while resume is false")
            }
        }

        /// Why a method cannot request a stream, as half a sentence; `nil` when it can.
        private static func problem(withMethod method: String) -> String? {
            guard CurlRequest.isHeaderName(method), method.utf8.count <= 64 else {
                return "is not a method of HTTP; write one word such as GET, POST or QUERY"
            }
            // Methods are case-sensitive (RFC 9110 §9.1).
            let upper = method.uppercased()
            if method != upper, ["GET", "POST", "QUERY", "PUT", "PATCH", "DELETE", "REPORT", "OPTIONS", "HEAD"].contains(upper) {
                return "is not a method of HTTP, which are case-sensitive; write \(upper)"
            }
            if ["HEAD", "CONNECT", "TRACE"].contains(method) { return "returns no stream; write GET, POST or QUERY" }
            return nil
        }

        private static func check(header name: String, _ value: Secret) throws {
            let path: [any CodingKey] = [SettingKey("headers"), SettingKey(name)]
            guard CurlRequest.isHeaderName(name) else {
                throw SettingError(path: path, "'\(name)' is not the name of a header; write a name such as X-Token")
            }
            guard CurlRequest.isHeaderValue(value.value) else {
                throw SettingError(
                    path: path, "the value of \(name) holds control characters or begins or ends with a space"
                )
            }
            if name.lowercased() == "last-event-id" {
                throw SettingError(
                    path: path, "Last-Event-ID is sent automatically; use last_event_id to set the first")
            }
            if name.lowercased() == "accept-encoding" {
                throw SettingError(path: path, "Accept-Encoding is sent automatically; leave it out")
            }
        }

        /// Identifies the stream of the stored ids: the address without parts that may change with every start, such as
        /// a key in the query.
        var stream: UInt64 {
            var hash = Fingerprint()
            hash.add(CurlRequest.printable(self.url))
            hash.add(self.unixSocket ?? "")
            return hash.value
        }

        /// The request for the stream.
        ///
        /// - Parameter lastEventID: the id to resume after; empty to begin where the server begins.
        func request(lastEventID: String) -> CurlRequest {
            var request = CurlRequest(
                self.url, method: self.method, user: self.user, password: self.password?.value, tls: self.tls.curl,
                connectTimeout: self.connectTimeout, idleTimeout: self.idleTimeout, redirects: 5, acceptsCodings: true,
                unixSocket: self.unixSocket, proxy: self.proxy?.value
            )
            var headers: [(name: String, value: String)] = [
                ("Accept", "text/event-stream"), ("Cache-Control", "no-cache"), ("User-Agent", "streambridge"),
            ]
            if let body {
                request.body = .init(string: body)
                headers.append(("Content-Type", "application/json"))
            }
            if let token { headers.append(("Authorization", "Bearer \(token.value)")) }
            headers.removeAll { header in self.headers.keys.contains { $0.lowercased() == header.name.lowercased() } }
            headers += self.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value.value) }
            if !lastEventID.isEmpty { headers.append(("Last-Event-ID", lastEventID)) }
            request.headers = headers
            return request
        }
    }
}

extension TLSSettings {
    /// The same for libcurl.
    fileprivate var curl: CurlTLS {
        CurlTLS(authorities: self.authorities, certificate: self.certificate, key: self.key, isInsecure: self.isInsecure)
    }
}
