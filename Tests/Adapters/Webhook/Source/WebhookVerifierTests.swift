import BridgeCore
import NIOCore
import NIOHTTP1
import Testing

@testable import HTTPServer
@testable import WebhookAdapter

/// Signatures of well-known senders, with the examples of their own documentation.
struct WebhookVerifierTests {
    /// A signed request, and what the source knows.
    struct Sample: Sendable, CustomTestStringConvertible {
        let scheme: WebhookVerificationSettings.Scheme
        let secret: String
        let time: Int64
        let body: String
        let fields: [String: String]

        var testDescription: String { "\(self.scheme.rawValue) in \(self.fields.keys.sorted().joined(separator: ", "))" }

        /// - Parameter changes: header fields with other values, or left out.
        func problem(
            at now: Int64? = nil, milliseconds: Int64 = 0, secrets: [String]? = nil, body: String? = nil,
            _ changes: [String: String?] = [:]
        ) -> WebhookProblem? {
            var settings = WebhookVerificationSettings(scheme: self.scheme, secret: Secret(""))
            settings.secrets = (secrets ?? [self.secret]).map { Secret($0) }
            var fields = self.fields
            for (name, value) in changes { fields[name] = value }
            var request = HTTPRequest(
                method: .POST, version: .http1_1, path: "/n/h", rawQuery: "",
                headers: HTTPHeaders(fields.map { ($0.key, $0.value) }),
                remoteAddress: nil)
            request.body = ByteBuffer(string: body ?? self.body)
            do {
                try WebhookVerifier(settings).verify(
                    request, now: Timestamp(milliseconds: (now ?? self.time) * 1000 + milliseconds))
                return nil
            } catch {
                return error
            }
        }
    }

    /// GitHub, "Testing the webhook payload validation".
    static let github = Sample(
        scheme: .hmac, secret: "It's a Secret to Everybody", time: 0, body: "Hello, World!",
        fields: ["X-Hub-Signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"])
    /// Slack, "Verifying requests from Slack".
    static let slack = Sample(
        scheme: .slack, secret: "8f742231b10e8888abcd99yyyzzz85a5", time: 1_531_420_618,
        body: "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
            + "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
            + "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN"
            + "&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c",
        fields: [
            "X-Slack-Request-Timestamp": "1531420618",
            "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
        ])
    /// Made by `hmac.new(b"whsec_test_secret", b'1492774577.{"id":"evt_1"}', "sha256")` in Python.
    static let stripe = Sample(
        scheme: .stripe, secret: "whsec_test_secret", time: 1_492_774_577, body: #"{"id":"evt_1"}"#,
        fields: [
            "Stripe-Signature":
                "t=1492774577,v1=799c4ba7bb339f3c8601adfd112f0e477c930a268be1243d341abb8286501c2f,v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39"
        ])
    /// Svix, "Verifying webhooks manually".
    static let svix = Sample(
        scheme: .svix, secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", time: 1_614_265_330, body: #"{"test": 2432232314}"#,
        fields: [
            "svix-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "svix-timestamp": "1614265330",
            "svix-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ])
    /// The same under the names of Standard Webhooks, which both schemes know.
    static let standard = Self.renamed(.standardWebhooks)
    static let svixRenamed = Self.renamed(.svix)

    private static func renamed(_ scheme: WebhookVerificationSettings.Scheme) -> Sample {
        let fields = Self.svix.fields.map { ("webhook" + $0.key.dropFirst(4), $0.value) }
        return Sample(
            scheme: scheme, secret: Self.svix.secret, time: Self.svix.time, body: Self.svix.body,
            fields: Dictionary(uniqueKeysWithValues: fields))
    }

    static let all = [github, slack, stripe, svix, standard, svixRenamed]
    static let timed = [slack, stripe, svix, standard, svixRenamed]

    @Test(arguments: Self.all)
    func `the example of the sender is accepted, and nothing that differs from it`(sample: Sample) {
        #expect(sample.problem() == nil)
        let invalid = WebhookProblem(.invalidSignature, "Invalid signature")
        #expect(sample.problem(body: sample.body + " ") == invalid)
        #expect(sample.problem(body: "") == invalid)
        let other = sample.scheme.hasEncodedSecret ? "whsec_AAAA" : "other"
        #expect(sample.problem(secrets: [other]) == invalid)
        #expect(sample.problem(secrets: [other, sample.secret]) == nil, "a secret may be replaced by another one")
        #expect(sample.problem(secrets: [sample.secret, other]) == nil)
    }

    @Test(arguments: Self.all)
    func `a header that is missing or empty is named`(sample: Sample) {
        for field in sample.fields.keys {
            let expected = WebhookProblem(.noCredentials, "Missing \(field) header")
            #expect(sample.problem([field: ""]) == expected)
            // Without its own signature, a request to Svix is read by the standard's names.
            guard field != "svix-signature" else { continue }
            #expect(sample.problem([field: nil]) == expected)
        }
    }

    @Test(arguments: Self.timed)
    func `a time is accepted up to five minutes from the clock, in both directions`(sample: Sample) {
        #expect(sample.problem(at: sample.time + 300) == nil)
        #expect(sample.problem(at: sample.time - 300) == nil)
        #expect(
            sample.problem(at: sample.time + 300, milliseconds: 1)?.message == "Signed 301 s ago; at most 300 s are accepted")
        #expect(
            sample.problem(at: sample.time - 300, milliseconds: -1)?.message
                == "Signed 301 s in the future; at most 300 s are accepted, check the clocks")
    }

