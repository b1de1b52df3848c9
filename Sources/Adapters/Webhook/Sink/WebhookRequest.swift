import BridgeCore
import Curl
import NIOCore

/// Makes the requests of one variant of a sink's settings.
///
/// Immutable; what no event can change is made once.
struct WebhookRequest: Sendable {
    private let configuration: WebhookSink.Configuration
    private let signature: WebhookSignature?
    private let fixedHeaders: [CurlRequest.Header]
    private let madeHeaders: [(name: String, template: TextTemplate)]
    private let contentType: String?

    private let headerFailures: OmissionReport

    init(_ configuration: WebhookSink.Configuration, headerFailures: OmissionReport) {
        self.configuration = configuration
        self.headerFailures = headerFailures
        self.signature = configuration.signature.map {
            WebhookSignature(secret: $0.secret, algorithm: $0.algorithm, encoding: $0.encoding, prefix: $0.prefix)
        }
        let own = configuration.headers.sorted { $0.key < $1.key }
        self.fixedHeaders = Self.fixedHeaders(configuration)
        self.madeHeaders = own.compactMap { name, template in template.constant == nil ? (name, template) : nil }
        if configuration.method == .get || own.contains(where: { $0.key.lowercased() == "content-type" }) {
            self.contentType = nil
        } else if let contentType = configuration.contentType {
            self.contentType = contentType
        } else if configuration.json != nil {
            self.contentType = "application/json"
        } else if let body = configuration.body {
            let first = body.text.first { !$0.isWhitespace }
            let isJSON = first == "[" || first == "{" && !body.text.drop(while: \.isWhitespace).hasPrefix("{{")
            self.contentType = isJSON ? "application/json" : "text/plain; charset=utf-8"
        } else {
            self.contentType = configuration.format == .raw ? nil : "application/json"
        }
    }

    /// The headers that no event can change, with the credentials among them.
    static func fixedHeaders(_ configuration: WebhookSink.Configuration) -> [CurlRequest.Header] {
        let own = configuration.headers.sorted { $0.key < $1.key }
        var headers: [CurlRequest.Header] = [("User-Agent", "streambridge")]
        if let token = configuration.token { headers.append(("Authorization", "Bearer \(token.value)")) }
        headers.removeAll { header in own.contains { $0.key.lowercased() == header.name.lowercased() } }
        for (name, template) in own {
            if let constant = template.constant { headers.append((name, constant)) }
        }
        return headers
    }

    /// The request for one delivery.
    ///
    /// - Throws: ``WebhookRefusal`` for an event of which no request can be made.
    func request(for delivery: Delivery, _ reader: EventReader) throws(WebhookRefusal) -> CurlRequest {
        let event = delivery.event
        let configuration = self.configuration
        reader.load(event)
        var request = CurlRequest(
            try self.url(reader), method: configuration.method.rawValue, headers: self.fixedHeaders,
            user: configuration.user, password: configuration.password?.value, tls: configuration.tls.curl,
            connectTimeout: configuration.timeout, timeout: configuration.timeout, unixSocket: configuration.unixSocket,
            proxy: configuration.proxy?.value, connectionAge: configuration.connectionAge
        )
        for (name, template) in self.madeHeaders {
            do {
                guard let value = try template.renderOptional(reader, escape: Self.headerText) else { continue }
                request.headers.append((name, Self.headerText(value)))
            } catch {
                // A request without it is worth more than none.
                self.headerFailures.note(name, event, error)
            }
        }
        self.addPassage(of: delivery, to: &request)
        if configuration.method != .get { try self.addBody(of: event, reader, to: &request) }
        // libcurl would fail at every attempt, and no later event would get past this one.
        if let problem = CurlRequest.problem(withHeaders: request.headers) {
            throw WebhookRefusal("the headers of this event \(problem)")
        }
        return request
    }

    /// The remedy for an answer that is independent of the event.
    ///
    /// - Returns: `nil` for an answer that the event may have caused, by its content or its own address or credentials.
    func remedy(for head: CurlHead) -> String? {
        switch head.status {
        case 401, 403: return self.hasOwnCredentials ? "check token, user, password and headers" : nil
        case 407: return "check user and password in proxy"
        default:
            guard self.configuration.url.constant != nil, head.isRedirect, let location = head["location"] else { return nil }
            return "it points to \(CurlRequest.printable(location)); write that address in url"
        }
    }

