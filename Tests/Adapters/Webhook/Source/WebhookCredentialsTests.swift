import BridgeCore
import BridgeTesting
import FoundationEssentials
import HTTPServer
import NIOCore
import Synchronization
import Testing

@testable import WebhookAdapter

/// Secrets that senders send as they are: in a header, in the query or by Basic authentication.
struct WebhookCredentialsTests {
    @Test func `a token can be in any header, whose value is no attribute`() async throws {
        try await WebhookFixture.run({
            $0.tokens = [Secret("old"), Secret("new")]
            $0.tokenHeader = "X-Sender-Proof"
        }) { hook in
            let missing = try await hook.post("x", headers: "Authorization: Bearer new\r\n")
            #expect(missing.status == 401 && missing.body == #"{"error":"Missing X-Sender-Proof header"}"#)
            for wrong in ["ne", "newer", "NEW", "Bearer new", "old, new"] {
                let answer = try await hook.post("x", headers: "X-Sender-Proof: \(wrong)\r\n")
                #expect(answer.status == 401 && answer.body == #"{"error":"Invalid X-Sender-Proof"}"#)
            }
            #expect(try await hook.post("a", headers: "x-sender-proof: old\r\n").status == 200)
            #expect(try await hook.post("b", headers: "X-Sender-Proof: new\r\nX-Other: o\r\n").status == 200)
            try await eventually("both have arrived") { hook.sink.count == 2 }
            #expect(hook.sink.events.allSatisfy { $0.attributes["x-sender-proof"] == nil })
            #expect(hook.sink.events[1].attributes["x-other"] == "o")
        }
    }

    @Test func `a token can be in a field of the query`() async throws {
        try await WebhookFixture.run({
            $0.tokens = [Secret("a b&c")]
            $0.tokenQuery = "key"
        }) { hook in
            let missing = try await hook.post("x", to: "/n/h?other=1")
            #expect(missing.status == 401 && missing.body == #"{"error":"Missing query field 'key'"}"#)
            let empty = try await hook.post("x", to: "/n/h?key=")
            #expect(empty.body == #"{"error":"Missing query field 'key'"}"#)
            for query in ["key=a", "key=wrong&key=a+b%26c"] {
                let wrong = try await hook.post("x", to: "/n/h?\(query)")
                #expect(wrong.status == 401 && wrong.body == #"{"error":"Invalid query field 'key'"}"#)
            }
            #expect(try await hook.post("x", to: "/n/h?other=1&key=a+b%26c").status == 201)
        }
    }

    @Test func `Basic authentication is asked for and checked`() async throws {
        try await WebhookFixture.run({
            $0.user = "ann"
            $0.password = Secret("p:ä")
        }) { hook in
            for headers in ["", "Authorization: Bearer x\r\n", "Authorization: Basic \u{7E}\r\n"] {
                let missing = try await hook.post("x", headers: headers)
                #expect(missing.status == 401 && missing.body == #"{"error":"Missing or invalid Authorization header"}"#)
                #expect(missing.head.contains("WWW-Authenticate: Basic realm=\"streambridge\", charset=\"UTF-8\"\r\n"))
            }
            for pair in ["ann:p", "bob:p:ä", "ann", ":"] {
                let answer = try await hook.post(
                    "x", headers: "Authorization: Basic \(WebhookSignature.base64(Array(pair.utf8)))\r\n")
                #expect(answer.status == 401 && answer.body == #"{"error":"Invalid user or password"}"#)
            }
            let right = WebhookSignature.base64(Array("ann:p:ä".utf8))
            #expect(try await hook.post("x", headers: "authorization: basic \(right)\r\n").status == 200)
        }
    }

