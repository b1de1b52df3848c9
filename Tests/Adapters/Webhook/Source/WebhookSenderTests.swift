import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import WebhookAdapter

/// Senders written with Python's `requests` and `hmac`, as the documentation of each service shows.
struct WebhookSenderTests {
    /// How a sender signs, and the settings for it.
    struct Sender: Sendable, CustomTestStringConvertible {
        let name: String
        let change: @Sendable (inout WebhookSourceConfiguration) -> Void

        var testDescription: String { self.name }

        init(_ name: String, _ settings: String, _ secret: String = "s3cret") {
            self.name = name
            self.change = { $0.signature = Sender.signature(settings, secret) }
        }

        init(_ name: String, change: @escaping @Sendable (inout WebhookSourceConfiguration) -> Void) {
            self.name = name
            self.change = change
        }

        private static func signature(_ settings: String, _ secret: String) -> WebhookVerificationSettings? {
            var configuration = WebhookSourceConfiguration()
            let text = "{\"id\": \"h\", \"signature\": {\"secret\": \"\(secret)\"\(settings.isEmpty ? "" : ", ")\(settings)}}"
            do {
                configuration = try WebhookFixture.configuration(text)
            } catch {
                Issue.record("\(error)")
            }
            return configuration.signature
        }
    }

    static let senders = [
        Sender("github", ""), Sender("github-sha1", #""header": "X-Hub-Signature", "algorithm": "sha1""#),
        Sender("gitea", #""header": "X-Gitea-Signature", "prefix": """#),
        Sender("sha512", #""header": "X-Signature", "algorithm": "sha512", "prefix": """#),
        Sender("shopify", #""header": "X-Shopify-Hmac-Sha256", "encoding": "base64""#),
        Sender("slack", #""scheme": "slack""#), Sender("stripe", #""scheme": "stripe""#),
        Sender("standard-webhooks", #""scheme": "standard-webhooks""#, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        Sender("svix", #""scheme": "svix""#, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        Sender("gitlab") {
            $0.tokens = [Secret("s3cret")]
            $0.tokenHeader = "X-Gitlab-Token"
        },
        Sender("query") {
            $0.tokens = [Secret("s3cret")]
            $0.tokenQuery = "token"
        },
        Sender("basic") {
            $0.user = "ann"
            $0.password = Secret("s3cret")
        },
    ]

    private static let script = """
        import base64, hashlib, hmac, requests, sys, time
        url, name = sys.argv[1:3]
        body, secret = '{"message":"signed \u{E4}"}'.encode(), b"s3cret"
        def code(text, hash="sha256", key=secret): return hmac.new(key, text, hash)
        def send(body, shift=0, right=True, key=secret):
            now = str(int(time.time()) + shift)
            signed = b'{"message":"signed \\xc3\\xa4"}'
            standard = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" if right else "AAAA")
            value = "v1," + base64.b64encode(code(b"msg_1." + now.encode() + b"." + signed, key=standard).digest()).decode()
            headers = {
                "github": lambda: {"X-Hub-Signature-256": "sha256=" + code(signed, key=key).hexdigest()},
                "github-sha1": lambda: {"X-Hub-Signature": "sha1=" + code(signed, "sha1", key).hexdigest()},
                "gitea": lambda: {"X-Gitea-Signature": code(signed, key=key).hexdigest()},
                "sha512": lambda: {"X-Signature": code(signed, "sha512", key).hexdigest()},
                "shopify": lambda: {"X-Shopify-Hmac-Sha256": base64.b64encode(code(signed, key=key).digest()).decode()},
                "slack": lambda: {
                    "X-Slack-Request-Timestamp": now,
                    "X-Slack-Signature": "v0=" + code(b"v0:" + now.encode() + b":" + signed, key=key).hexdigest()},
                "stripe": lambda: {
                    "Stripe-Signature": "t=" + now + ",v1=" + code(now.encode() + b"." + signed, key=key).hexdigest()},
                "standard-webhooks": lambda: {"webhook-id": "msg_1", "webhook-timestamp": now, "webhook-signature": value},
                "svix": lambda: {"svix-id": "msg_1", "svix-timestamp": now, "svix-signature": value},
                "gitlab": lambda: {"X-Gitlab-Token": key.decode()}, "query": lambda: {}, "basic": lambda: {},
            }[name]()
            headers["Content-Type"] = "application/json"
            return requests.post(
                url, data=body, headers=headers, params={"token": key} if name == "query" else None,
                auth=("ann", key.decode()) if name == "basic" else None).status_code
        plain = name in ("gitlab", "query", "basic")
        timed = name in ("slack", "stripe", "standard-webhooks", "svix")
        print(send(body), send(body, key=b"wrong", right=False), 401 if plain else send(body + b" "),
              send(body, shift=-400) if timed else 401, send(body, shift=400) if timed else 401)
        """

    @Test(arguments: Self.senders)
    func `a sender is accepted with its secret, and with nothing else`(sender: Sender) async throws {
        try await WebhookFixture.run(sender.change) { hook in
            let url = "http://127.0.0.1:\(hook.port)/api/webhooks/h"
            try await ChildProcess.with("/usr/bin/python3", ["-c", Self.script, url, sender.name]) { python in
                let ending = try await python.untilEnded()
                #expect(ending == .exited(0), "\(python.standardError)")
                #expect(python.standardOutput == "200 401 401 401 401\n")
            }
            try await eventually("it has arrived") { hook.sink.count == 1 }
            #expect(hook.sink.events[0].message == "signed \u{E4}")
            if sender.name == "svix" || sender.name == "standard-webhooks" { #expect(hook.sink.events[0].id == "msg_1") }
        }
    }

    @Test(arguments: [WebhookVerificationSettings.Scheme.standardWebhooks, .svix])
    func `a message that a sender signs again makes no second event, whatever others add`(
        scheme: WebhookVerificationSettings.Scheme
    ) async throws {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
        let settings = WebhookVerificationSettings(scheme: scheme, secret: Secret(secret))
        let key = try #require(WebhookVerificationSettings.key(in: Secret(secret)))
        let signature = WebhookSignature(key: key, algorithm: .sha256, encoding: .base64, prefix: "v1,")
        try await WebhookFixture.run({ $0.signature = settings }) { hook in
            for forged in ["", "svix-id: forged\r\n", "Idempotency-Key: forged\r\n"] {
                let time = Timestamp.now().milliseconds / 1000
                let code = signature.sign(.init(string: "x"), after: "msg_7.\(time).")
                let fields = "webhook-id: msg_7\r\nwebhook-timestamp: \(time)\r\nwebhook-signature: \(code)\r\n"
                let answer = try await hook.post("x", headers: fields + forged)
                #expect(answer.member("id") == "msg_7")
            }
            #expect(hook.metrics.render().contains(#"reason="repeated"} 2"#))
            #expect(hook.sink.count == 1)
        }
    }
}
