import BridgeConfiguration
import BridgeCore
import Compression
import FoundationEssentials
import JSON
import NIOCore
import NIOHTTP1

@testable import Access
@testable import HTTPServer
@testable import SSEAdapter
@testable import WebhookAdapter

extension FuzzTarget {
    /// The rules for request heads: a target has a path, and what is not refused has one length.
    static let requestHead = FuzzTarget(
        "request-head",
        seeds: [
            "/a?b=c#d\u{0}Host: x\nContent-Length: 5", "http://x/a?b\u{0}Host: x\nTransfer-Encoding: chunked",
            "*\u{0}Host: x\nHost: y", "/\u{0}Host: x\nContent-Length: 5\nContent-Length: 5",
            "http://x?y\u{0}Host: x\nExpect: 100-continue", "a://b://c\u{0}Host: x", "\u{0}",
        ],
        words: [
            "://", "/", "?", "#", "%2F", "Host: x\n", "Content-Length: ", "Transfer-Encoding: chunked\n",
            "Expect: 100-continue\n", "Forwarded: for=", "X-Forwarded-For: ",
        ]
    ) { bytes in
        var input = FuzzInput(bytes)
        let version: HTTPVersion = [.http1_1, .http1_0, HTTPVersion(major: 2, minor: 0)][input.number(below: 3)]
        let (target, fields) = input.pair
        let head = HTTPHead(HTTPRequestHead(version: version, method: .POST, uri: target, headers: Self.headers(fields)))
        let refusal = head.refusal
        let (path, query) = head.target
        try FuzzFailure.unless(!path.isEmpty && !path.contains("?"), "the path of \(target) is \(path), its query \(query)")
        try FuzzFailure.unless(
            refusal != nil || !target.utf8.contains(UInt8(ascii: "#")), "the fragment of \(target) was not refused")
        if refusal == nil, head.headers.contains(name: "Content-Length") {
            try FuzzFailure.unless(head.contentLength.map { $0 >= 0 } ?? false, "a length that is none was not refused")
            try FuzzFailure.unless(!head.headers.contains(name: "Transfer-Encoding"), "two lengths were not refused")
        }
    }

    /// Percent-encoding and forms.
    static let query = FuzzTarget(
        "query", seeds: ["a=b&c=d", "a=%41+b&&=&a", "%", "%zz=1", "a=%C3%A9", "a=%ff", "since=10m&last_event_id=a-1"],
        words: ["%", "%00", "%2F", "&", "=", "+", "%C3%A9"]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let request = Self.request("/a", query: text)
        let pairs = HTTPForm.pairs(of: text)
        for pair in pairs {
            let first = pairs.first { $0.name == pair.name }?.value
            try FuzzFailure.unless(
                request.query(pair.name) == first,
                "'\(pair.name)' is \(first ?? "nothing") in a form, \(request.query(pair.name) ?? "nothing") in a query")
        }
    }

    /// What a client of the endpoint may ask for.
    static let streamParameters = FuzzTarget(
        "stream-parameters",
        seeds: [
            "since=10m&priority=4,5&tags=a,b&subject=a/%2B/b&source=x", "since=2026-01-01T00:00:00Z", "last_event_id=abc-1",
            "subject=a*[b-c]?&streams=a,b/%23", "format=json&limit=5&poll=1&timeout=3",
            "{\"streams\":[\"a\",5,null],\"since\":\"earliest\"}\u{0}application/json",
            "a=b\u{0}application/x-www-form-urlencoded", "\u{0}\u{0}text/event-stream;q=0.5, */*;q=0, gzip;q=1e400",
        ],
        words: [
            "since=", "last_event_id=", "earliest", "10m", "priority=", "tags=", "subject=", "source=", "streams=", "when=",
            "format=", "poll=", "[", "*", "%23", "%2B", "application/json", "q=", "gzip", "zstd",
        ]
    ) { bytes in
        let (text, type) = FuzzInput(bytes).pair
        var request = Self.request(
            "/api/stream/a", query: type.isEmpty ? text : "",
            fields: "Accept: \(type)\nAccept-Encoding: \(type)\nContent-Type: \(type)")
        if !type.isEmpty { request.body = ByteBuffer(string: text) }
        _ = ContentCoding.negotiate([type])
        guard let parameters = try? SSEParameters(request) else { return }
        _ = SSEAccept(request, parameters)
        _ = SSEStart(parameters, now: Timestamp(milliseconds: 1_800_000_000_000))
        _ = try? SSEFilter(parameters, condition: nil)
        for name in parameters.list("streams").prefix(64) {
            guard let pattern = try? SSEName.pattern(name) else { continue }
            _ = pattern.matches("a/b/c")
        }
        if let cursor = SSECursor(text) { try FuzzFailure.unless(cursor.description == text, "\(text) is read as \(cursor)") }
    }