    @Test func `a time that is signed cannot be changed`() {
        let invalid = WebhookProblem(.invalidSignature, "Invalid signature")
        #expect(Self.slack.problem(["X-Slack-Request-Timestamp": "1531420619"]) == invalid)
        #expect(Self.svix.problem(["svix-timestamp": "1614265331"]) == invalid)
        #expect(Self.svix.problem(["svix-id": "msg_2"]) == invalid)
        let later = Self.stripe.fields["Stripe-Signature"]?.replacing("t=1492774577", with: "t=1492774578")
        #expect(Self.stripe.problem(["Stripe-Signature": later]) == invalid)
    }

    @Test(arguments: ["", "-1531420618", "1531420618.5", " ", "0x1", "999999999999", "1531420618 "])
    func `a time is whole seconds`(text: String) {
        let problem = Self.slack.problem(["X-Slack-Request-Timestamp": text])
        #expect(
            problem?.message
                == (text.isEmpty
                    ? "Missing X-Slack-Request-Timestamp header"
                    : "Malformed X-Slack-Request-Timestamp header; expected a time in seconds since 1970"))
    }

    @Test(arguments: [
        ("sha256=zz", "'sha256=' and 64 hexadecimal digits"), ("757107ea", "'sha256=' and 64 hexadecimal digits"),
        ("sha1=757107ea0eb2509fc211221cce984b8a37570b6d", "'sha256=' and 64 hexadecimal digits"),
    ])
    func `a signature of another form is answered with the expected one`(text: String, form: String) {
        let problem = Self.github.problem(["X-Hub-Signature-256": text])
        #expect(problem == WebhookProblem(.invalidSignature, "Malformed X-Hub-Signature-256 header; expected \(form)"))
    }

    @Test(arguments: [
        ("t=1492774577", "t=SECONDS,v1=SIGNATURE"), ("v1=00", "t=SECONDS,v1=SIGNATURE"),
        ("t=1492774577,t=1492774577,v1=00", "t=SECONDS,v1=SIGNATURE"), ("nonsense", "t=SECONDS,v1=SIGNATURE"),
        ("t=1492774577,v0=00", "t=SECONDS,v1=SIGNATURE"), ("t=1492774577,v1=00", "64 hexadecimal digits"),
        ("t=soon,v1=00", "a time in seconds since 1970"),
    ])
    func `a malformed Stripe-Signature is answered with its form`(text: String, form: String) {
        let problem = Self.stripe.problem(["Stripe-Signature": text])
        #expect(problem?.message == "Malformed Stripe-Signature header; expected \(form)")
    }

    @Test func `one of several signatures is enough, and there is a bound`() throws {
        let wrong = "v1," + WebhookSignature.base64(Array(repeating: 0, count: 32))
        let right = try #require(Self.svix.fields["svix-signature"])
        let limit = WebhookClaim.signatureLimit
        let most = Array(repeating: wrong, count: limit - 1) + [right]
        #expect(Self.svix.problem(["svix-signature": most.joined(separator: " ")]) == nil)
        #expect(Self.svix.problem(["svix-signature": "v1a,AAAA \(right)"]) == nil, "other versions are ignored")
        #expect(
            Self.svix.problem(["svix-signature": ([wrong] + most).joined(separator: " ")])?.message
                == "Malformed svix-signature header; expected at most 16 signatures")
        #expect(
            Self.svix.problem(["svix-signature": "v1a,AAAA"])?.message == "Malformed svix-signature header; expected v1,SIGNATURE"
        )
        #expect(
            Self.svix.problem(["svix-signature": "v1,AAAA"])?.message
                == "Malformed svix-signature header; expected 'v1,' and 44 characters of base64")
        let code = try #require(Self.stripe.fields["Stripe-Signature"]?.split(separator: ",")[1])
        let codes = Array(repeating: String(code), count: limit + 1).joined(separator: ",")
        #expect(
            Self.stripe.problem(["Stripe-Signature": "t=1492774577," + codes])?.message
                == "Malformed Stripe-Signature header; expected at most 16 signatures")
        #expect(Self.stripe.problem(["Stripe-Signature": "t=1492774577," + codes.dropLast(code.count + 1)]) == nil)
    }

    @Test func `a problem contains no secret`() {
        for sample in Self.all {
            for problem in [sample.problem(body: "x"), sample.problem(sample.fields.mapValues { _ in "x" })] {
                #expect(problem?.message.contains(String(sample.secret.dropFirst(6))) == false)
            }
        }
    }
}