    /// Whether the file alone decides who the sink is for the peer, although the event may decide the rest of the address.
    private var hasOwnCredentials: Bool {
        let configuration = self.configuration
        guard !self.madeHeaders.contains(where: { Self.isCredential($0.name) }) else { return false }
        return configuration.url.constant != nil || configuration.token != nil || configuration.user != nil
            || configuration.signature != nil || self.fixedHeaders.contains { Self.isCredential($0.name) }
    }

    /// Whether a header proves who the sender is, by its name.
    static func isCredential(_ name: String) -> Bool {
        let name = name.lowercased()
        if ["idempotency-key", "x-event-key"].contains(name) { return false }
        return name == "cookie" || name.hasPrefix("x-auth-") || name.hasSuffix("-key")
            || ["authorization", "token", "secret", "apikey"].contains { name.contains($0) }
    }

    /// The body, and the headers that describe it.
    private func addBody(of event: Event, _ reader: EventReader, to request: inout CurlRequest) throws(WebhookRefusal) {
        let body = try self.body(reader, event)
        request.body = body
        if let contentType = self.contentType {
            request.headers.append(("Content-Type", contentType))
        } else if self.configuration.format == .raw, !request.has("Content-Type") {
            let upstream = Self.headerText(event.attributes["content-type"] ?? "")
            request.headers.append(("Content-Type", upstream.isEmpty ? "application/octet-stream" : upstream))
        }
        if let signature, let header = self.configuration.signature?.header {
            request.headers.removeAll { $0.name.lowercased() == header.lowercased() }
            request.headers.append((header, signature.sign(body)))
        }
    }

    /// Headers by which the peer recognises duplicates and loops, unless the file sets them.
    private func addPassage(of delivery: Delivery, to request: inout CurlRequest) {
        if !request.has("Idempotency-Key") { request.headers.append(("Idempotency-Key", delivery.idempotencyKey)) }
        for (name, value) in delivery.event.provenance.attributes where !request.has(name) {
            request.headers.append((name, Self.headerText(value)))
        }
    }

    private func body(_ reader: EventReader, _ event: Event) throws(WebhookRefusal) -> ByteBuffer {
        do {
            if let json = self.configuration.json { return try json.render(reader) }
            if let body = self.configuration.body {
                return ByteBuffer(string: try body.renderOptional(reader, escape: { $0 }) ?? "")
            }
        } catch {
            throw WebhookRefusal("the body cannot be rendered: \(error)")
        }
        return self.configuration.format == .raw ? event.raw : event.json
    }

    private func url(_ reader: EventReader) throws(WebhookRefusal) -> String {
        let template = self.configuration.url
        if let constant = template.constant { return constant }
        let url: String
        do {
            url = try template.renderAddress(reader, escape: Self.percentEncoded)
        } catch {
            // Without the path, which is a secret of many webhooks.
            throw WebhookRefusal("the address cannot be rendered: \(error)")
        }
        if let problem = CurlRequest.problem(withURL: url) { throw WebhookRefusal("the address of this event \(problem)") }
        // Servers fold `/../` away, and some do so after decoding: the event would choose the path.
        let path = url.prefix { $0 != "?" }
        guard !path.split(separator: "/").contains(where: { $0 == "." || $0 == ".." }) else {
            throw WebhookRefusal("the address of this event would leave its path by '.' or '..'")
        }
        return url
    }

    /// A part of a path or query: all but RFC 3986's unreserved characters as %XX.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                result.append(byte)
            default:
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// A text as a header's value: without control characters, and without white space at its ends.
    static func headerText(_ text: String) -> String {
        var scalars = text.unicodeScalars.filter { ($0.value >= 32 && $0.value != 127) || $0 == "\t" }[...]
        while let first = scalars.first, first == " " || first == "\t" { scalars.removeFirst() }
        while let last = scalars.last, last == " " || last == "\t" { scalars.removeLast() }
        return String(String.UnicodeScalarView(scalars))
    }
}

/// Why an event cannot become a request: one sentence without a final stop.
struct WebhookRefusal: Error {
    let reason: String

    init(_ reason: String) {
        self.reason = reason
    }
}

extension CurlRequest {
    /// Whether a header of this name exists, regardless of case.
    fileprivate func has(_ name: String) -> Bool {
        self.headers.contains { $0.name.lowercased() == name.lowercased() }
    }
}
