import BridgeTesting
import NIOCore
import Testing

/// `http.access.jwt.keys_url`: what is answered while the JWK set cannot be fetched, and when it is fetched again.
@Suite(.timeLimit(.minutes(2)))
struct TokenKeysTests {
    private static let yaml = """
        sources:
          in: { type: webhook, ids: [door] }
        sinks:
          news: { type: sse, stream: news }
        routes:
          - { from: [in], to: [news] }
        """
    private static let claims = ##"{"exp":4000000000,"streambridge":{"subscribe":["#"],"publish":["#"]}}"##

    private static func bridge(_ issuer: HTTPPeer) async throws -> BridgeProcess {
        try await BridgeProcess.start(
            Self.yaml,
            http:
                "access: { jwt: { keys_url: '\(issuer.url("/jwks?key=hidden"))' }, tokens: [ { token: known, subscribe: [news] } ] }"
        )
    }

    private static func get(
        _ bridge: BridgeProcess, _ token: String, _ query: String = "?format=json"
    ) async throws -> HTTPRequestPeer.Answer {
        try await HTTPRequestPeer.send(
            "GET", "/api/stream/news\(query)", port: bridge.port, headers: [("Authorization", "Bearer \(token)")])
    }

    @Test(arguments: [
        HTTPPeer.Answer(500), HTTPPeer.Answer(isCut: true), HTTPPeer.Answer(200), HTTPPeer.Answer(200, body: #"{"keys":[]}"#),
        HTTPPeer.Answer(raw: "HTTP/1.1 200 OK\r\n\r\n{\"keys\":["),
    ])
    func `a valid token is answered 503 until the first good fetch`(failure: HTTPPeer.Answer) async throws {
        let maker = try await TokenMaker.make([Self.claims], pairs: ["ES256"])
        let token = try #require(maker.tokens["ES256"]?[0])
        let issuer = try await HTTPPeer.start()
        issuer.answer(with: failure)
        let bridge = try await Self.bridge(issuer)
        let refused = try await Self.get(bridge, token)
        #expect(refused.status == 503)
        #expect(refused.header("retry-after") == "2")
        #expect(refused.text.contains("Access check failed; try again later"))
        // A browser never reconnects after 401 or 503 (HTML Standard §9.2.3).
        let connection = try RawConnection(port: bridge.port)
        try await connection.send(
            "GET /api/stream/news HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nAuthorization: Bearer \(token)\r\n\r\n"
        )
        let stream = try await connection.receive(through: "retry: ")
        #expect(stream.hasPrefix("HTTP/1.1 200"), "\(stream)")
        let written = try await bridge.post("/n/door", ByteBuffer(string: "x"), headers: [("Authorization", "Bearer \(token)")])
        #expect(written.status == 503)
        // What is decided without the keys is final.
        #expect(try await Self.get(bridge, "no.token.here").status == 401)
        #expect(try await Self.get(bridge, "known").status == 200)
        #expect(try await bridge.metric("streambridge_access_refusals_total", #"reason="keys_unavailable""#) >= 2)
        #expect(bridge.log.contains("Failed to fetch the JWK set; requests with tokens of its issuer are answered 503"))
        issuer.answer(with: HTTPPeer.Answer(200, body: maker.keys))
        try await eventually("the set is fetched") { try await Self.get(bridge, token).status == 200 }
        #expect(bridge.log.contains("JWK set fetched"))
        #expect(!bridge.log.contains("hidden"))
        #expect(try await Self.get(bridge, maker.tokens["HS256"]?[0] ?? "").status == 401)
    }

    @Test func `an endless JWK set is given up`() async throws {
        let issuer = try await SSEServerPeer.start()
        let bridge = try await BridgeProcess.start(Self.yaml, http: "access: { jwt: { keys_url: '\(issuer.url())' } }")
        try await eventually("the log says that it is too large") {
            issuer.write(raw: ByteBuffer(repeating: UInt8(ascii: " "), count: 1 << 20))
            return bridge.log.contains("it is larger than 1048576 bytes")
        }
    }

    @Test func `a silent key server does not delay the start`() async throws {
        let maker = try await TokenMaker.make([Self.claims], pairs: ["ES256"])
        let token = try #require(maker.tokens["ES256"]?[0])
        let issuer = try await HTTPPeer.start()
        issuer.answer(with: HTTPPeer.Answer(delay: .seconds(600)))
        let bridge = try await Self.bridge(issuer)
        #expect(!bridge.log.contains("Failed to fetch the JWK set"), "a fetch is given up after 10 s")
        #expect(try await Self.get(bridge, "known").status == 200)
        #expect(try await Self.get(bridge, token).status == 503)
        try await eventually("the log says so") { bridge.log.contains("JWK set not received yet; requests with tokens") }
        issuer.answer(with: HTTPPeer.Answer(200, body: maker.keys))
        try await issuer.stop()
        try await issuer.listen()
        try await eventually("the set is fetched") { try await Self.get(bridge, token).status == 200 }
    }

    @Test func `a token of a new key waits until the set can be fetched again`() async throws {
        let old = try await TokenMaker.make([Self.claims], pairs: ["ES256"])
        let new = try await TokenMaker.make([Self.claims], header: #"{"kid":"new"}"#, pairs: ["ES256"])
        let issuer = try await HTTPPeer.start()
        issuer.answer(with: HTTPPeer.Answer(200, body: old.keys))
        let bridge = try await Self.bridge(issuer)
        let (first, second) = (try #require(old.tokens["ES256"]?[0]), try #require(new.tokens["ES256"]?[0]))
        #expect(try await Self.get(bridge, first).status == 200)
        issuer.answer(with: HTTPPeer.Answer(500))
        // A set is not fetched again within 5 s.
        try await eventually("the set is asked for again") {
            try await Self.get(bridge, second).status == 503
        }
        #expect(issuer.count >= 2)
        #expect(try await Self.get(bridge, first).status == 200, "the earlier keys stay in use")
        let (count, start) = (issuer.count, ContinuousClock.now)
        for _ in 0..<20 { _ = try await Self.get(bridge, second) }
        #expect(issuer.count <= count + 2 + Int((ContinuousClock.now - start) / .seconds(5)), "at most every 5 s")
        issuer.answer(with: HTTPPeer.Answer(200, body: new.keys.replacing(#""kid":"ES256""#, with: #""kid":"new""#)))
        try await eventually("the new key is fetched") { try await Self.get(bridge, second).status == 200 }
        #expect(try await Self.get(bridge, first).status == 401)
    }
}
