import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import WebhookAdapter

/// Senders that verify a webhook before they send to it.
struct WebhookHandshakeTests {
    private static func send(_ method: String, _ target: String, _ headers: String = "", to port: Int) async throws -> Answer {
        let connection = try RawConnection(port: port)
        try await connection.send("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n")
        return try await Answer.read(from: connection)
    }

    private static func handshake(_ json: String) throws -> WebhookHandshakeSettings? {
        try WebhookFixture.configuration("{\"id\": \"h\", \"handshake\": \(json)}").handshake
    }

    // MARK: - Slack

    /// A request that Slack signs.
    private static func slack(_ body: String, _ hook: WebhookFixture, secret: String = "s3cret") async throws -> Answer {
        let time = Timestamp.now().milliseconds / 1000
        let signature = WebhookSignature(secret: Secret(secret), prefix: "v0=")
        let fields =
            "Content-Type: application/json\r\nX-Slack-Request-Timestamp: \(time)\r\n"
            + "X-Slack-Signature: \(signature.sign(ByteBuffer(string: body), after: "v0:\(time):"))\r\n"
        return try await hook.post(body, headers: fields)
    }

    private static func challenge(_ text: String) -> String {
        #"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"\#(text)","type":"url_verification"}"#
    }

    @Test func `Slack gets its challenge back, signed and as plain text, and it is no event`() async throws {
        let settings = WebhookVerificationSettings(scheme: .slack, secret: Secret("s3cret"))
        try await WebhookFixture.run({ $0.signature = settings }) { hook in
            let answer = try await Self.slack(Self.challenge("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"), hook)
            #expect(answer.status == 200 && answer.body == "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P")
            #expect(answer.head.contains("Content-Type: text/plain; charset=utf-8\r\n"))
            #expect(answer.head.contains("X-Content-Type-Options: nosniff\r\n"))
            #expect(try await Self.slack(Self.challenge("x"), hook, secret: "other").status == 401)
            let longest = String(repeating: "c", count: WebhookHandshake.textLimit)
            #expect(try await Self.slack(Self.challenge(longest), hook).body == longest)
            #expect(hook.sink.count == 0)
            for other in [
                Self.challenge(longest + "c"), Self.challenge(""), #"{"type":"url_verification","challenge":1}"#,
                #"{"challenge":"x"}"#,
            ] {
                let answer = try await Self.slack(other, hook)
                #expect(answer.member("status") == "queued", "\(answer.body)")
            }
        }
    }

    @Test func `the same body is an event for a source without Slack's scheme`() async throws {
        try await WebhookFixture.run { hook in
            let answer = try await hook.post(Self.challenge("abc"), headers: "Content-Type: application/json\r\n")
            #expect(answer.member("status") == "queued")
        }
    }

    // MARK: - Meta