    /// `Authorization`, cookies, Base64 and the claims of tokens.
    static let credentials = FuzzTarget(
        "credentials",
        seeds: [
            "Authorization: Bearer abc", "Authorization: Basic YW5uOnB3", "Cookie: a=b; session=\"x\"",
            "Authorization: Basic ====", "{\"sub\":\"a\",\"aud\":[\"us\"],\"exp\":4e9,\"streambridge\":{\"subscribe\":[\"#\"]}}",
            "{\"sub\":5,\"exp\":\"x\",\"nbf\":1e300}",
        ],
        words: [
            "Authorization: ", "Bearer ", "Basic ", "Cookie: ", "session=", "\"exp\":", "\"sub\":", "\"aud\":", "\"iss\":",
            "\"streambridge\":",
        ]
    ) { bytes in
        let text = String(decoding: bytes, as: UTF8.self)
        let request = Self.request("/a", query: "access_token=\(text)", fields: text)
        guard let settings = Self.accessSettings else { throw FuzzFailure("the settings are wrong") }
        _ = Credentials(request, settings)
        _ = request.bearerToken
        if let decoded = Base64.bytes(text.utf8) { try FuzzFailure.unless(decoded.count <= text.utf8.count, "Base64 has grown") }
        if let claims = try? JSONDecoder().decode(TokenClaims.self, from: Data(bytes)), let jwt = settings.jwt,
            let grant = try? claims.grant(jwt, now: 1_800_000_000)
        {
            for pattern in grant.subscribe where pattern.hasPrefix("users/") {
                try FuzzFailure.unless(
                    !pattern.dropFirst(6).contains { "+#/,".contains($0) }, "a claim grants more than its own name: \(pattern)")
            }
        }
    }

    private static let accessSettings: AccessSettings? = try? JSONDecoder().decode(
        AccessSettings.self,
        from: Data(
            "{\"cookie\":\"session\",\"query_token\":true,\"jwt\":{\"secret\":\"a secret that is long enough for HS256\",\"claim\":\"none\",\"subscribe\":[\"users/{sub}\"]}}"
                .utf8)
    )