    /// What the program counts and logs.
    @Test func `refusals are reported with what is wrong, without the secret`() throws {
        let notes = Mutex<[String]>([])
        let refusals = HTTPRefusals { reason, _, detail in notes.withLock { $0.append("\(reason.rawValue): \(detail ?? "")") } }
        var configuration = WebhookSourceConfiguration(ids: ["h"])
        configuration.tokens = [Secret("MARKSECRET")]
        configuration.tokenHeader = "X-Gitlab-Token"
        configuration.signature = .init(secret: Secret("MARKKEY"))
        let rules = WebhookRefusals(configuration, refusals: refusals)
        let gate = WebhookGate()
        for fields in [[], [("X-Gitlab-Token", "wrong")]] {
            _ = rules.refusal(of: WebhookRequests.make(fields: fields), gate)
        }
        for fields in [
            [], [("X-Hub-Signature-256", "x")], [("X-Hub-Signature-256", "sha256=" + String(repeating: "0", count: 64))],
        ] {
            _ = rules.refusal(ofSignature: WebhookRequests.make(fields: fields))
        }
        #expect(
            notes.withLock { $0 } == [
                "no_credentials: Missing X-Gitlab-Token header", "unknown_credentials: Invalid X-Gitlab-Token",
                "no_credentials: Missing X-Hub-Signature-256 header",
                "invalid_signature: Malformed X-Hub-Signature-256 header; expected 'sha256=' and 64 hexadecimal digits",
                "invalid_signature: Invalid signature",
            ])
        let quoted = Redaction([configuration.secrets]).redacted("you sent MARKSECRET and MARKKEY")
        #expect(!quoted.contains("MARK"))
    }

    @Test(arguments: [
        (#""token": []"#, "token: the list is empty; write one or leave the key out"),
        (#""token": ["a", ""]"#, "token.Index 1: the token is empty; write one or leave the key out"),
        (#""token": ["a", "b", "a"]"#, "token: the same token is listed twice; remove one"),
        (
            #""token": ["1","2","3","4","5","6","7","8","9","10","11"]"#, "token: 11 are too many; at most 10 are allowed"
        ),
        (#""token_header": "X-A""#, "token_header: a header without a token protects nothing; set token"),
        (#""token": "t", "token_header": "X A""#, "token_header: 'X A' is not the name of a header"),
        (#""token": "t", "token_header": null"#, "token_header: has no value; write one or leave it out"),
        (#""token_query": "t""#, "token_query: a query field without a token protects nothing; set token"),
        (#""token": "t", "token_query": """#, "token_query: is empty; write the name of a query field or leave it out"),
        (
            #""token": "t", "token_query": "q", "token_header": "X-A""#,
            "token_query: token_query and token_header exclude each other; leave one out"
        ),
        (#""user": "a""#, "user: a user needs a password; set password"),
        (#""password": "p""#, "password: a password needs a user; set user"),
        (#""user": "a:b", "password": "p""#, "user: a user has one character or more, and no colon"),
        (#""user": "a", "password": """#, "password: the password is empty; write one or leave the key out"),
        (#""user": "a", "password": "p", "token": "t""#, "user: user and token exclude each other; leave one out"),
        (#""signature": {}"#, "signature: 'secret' is missing"),
        (#""signature": {"secret": ""}"#, "signature.secret: the secret is empty; write one"),
        (#""signature": {"secret": []}"#, "signature.secret: the list is empty; write one"),
        (#""signature": {"secret": ["s", "s"]}"#, "signature.secret: the same secret is listed twice; remove one"),
        (#""signature": {"secret": "s", "header": "a b"}"#, "signature.header: 'a b' is not the name of a header"),
        (
            #""signature": {"secret": "s", "scheme": "github"}"#,
            "signature.scheme: 'github' is not one of hmac, slack, stripe, standard-webhooks, svix"
        ),
        (#""signature": {"secret": "s", "algorithm": "md5"}"#, "signature.algorithm: 'md5' is not one of sha1, sha256, sha512"),
        (#""signature": {"secret": "s", "encoding": "hexa"}"#, "signature.encoding: 'hexa' is not one of hex, base64"),
        (
            #""signature": {"secret": "s", "scheme": "slack", "header": "X-A"}"#,
            "signature.header: scheme slack defines the header; leave it out, or write scheme: hmac"
        ),
        (
            #""signature": {"secret": "s", "scheme": "stripe", "algorithm": "sha256"}"#,
            "signature.algorithm: scheme stripe defines the algorithm; leave it out, or write scheme: hmac"
        ),
        (
            #""signature": {"secret": "s", "tolerance": "5m"}"#,
            "signature.tolerance: scheme hmac signs no time; leave tolerance out, or write the sender's scheme"
        ),
        (
            #""signature": {"secret": "s", "scheme": "slack", "tolerance": "999ms"}"#,
            "signature.tolerance: is out of range; 1s to 1h is allowed"
        ),
        (
            #""signature": {"secret": "s", "scheme": "slack", "tolerance": "3601s"}"#,
            "signature.tolerance: is out of range; 1s to 1h is allowed"
        ),
        (
            #""signature": {"secret": "whpk_AAAA", "scheme": "standard-webhooks"}"#,
            "signature.secret: a secret of scheme standard-webhooks is 'whsec_' and base64; copy it whole from the sender"
        ),
        (
            #""signature": {"secret": ["whsec_AAAA", "whsec_"], "scheme": "svix"}"#,
            "signature.secret: a secret of scheme svix is 'whsec_' and base64; copy it whole from the sender"
        ),
    ])
    func `settings that protect nothing or contradict each other are refused`(settings: String, expected: String) {
        do {
            try JSONDecoder().decode(WebhookSourceConfiguration.self, from: Data("{\"id\": \"h\", \(settings)}".utf8)).validate()
            Issue.record("accepted")
        } catch let error as SettingError {
            #expect(error.description == expected)
        } catch let DecodingError.keyNotFound(_, context) {
            #expect("\(context.codingPath.map(\.stringValue).joined()): \(context.debugDescription)" == expected)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: [
        #""token": ["a", "b"], "token_header": "X-Gitlab-Token""#, #""user": "a", "password": "p""#,
        #""signature": {"secret": ["whsec_AAAA", "BBBB"], "scheme": "svix", "tolerance": "1s"}"#,
        #""signature": {"secret": "s", "scheme": "stripe", "tolerance": "1h"}"#,
        #""signature": {"secret": "s", "header": "X-Shopify-Hmac-Sha256", "encoding": "base64", "prefix": ""}"#,
        #""token": ["1","2","3","4","5","6","7","8","9","10"]"#,
    ])
    func `settings at their bounds are accepted`(settings: String) throws {
        try JSONDecoder().decode(WebhookSourceConfiguration.self, from: Data("{\"id\": \"h\", \(settings)}".utf8)).validate()
    }
}
