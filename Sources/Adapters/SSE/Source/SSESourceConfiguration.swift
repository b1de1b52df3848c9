package import BridgeCore
package import Curl
import NIOCore

extension SSESource {
    /// The settings of an event stream that is read.
    package struct Configuration: ComponentConfiguration {
        /// The stream's address, `http` or `https`; required.
        package var url: String
        /// How the stream is asked for, any token (RFC 9110 §9.1); default `GET`.
        package var method: String
        /// Headers to send, by name; their values are never printed; default none.
        package var headers: [String: Secret]
        /// What is sent with every method but `GET`, as `application/json` unless `headers` say otherwise; default nothing.
        package var body: String?
        /// For Basic authentication; default none.
        package var user: String?
        package var password: Secret?
        /// For `Authorization: Bearer`; default none.
        package var token: Secret?
        package var tls: CurlTLS
        /// The proxy's URL; default none, whatever the environment says.
        package var proxy: Secret?
        /// A Unix domain socket to connect to in place of the URL's host; default none.
        package var unixSocket: String?
        /// The event types to take; default all but `cursor`, `gap`, `lagged` and `presence`, by which endpoints speak to clients.
        package var events: [String]?
        /// After how long a silence, comments included, the connection is given up; default 90 s.
        package var idleTimeout: Duration
        /// How long resolving, connecting and TLS may take together; default 10 s.
        package var connectTimeout: Duration
        /// Where to begin the first time, before there is a cursor; default: where the server begins.
        package var lastEventID: String?
        /// Whether the stream is resumed by `Last-Event-ID`, after a restart too; default true.
        package var resumes: Bool
        /// What the data of one event may hold; longer ones are passed over and told as a gap; default 16 MiB.
        package var maximumEvent: Int

        package enum CodingKeys: String, CodingKey, CaseIterable {
            case url, method, headers, body, user, password, token, tls, proxy, events
            case unixSocket = "unix_socket"
            case idleTimeout = "idle_timeout"
            case connectTimeout = "connect_timeout"
            case lastEventID = "last_event_id"
            case resumes = "resume"
            case maximumEvent = "max_event"
        }

        package init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            self.url = try container.required(.url)
            self.method = try container.value(.method, default: "GET")
            self.headers = try container.value(.headers, default: [:])
            self.body = try container.optional(.body)
            self.user = try container.optional(.user)
            self.password = try container.optional(.password)
            self.token = try container.optional(.token)
            self.tls = try container.value(.tls, default: CurlTLS())
            self.proxy = try container.optional(.proxy)
            self.events = try container.optional(.events)
            self.unixSocket = try container.optional(.unixSocket)
            self.idleTimeout = try container.duration(.idleTimeout, default: .seconds(90))
            self.connectTimeout = try container.duration(.connectTimeout, default: .seconds(10))
            self.lastEventID = try container.optional(.lastEventID)
            self.resumes = try container.value(.resumes, default: true)
            self.maximumEvent = try container.bytes(.maximumEvent, default: 16 << 20)
        }

        package func validate() throws {
            if let problem = CurlRequest.problem(withURL: self.url) {
                throw SettingError(path: [CodingKeys.url], "the address \(problem)")
            }
            for (name, value) in self.headers.sorted(by: { $0.key < $1.key }) { try Self.check(header: name, value) }
            let headers = self.headers.map { (name: $0.key, value: $0.value.value) }
            if let problem = CurlRequest.problem(withHeaders: headers) {
                throw SettingError(path: [CodingKeys.headers], "all together they \(problem)")
            }
            if let problem = Self.problem(withMethod: self.method) {
                throw SettingError(path: [CodingKeys.method], "'\(self.method)' \(problem)")
            }
            if self.body != nil, self.method == "GET" {
                throw SettingError(path: [CodingKeys.body], "GET sends no body; write method: POST beside it")
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
            if self.token != nil || self.user != nil, self.headers.keys.contains(where: { $0.lowercased() == "authorization" }) {
                throw SettingError(
                    path: [CodingKeys.headers],
                    "Authorization is set by \(self.token == nil ? "user" : "token"); leave one of them out"
                )
            }
            if let events, events.isEmpty {
                throw SettingError(path: [CodingKeys.events], "an empty list takes no event; leave it out to take all")
            }
            if let lastEventID, !SSEProgress.isUsable(lastEventID) {
                throw SettingError(path: [CodingKeys.lastEventID], "not a value that fits into a header of HTTP")
            }
            if self.lastEventID != nil, !self.resumes {
                throw SettingError(path: [CodingKeys.lastEventID], "nothing is resumed while resume is false")
            }
            for (key, duration) in [(CodingKeys.idleTimeout, self.idleTimeout), (.connectTimeout, self.connectTimeout)]
            where duration <= .zero {
                throw SettingError(path: [key], "must be longer than nothing")
            }
            if self.maximumEvent < 1 { throw SettingError(path: [CodingKeys.maximumEvent], "must be at least one byte") }
        }

        /// What keeps a method from asking for a stream, as half a sentence; `nil` when nothing does.
        private static func problem(withMethod method: String) -> String? {
            guard CurlRequest.isHeaderName(method), method.utf8.count <= 64 else {
                return "is not a method of HTTP; write one word such as GET, POST or QUERY"
            }
            // Methods are case-sensitive (RFC 9110 §9.1).
            let upper = method.uppercased()
            if method != upper, ["GET", "POST", "QUERY", "PUT", "PATCH", "DELETE", "REPORT", "OPTIONS", "HEAD"].contains(upper) {
                return "is not a method of HTTP, which are case-sensitive; write \(upper)"
            }
            if ["HEAD", "CONNECT", "TRACE"].contains(method) { return "brings no stream; write GET, POST or QUERY" }
            return nil
        }

        private static func check(header name: String, _ value: Secret) throws {
            guard CurlRequest.isHeaderName(name) else {
                throw SettingError(path: [CodingKeys.headers], "'\(name)' is not the name of a header")
            }
            guard CurlRequest.isHeaderValue(value.value) else {
                throw SettingError(
                    path: [CodingKeys.headers], "the value of \(name) holds control characters or begins or ends with a space"
                )
            }
            if name.lowercased() == "last-event-id" {
                throw SettingError(
                    path: [CodingKeys.headers], "Last-Event-ID is sent by itself; write last_event_id to set the first")
            }
            if name.lowercased() == "accept-encoding" {
                throw SettingError(path: [CodingKeys.headers], "Accept-Encoding is sent by itself, with what can be decoded")
            }
        }

        /// Which stream it is whose ids are kept: the address without what may change with every start, such as a key in the query.
        var stream: UInt64 {
            var hash = Fingerprint()
            hash.add(CurlRequest.printable(self.url))
            hash.add(self.unixSocket ?? "")
            return hash.value
        }

        /// The request for the stream.
        ///
        /// - Parameter lastEventID: where to go on; empty for where the server begins.
        func request(lastEventID: String) -> CurlRequest {
            var request = CurlRequest(
                self.url, method: self.method, user: self.user, password: self.password?.value, tls: self.tls,
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
