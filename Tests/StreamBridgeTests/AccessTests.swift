import BridgeTesting
import Glibc
import NIOCore
import Testing

/// Who may read and write by `http.access`.
@Suite(.timeLimit(.minutes(2)))
struct AccessTests {
    private static let yaml = """
        sources:
          in: { type: webhook, ids: [door, window] }
        sinks:
          users: { type: sse, stream: 'users/{{ $subject }}' }
          news: { type: sse, stream: news }
          own: { type: sse, stream: own, token: its own }
        routes:
          - { from: [in], to: [users, news, own] }
        """

    private typealias Header = (name: String, value: String)

    private static func status(_ bridge: BridgeProcess, _ stream: String, _ headers: [Header] = []) async throws -> Int {
        let mark = stream.contains("?") ? "&" : "?"
        return try await HTTPRequestPeer.send(
            "GET", "/api/stream/\(stream)\(mark)format=json", port: bridge.port, headers: headers
        ).status
    }

    private static func bearer(_ token: String) -> [Header] { [("Authorization", "Bearer \(token)")] }

    @Test func `tokens, users, a cookie and the query have the access that is granted`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.yaml,
            http: """
                access: { anonymous: { subscribe: [news] }, cookie: session, query_token: true,
                  tokens: [ { token: reader, subscribe: ['users/+'] }, { token: writer, publish: [door] } ],
                  users: [ { user: ann, password: 'p:w', subscribe: ['users/ann/#', 'users/door'] } ] }
                """
        )
        for (stream, headers, expected) in [
            ("news", [], 200), ("users/door", [], 401), ("users/door", Self.bearer("reader"), 200),
            ("users/door/x", Self.bearer("reader"), 403), ("news", Self.bearer("reader"), 403),
            ("users/%2B", Self.bearer("reader"), 200), ("users/%23", Self.bearer("reader"), 403),
            ("users/door", Self.bearer("wrong"), 401), ("users/door", Self.bearer("writer"), 403),
            // One space or more (RFC 9110 §11.4).
            ("users/door", [("Authorization", "BEARER   reader")], 200), ("own", Self.bearer("  its own"), 200),
            ("users/door", [("Authorization", "Basic  YW5uOnA6dw==")], 200),
            ("users/door", [("Authorization", "Digest x")], 401), ("users/door", [("Authorization", "Bearer")], 401),
            // ann:p:w and ann:wrong
            ("users/door", [("Authorization", "Basic YW5uOnA6dw==")], 200),
            ("users/door", [("Authorization", "Basic YW5uOndyb25n")], 401),
            ("users/door", [("Cookie", "other=1; session=reader")], 200), ("users/door", [("Cookie", "session=wrong")], 401),
            ("users/door?access_token=reader", [], 200), ("users/door?access_token=wrong", [], 401),
            ("own", [], 401), ("own", Self.bearer("its own"), 200), ("none", Self.bearer("reader"), 404),
        ] as [(String, [Header], Int)] {
            #expect(try await Self.status(bridge, stream, headers) == expected, "\(stream) \(headers)")
        }
        let connection = try RawConnection(port: bridge.port)
        try await connection.send("GET /api/stream/users/door HTTP/1.1\r\nHost: localhost\r\n\r\n")
        let refused = try await connection.receive(through: "}")
        #expect(refused.hasSuffix(#"{"error":"Missing or invalid Authorization header"}"#))
        #expect(refused.contains("WWW-Authenticate: Bearer realm=\"streambridge\"\r\n"))
        #expect(refused.contains("WWW-Authenticate: Basic realm=\"streambridge\", charset=\"UTF-8\"\r\n"))
        let event = ByteBuffer(string: "x")
        #expect(try await bridge.post("/n/door", event, headers: Self.bearer("writer")).status == 201)
        let other = try await bridge.post("/n/window", event, headers: Self.bearer("writer"))
        #expect(other.status == 403)
        #expect(other.text == #"{"error":"Not allowed to write to 'window'"}"#)
        #expect(try await bridge.post("/n/door", event).status == 401)
        #expect(!bridge.process.standardError.contains("reader"))
    }

    @Test func `a token of an issuer grants by its claims, and ends the stream when it expires`() async throws {
        let maker = try await TokenMaker.make([
            #"{"sub":"door","iss":"me","aud":["us","them"]}"#, #"{"sub":"door","iss":"me","aud":"us","exp":4000000000}"#,
            #"{"sub":"door","iss":"me","aud":"us","exp":1000}"#, #"{"sub":"door","iss":"me","aud":"us","nbf":4000000000}"#,
            #"{"sub":"door","iss":"other","aud":"us"}"#, #"{"sub":"door","iss":"me","aud":"them"}"#,
            #"{"sub":"+","iss":"me","aud":"us"}"#,
            ##"{"iss":"me","aud":"us","streambridge":{"subscribe":["news"],"publish":["#"]}}"##,
        ])
        let bridge = try await BridgeProcess.start(
            Self.yaml,
            http:
                "access: { jwt: { secret: \(TokenMaker.secret), require_exp: false, issuer: me, audience: us, subscribe: ['users/{sub}/#'] } }"
        )
        let tokens = try #require(maker.tokens["HS256"])
        for (index, stream, expected) in [
            (0, "users/door", 200), (0, "users/window", 403), (0, "users/door/%23", 200), (1, "users/door", 200),
            (2, "users/door", 401),
            (3, "users/door", 401), (4, "users/door", 401), (5, "users/door", 401), (6, "users/door", 403), (6, "users/%2B", 403),
            (7, "news", 200), (7, "users/door", 403),
        ] {
            #expect(try await Self.status(bridge, stream, Self.bearer(tokens[index])) == expected, "\(index) \(stream)")
        }
        for other in ["none", "RS256", "ES256"] {
            #expect(try await Self.status(bridge, "users/door", Self.bearer(maker.tokens[other]?[0] ?? "")) == 401)
        }
        #expect(try await bridge.post("/n/door", ByteBuffer(string: "x"), headers: Self.bearer(tokens[7])).status == 201)
        // Keys take a while to make: of these tokens one is about to expire then.
        let ends = (1...30).map { Int(time(nil)) + 4 * $0 }
        let brief = try await TokenMaker.make(ends.map { #"{"sub":"door","iss":"me","aud":"us","exp":\#($0)}"# }, pairs: [])
        let next = try #require(ends.firstIndex { $0 > Int(time(nil)) + 4 })
        let soon = ends[next]
        let stream = try await bridge.stream("users/door", headers: Self.bearer(try #require(brief.tokens["HS256"]?[next])))
        try await eventually("the stream has ended") { stream.ending != nil }
        // `time` may be a tick late.
        #expect(Int(time(nil)) >= soon - 1)
        #expect(try await bridge.metric("streambridge_sse_connections_closed_total", #"reason="expired""#) >= 1)
    }

    @Test func `a token without exp, or with an unknown critical header, is refused`() async throws {
        let end = #""exp":4000000000"#
        let maker = try await TokenMaker.make(
            [#"{"sub":"door"}"#, #"{"sub":"door",\#(end)}"#, #"{"sub":"door","exp":null}"#], pairs: [])
        let tokens = try #require(maker.tokens["HS256"])
        func open(_ more: String) async throws -> BridgeProcess {
            try await BridgeProcess.start(
                Self.yaml, http: "access: { jwt: { secret: \(TokenMaker.secret), \(more)subscribe: ['users/{sub}'] } }")
        }
        let strict = try await open("")
        for (index, status) in [(0, 401), (1, 200), (2, 401)] {
            #expect(try await Self.status(strict, "users/door", Self.bearer(tokens[index])) == status)
        }
        #expect(strict.process.standardError.contains("it has no exp; set require_exp: false"), "\(strict.process.standardError)")
        let lenient = try await open("require_exp: false, ")
        #expect(try await Self.status(lenient, "users/door", Self.bearer(tokens[0])) == 200)
        for header in [
            #"{"crit":["exp"]}"#, #"{"crit":["b64"],"b64":true}"#, #"{"crit":[]}"#, #"{"crit":null}"#, #"{"crit":["x"],"x":1}"#,
        ] {
            let critical = try await TokenMaker.make([#"{"sub":"door",\#(end)}"#], header: header, pairs: [])
            #expect(
                try await Self.status(strict, "users/door", Self.bearer(critical.tokens["HS256"]?[0] ?? "")) == 401, "\(header)")
        }
        let other = try await TokenMaker.make([#"{"sub":"door",\#(end)}"#], header: #"{"x":["crit"],"cty":"crit"}"#, pairs: [])
        #expect(try await Self.status(strict, "users/door", Self.bearer(other.tokens["HS256"]?[0] ?? "")) == 200)
    }

    @Test func `a token with padding, another alphabet or a byte order mark is refused`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.yaml, http: "access: { jwt: { secret: \(TokenMaker.secret), subscribe: ['users/{sub}'] } }")
        // The last claim makes every length of padding.
        let claims = (0..<6).map { #"{"sub":"door","exp":4000000000,"x":"\#(String(repeating: "?>", count: $0))"}"# }
        var hasOtherAlphabet = false
        for claim in claims {
            let token = try await TokenMaker.signed(claim)
            #expect(try await Self.status(bridge, "users/door", Self.bearer(token)) == 200)
            let parts = token.split(separator: ".").map(String.init)
            let padded = parts.map { $0 + String(repeating: "=", count: (4 - $0.count % 4) % 4) }
            let standard = token.replacing("-", with: "+").replacing("_", with: "/")
            hasOtherAlphabet = hasOtherAlphabet || standard != token
            for other in [padded.joined(separator: "."), token + "=", standard] where other != token {
                #expect(try await Self.status(bridge, "users/door", Self.bearer(other)) == 401, "\(other)")
            }
            let marked = try await TokenMaker.signed("\u{FEFF}" + claim)
            #expect(try await Self.status(bridge, "users/door", Self.bearer(marked)) == 401)
        }
        #expect(hasOtherAlphabet)
    }

    @Test func `no claim grants a reserved name`() async throws {
        let end = #""exp":4000000000"#
        let maker = try await TokenMaker.make(
            [
                #"{"sub":"$presence",\#(end)}"#, ##"{"sub":"x","streambridge":{"subscribe":["$presence/#","news"]},\##(end)}"##,
                #"{"sub":"news",\#(end)}"#,
            ], pairs: [])
        let tokens = try #require(maker.tokens["HS256"])
        func open(_ grants: String) async throws -> BridgeProcess {
            try await BridgeProcess.start(
                Self.yaml.replacing("stream: news }", with: "stream: news, presence: true }"),
                http: "access: { jwt: { secret: \(TokenMaker.secret), subscribe: \(grants) } }")
        }
        let bridge = try await open("['{sub}/#']")
        #expect(try await Self.status(bridge, "$presence/news", Self.bearer(tokens[0])) == 403)
        #expect(try await Self.status(bridge, "$presence/news", Self.bearer(tokens[1])) == 403)
        #expect(try await Self.status(bridge, "news", Self.bearer(tokens[1])) == 200)
        // The file may name it, and leave the rest to a claim.
        let granted = try await open("['$presence/{sub}']")
        #expect(try await Self.status(granted, "$presence/news", Self.bearer(tokens[2])) == 200)
    }

    @Test func `no claim adds levels to a grant`() async throws {
        let end = #""exp":4000000000"#
        // A mark after a slash makes one character of both, but there are still two levels.
        let maker = try await TokenMaker.make(
            [#"{"sub":"door/\u0301x",\#(end)}"#, #"{"sub":"do\u0301r",\#(end)}"#], pairs: [])
        let tokens = try #require(maker.tokens["HS256"])
        let bridge = try await BridgeProcess.start(
            Self.yaml, http: "access: { jwt: { secret: \(TokenMaker.secret), subscribe: ['users/{sub}'] } }")
        #expect(try await Self.status(bridge, "users/door/%CC%81x", Self.bearer(tokens[0])) == 403)
        #expect(try await Self.status(bridge, "users/do%CC%81r", Self.bearer(tokens[1])) == 200)
    }

    @Test func `an expiry beyond the calendar is clamped`() async throws {
        let maker = try await TokenMaker.make([#"{"exp":1e17}"#, #"{"exp":1e300}"#, #"{"exp":-1e300}"#], pairs: [])
        let tokens = try #require(maker.tokens["HS256"])
        let hook = try await HTTPPeer.start()
        hook.answer { request in
            HTTPPeer.Answer(
                200, body: #"{"subscribe":["news"],"expires":\#(request.headers["Authorization"]?.dropFirst(7) ?? "")}"#)
        }
        for (http, endless, over) in [
            ("access: { jwt: { secret: \(TokenMaker.secret), subscribe: [news] } }", Array(tokens[..<2]), (tokens[2], 401)),
            ("access: { hook: { url: '\(hook.url("/ask"))' } }", ["1e17", "1e300"], ("-1e300", 403)),
        ] {
            let bridge = try await BridgeProcess.start(Self.yaml, http: http)
            for token in endless {
                let connection = try RawConnection(port: bridge.port)
                try await connection.send(
                    "GET /api/stream/news HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \(token)\r\n\r\n")
                #expect(try await connection.receive(through: "retry:").hasPrefix("HTTP/1.1 200"))
            }
            #expect(try await Self.status(bridge, "news", Self.bearer(over.0)) == over.1)
            #expect(try await Self.status(bridge, "news", Self.bearer(endless[0])) == 200)
        }
    }

    @Test(arguments: ["RS256", "PS256", "ES256", "ES384", "EdDSA"]) func `keys come as a file, a set or from a URL`(
        _ algorithm: String
    ) async throws {
        let maker = try await TokenMaker.make([#"{"sub":"door","exp":4000000000}"#])
        let token = try #require(maker.tokens[algorithm]?[0])
        let directory = try TemporaryDirectory()
        try directory.write(try #require(maker.pem[algorithm]), to: "key.pem")
        try directory.write(maker.keys, to: "keys.json")
        let issuer = try await HTTPPeer.start()
        issuer.answer(with: HTTPPeer.Answer(503))
        var settings = ["public_key_file: '\(directory.file("key.pem"))', algorithm: \(algorithm)"]
        // A set says no padding, and RS and PS keys look alike.
        if algorithm != "PS256" {
            settings += ["keys_file: '\(directory.file("keys.json"))'", "keys_url: '\(issuer.url("/jwks"))'"]
        }
        for keys in settings {
            let bridge = try await BridgeProcess.start(
                Self.yaml, http: "access: { jwt: { \(keys), subscribe: ['users/{sub}'] } }")
            if keys.hasPrefix("keys_url") {
                #expect(try await Self.status(bridge, "users/door", Self.bearer(token)) == 503)
                #expect(bridge.process.standardError.contains("Failed to fetch the JWK set"))
                issuer.answer(with: HTTPPeer.Answer(200, body: maker.keys))
                let second = try await BridgeProcess.start(
                    Self.yaml, http: "access: { jwt: { \(keys), subscribe: ['users/{sub}'] } }")
                #expect(try await Self.status(second, "users/door", Self.bearer(token)) == 200)
            } else {
                #expect(try await Self.status(bridge, "users/door", Self.bearer(token)) == 200)
                #expect(try await Self.status(bridge, "users/door", Self.bearer(maker.tokens["HS256"]?[0] ?? "")) == 401)
            }
        }
    }

    @Test func `a hook decides, is asked once per credentials and target, and its failure is answered 503`() async throws {
        let hook = try await HTTPPeer.start()
        hook.answer { request in
            switch request.headers["Authorization"] {
            case "Bearer all": HTTPPeer.Answer(204)
            case "Bearer some": HTTPPeer.Answer(200, body: #"{"name":"ann","subscribe":["users/+"],"publish":["door"]}"#)
            case "Bearer no": HTTPPeer.Answer(403)
            case "Bearer slow": HTTPPeer.Answer(200, delay: .seconds(5))
            case "Bearer broken": HTTPPeer.Answer(500)
            default: HTTPPeer.Answer(401)
            }
        }
        let bridge = try await BridgeProcess.start(
            Self.yaml, http: "access: { hook: { url: '\(hook.url("/ask"))', timeout: 2s } }")
        for (token, stream, expected) in [
            ("all", "news", 200), ("all", "users/%23", 200), ("some", "users/1", 200), ("some", "news", 403), ("no", "news", 403),
            ("slow", "news", 503), ("broken", "news", 503), ("none", "news", 401), ("all", "news", 200),
        ] {
            #expect(try await Self.status(bridge, stream, Self.bearer(token)) == expected, "\(token) \(stream)")
        }
        #expect(hook.requests.filter { $0.headers["Authorization"] == "Bearer all" }.count == 2)
        let asked = try #require(hook.requests.first)
        #expect(asked.headers["X-Original-URI"] == "/api/stream/news?format=json")
        #expect(try await bridge.post("/n/door", ByteBuffer(string: "x"), headers: Self.bearer("some")).status == 201)
        #expect(try await bridge.post("/n/window", ByteBuffer(string: "x"), headers: Self.bearer("some")).status == 403)
    }

    @Test func `clients with a grant for presence see connections and can end them`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.yaml.replacing("stream: news }", with: "stream: news, presence: true, limits: { per_client: 1 } }"),
            http: """
                access: { tokens: [ { token: ann, name: ann, subscribe: ['#'], publish: ['#'] },
                  { token: admin, subscribe: ['$presence/#'], publish: ['$presence/#'] } ] }
                """
        )
        #expect(try await Self.status(bridge, "$presence/news", Self.bearer("ann")) == 403)
        let presence = try await bridge.stream("$presence/news", headers: Self.bearer("admin"))
        let stream = try await bridge.stream("news", headers: Self.bearer("ann"))
        try await eventually("the connect is published") {
            presence.messages.contains { $0.data.contains(#""title":"subscribe","message":"ann""#) }
        }
        #expect(try await Self.status(bridge, "news", Self.bearer("ann")) == 429)
        func list(_ token: String, _ query: String = "") async throws -> HTTPRequestPeer.Answer {
            try await HTTPRequestPeer.send("GET", "/api/presence\(query)", port: bridge.port, headers: Self.bearer(token))
        }
        #expect(try await list("ann").text == #"{"connections":[],"next":null}"#)
        #expect(try await list("wrong").status == 401)
        #expect(try await list("admin", "?limit=0").status == 400)
        let text = try await list("admin", "?stream=news").text
        #expect(text.contains(#""name":"ann","address":"127.0.0.1","streams":["news"],"since":""#))
        #expect(text.contains(#""type":"text/event-stream","coding":"identity","cursor":""#))
        #expect(text.contains(#""behind_bytes":0,"queued_bytes":0}"#))
        let number = try #require(text.split(separator: #""number":"#).last?.prefix { $0.isNumber })
        for (token, number, status) in [("ann", number, 403), ("admin", "999", 404), ("admin", "x", 400), ("admin", number, 204)]
        {
            let answer = try await HTTPRequestPeer.send(
                "DELETE", "/api/presence/\(number)", port: bridge.port, headers: Self.bearer(token))
            #expect(answer.status == status)
        }
        try await eventually("the stream has ended") { stream.ending != nil }
        try await eventually("the disconnect is published too") {
            presence.messages.contains { $0.data.contains(#""title":"unsubscribe""#) }
        }
    }

    @Test func `presence shows the address that a trusted proxy forwards`() async throws {
        let bridge = try await BridgeProcess.start(
            Self.yaml.replacing("stream: news }", with: "stream: news, presence: true }"),
            http: """
                trusted_proxies: [127.0.0.1],
                access: { tokens: [ { token: all, name: all, subscribe: ['#', '$presence/#'] } ] }
                """
        )
        let presence = try await bridge.stream("$presence/news", headers: Self.bearer("all"))
        let stream = try await bridge.stream(
            "news", headers: Self.bearer("all") + [("X-Forwarded-For", "198.51.100.9, 203.0.113.7")])
        try await eventually("the subscriber is announced") {
            presence.messages.contains { $0.data.contains(#""title":"subscribe""#) }
        }
        let text = try await HTTPRequestPeer.send(
            "GET", "/api/presence?stream=news", port: bridge.port, headers: Self.bearer("all")
        ).text
        #expect(text.contains(#""address":"203.0.113.7","streams":["news"]"#))
        #expect(stream.ending == nil)
    }

    @Test(arguments: [
        ("access: {}", "http.access: admits no client; set tokens, users, jwt, hook or anonymous"),
        (
            "access: { tokens: [ { token: '', subscribe: [a] } ] }",
            "http.access.tokens[0].token: the token is empty; write one or remove the entry"
        ),
        ("access: { anonymous: { subscribe: ['a/#/b'] } }", "http.access.anonymous.subscribe[0]: 'a/#/b': "),
        ("access: { jwt: {} }", "http.access.jwt: give one of secret, public_key_file, keys_file and keys_url, not 0"),
        ("access: { jwt: { secret: short } }", "http.access.jwt.secret: the secret has 5 bytes; use 32 or more"),
        ("access: { jwt: { keys_file: x, algorithm: HS256 } }", "http.access.jwt.algorithm: HS256 needs a secret"),
        (
            "access: { jwt: { keys_file: x, algorithm: ES256 } }",
            "http.access.jwt.algorithm: has no effect with keys_file or keys_url, whose keys"
        ),
        (
            "access: { anonymous: { subscribe: [a] }, hook: { url: 'http://x' } }",
            "http.access.anonymous: has no effect with hook, which also decides on clients without credentials; remove one of them"
        ),
        (
            "access: { hook: { url: ftp://x } }",
            "http.access.hook.url: 'ftp://x' is not an HTTP URL; begin it with http:// or https://"
        ),
        (
            "access: { tokn: [] }",
            "http.access: unknown key 'tokn'; there are anonymous, cookie, hook, jwt, query_token, tokens, users"
        ),
    ]) func `invalid settings are refused`(_ http: String, _ message: String) async throws {
        let directory = try TemporaryDirectory()
        try directory.write("http: { \(http) }\n" + Self.yaml, to: "bridges.yaml")
        let result = try await BridgeProcess.command("check", directory.file("bridges.yaml"))
        #expect(result.code == 78)
        #expect(result.error.contains(message), "\(result.error)")
    }

    @Test(
        arguments: [
            (nil, "cannot be read: No such file or directory"), (0, "keys' is not a JWK set"),
            ((1 << 20) - 11, "the program starts"),
            (
                (1 << 20) - 10,
                "keys' cannot be read: the file is larger than 1048576 bytes; remove the keys that are no longer in use"
            ),
            (50 << 20, "keys' cannot be read: the file is larger than 1048576 bytes; remove the keys that are no longer in use"),
        ] as [(Int?, String)])
    func `unreadable keys prevent the start`(_ padding: Int?, _ message: String) async throws {
        let directory = try TemporaryDirectory()
        if let padding {
            let keys = padding == 0 ? "[]" : #"{"keys":[]}"# + String(repeating: " ", count: padding)
            try directory.write(keys, to: "keys")
        }
        let http = "access: { jwt: { keys_file: '\(directory.file("keys"))' } }"
        if message == "the program starts" {
            let bridge = try await BridgeProcess.start(Self.yaml, http: http)
            #expect(try await bridge.stop() == .exited(0))
            return
        }
        try directory.write("http: { listen: '127.0.0.1:0', \(http) }\n" + Self.yaml, to: "bridges.yaml")
        let result = try await BridgeProcess.command("run", directory.file("bridges.yaml"))
        #expect(result.code != 0)
        #expect(result.error.contains(message), "\(result.error)")
    }
}