    /// Requests to a webhook, their keys and signatures.
    static let webhook = FuzzTarget(
        "webhook",
        seeds: [
            "Content-Type: application/json\u{0}{\"message\":\"a\"}",
            "Content-Type: application/x-www-form-urlencoded\u{0}payload=%7B%7D",
            "Content-Type: application/x-ndjson\u{0}{}\n[1]", "Content-Type: text/plain\u{0}[{\"a\":\"]\"},[2]]",
            "X-Title: a\nIdempotency-Key: \"a\\\"b\"\u{0}text", "Content-Type: text/plain; charset=latin1\u{0}\u{E9}",
            "Stripe-Signature: t=1614265330,v1=00,v1=01\u{0}a",
            "X-Slack-Request-Timestamp: 1614265330\nX-Slack-Signature: v0=0\u{0}a",
            "svix-id: a\nsvix-timestamp: 1614265330\nsvix-signature: v1,AAAA v1a,AA==\u{0}{\"type\":\"url_verification\",\"challenge\":\"c\"}",
            "title=a&key=b&title=%7B\u{0}",
        ],
        words: [
            "Content-Type: ", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=",
            "charset=", "payload=", "Idempotency-Key: ", "X-Hub-Signature-256: sha256=", "Content-Encoding: gzip",
        ]
    ) { bytes in
        let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        var request = Self.request("/n/in", query: "", fields: String(decoding: parts[0], as: UTF8.self))
        request.body = ByteBuffer(bytes: parts.count > 1 ? parts[1] : [])
        for coding in ["gzip", "deflate", "zstd"] {
            guard let decoder = try ContentDecoder.make(for: coding) else { continue }
            if case .decoded(let body) = WebhookCoding.decode(request.body, with: decoder, limit: 1000) {
                try FuzzFailure.unless(body.readableBytes <= 1000, "a body is decoded above its limit")
            }
        }
        for batch in [nil, WebhookBatch.split] {
            guard case .several(let items) = WebhookItems.split(request, batch, JSONParser()) else { continue }
            try FuzzFailure.unless(items.count <= WebhookItems.limit, "a body has too many items")
            for item in items {
                try FuzzFailure.unless((try? JSONParser().parse(item)) != nil, "an item is not JSON")
            }
        }
        _ = WebhookMessage.refusal(request, JSONParser())
        var attributes = WebhookAttributes()
        let message = WebhookMessage.make(request, id: "in", attributes.make(of: request.headers))
        try FuzzFailure.unless(
            attributes.make(of: request.headers) == message.attributes, "the same fields become other attributes")
        try FuzzFailure.unless(
            message.attributes["authorization"] == nil && message.attributes["cookie"] == nil, "a secret field is passed on")
        let signature = WebhookSignature(secret: Secret("s"))
        try FuzzFailure.unless(
            signature.verify(signature.sign(request.body), body: request.body), "its own signature is not accepted")
        for scheme in WebhookVerificationSettings.Scheme.allCases {
            let verifier = WebhookVerifier(WebhookVerificationSettings(scheme: scheme, secret: Secret("whsec_AAAA")))
            let time = Timestamp(milliseconds: 1_614_265_330_000)
            try FuzzFailure.unless((try? verifier.verify(request, now: time)) == nil, "a request without the secret is accepted")
            let claim = try? WebhookClaim.read(request, scheme, header: "X-Hub-Signature-256")
            try FuzzFailure.unless(
                (claim?.signatures.count ?? 1) <= WebhookClaim.signatureLimit, "a header has too many signatures")
        }
        if let answer = WebhookHandshake.answer(toSlack: request.body, JSONParser()) {
            try FuzzFailure.unless(answer.body.readableBytes <= WebhookHandshake.textLimit, "a challenge is too long")
        }
        let claimed = String(decoding: parts[0], as: UTF8.self)
        if WebhookQuery.refusal(claimed, without: "key") == nil {
            try FuzzFailure.unless(
                WebhookQuery.message(claimed, without: "key").readableBytes <= 6 * claimed.utf8.count + 16, "a query grows")
        }
        if signature.verify(claimed, body: request.body) {
            try FuzzFailure.unless(claimed.lowercased() == signature.sign(request.body), "a wrong signature is accepted")
        }
    }

    private static func headers(_ text: String) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in text.split(separator: "\n").prefix(128) {
            let parts = line.split(separator: ":", maxSplits: 1)
            // The decoder lets no other names through, and NIO ends the process for them.
            guard parts.count == 2, parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { continue }
            headers.add(name: String(parts[0]), value: String(parts[1].drop { $0 == " " }))
        }
        return headers
    }

    private static func request(_ path: String, query: String, fields: String = "") -> HTTPRequest {
        HTTPRequest(
            method: .POST, version: .http1_1, path: path, rawQuery: query, headers: self.headers(fields), remoteAddress: nil)
    }
}