    @Test func `Meta gets its challenge back for the right token`() async throws {
        let settings = try Self.handshake(#"{"verify_token": "meaty hamhock"}"#)
        try await WebhookFixture.run({
            $0.handshake = settings
            $0.tokens = [Secret("s3cret")]
        }) { hook in
            let query = "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meaty+hamhock"
            for path in ["/n/h", "/api/webhooks/h"] {
                let answer = try await Self.send("GET", "\(path)?\(query)", to: hook.port)
                #expect(answer.status == 200 && answer.body == "1158201444")
                #expect(answer.head.contains("Content-Type: text/plain; charset=utf-8\r\n"))
            }
            for token in ["", "meaty", "MEATY+HAMHOCK"] {
                let answer = try await Self.send(
                    "GET", "/n/h?hub.mode=subscribe&hub.challenge=1&hub.verify_token=\(token)", to: hook.port)
                #expect(answer.status == 403 && answer.body == #"{"error":"Wrong hub.verify_token"}"#)
            }
            let longest = String(repeating: "1", count: WebhookHandshake.textLimit)
            let right = "hub.mode=subscribe&hub.verify_token=meaty%20hamhock"
            #expect(try await Self.send("GET", "/n/h?\(right)&hub.challenge=\(longest)", to: hook.port).body == longest)
            for challenge in ["&hub.challenge=\(longest)1", "&hub.challenge=", ""] {
                let answer = try await Self.send("GET", "/n/h?\(right)\(challenge)", to: hook.port)
                #expect(answer.status == 400 && answer.body == #"{"error":"hub.challenge must have 1 to 1024 bytes"}"#)
            }
            // GET sends no event, and events still need the token.
            let other = try await Self.send("GET", "/n/h?message=x", to: hook.port)
            #expect(other.status == 405 && other.head.contains("Allow: POST, PUT\r\n"))
            #expect(try await hook.post("x").status == 401)
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `a source without verify_token answers no verification`() async throws {
        try await WebhookFixture.run { hook in
            let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token="
            let answer = try await Self.send("GET", "/n/h?\(query)", to: hook.port)
            #expect(answer.status == 405)
        }
    }

    // MARK: - CloudEvents

    @Test func `the validation of CloudEvents is granted to the origins of the file`() async throws {
        let settings = try Self.handshake(#"{"origins": ["EventGrid.azure.net", "other.example"], "rate": 120}"#)
        try await WebhookFixture.run({ $0.handshake = settings }) { hook in
            let answer = try await Self.send(
                "OPTIONS", "/n/h",
                "WebHook-Request-Origin: eventgrid.azure.net\r\nWebHook-Request-Rate: 1000\r\n", to: hook.port)
            #expect(answer.status == 200)
            for field in [
                "Allow: OPTIONS, POST, PUT", "WebHook-Allowed-Origin: eventgrid.azure.net", "WebHook-Allowed-Rate: 120",
            ] { #expect(answer.head.contains("\(field)\r\n"), "\(field)") }
            for headers in ["WebHook-Request-Origin: evil.example\r\n", "WebHook-Request-Origin: \r\n", ""] {
                let refused = try await Self.send("OPTIONS", "/n/h", headers, to: hook.port)
                #expect(refused.status == 204 && !refused.head.contains("WebHook-Allowed"))
                #expect(refused.head.contains("Allow: OPTIONS, POST, PUT\r\n"))
            }
        }
    }

    @Test func `every origin can be permitted, without a rate`() async throws {
        let settings = try Self.handshake(#"{"origins": "*"}"#)
        try await WebhookFixture.run({ $0.handshake = settings }) { hook in
            let longest = String(repeating: "a", count: 253)
            for (origin, isGranted) in [("a.example:8443", true), (longest, true), (longest + "a", false), ("a b", false)] {
                let answer = try await Self.send("OPTIONS", "/n/h", "WebHook-Request-Origin: \(origin)\r\n", to: hook.port)
                #expect(answer.head.contains("WebHook-Allowed-Origin: \(origin)\r\nWebHook-Allowed-Rate: *\r\n") == isGranted)
            }
        }
    }

    @Test func `a source without origins grants nothing`() async throws {
        try await WebhookFixture.run { hook in
            let answer = try await Self.send("OPTIONS", "/n/h", "WebHook-Request-Origin: a.example\r\n", to: hook.port)
            #expect(answer.status == 204 && !answer.head.contains("WebHook-Allowed"))
        }
    }

    // MARK: - Settings

    @Test(arguments: [
        ("{}", "handshake: names no handshake; set verify_token, origins or both"),
        (#"{"origins": []}"#, "handshake: names no handshake; set verify_token, origins or both"),
        ("null", "handshake: has no value; write one or leave it out"),
        (#"{"verify_token": ""}"#, "handshake.verify_token: the token is empty; write one or leave the key out"),
        (
            #"{"origins": ["https://a"]}"#,
            "handshake.origins.Index 0: 'https://a' is not an origin such as eventgrid.azure.net; * means all"
        ),
        (
            #"{"verify_token": "t", "rate": 1}"#,
            "handshake.rate: a rate is answered to the validation of origins; set origins"
        ),
        (#"{"origins": "*", "rate": 0}"#, "handshake.rate: 0 is out of range; 1 to 1000000 is allowed"),
        (#"{"origins": "*", "rate": 1000001}"#, "handshake.rate: 1000001 is out of range; 1 to 1000000 is allowed"),
    ]) func `a handshake that means nothing is refused`(json: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try Self.handshake(json) }
        #expect(error?.description == expected)
    }
}
