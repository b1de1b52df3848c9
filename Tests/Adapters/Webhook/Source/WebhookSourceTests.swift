import BridgeCore
import BridgeTesting
import FoundationEssentials
import HTTPServer
import NIOCore
import Testing

@testable import WebhookAdapter

@Suite struct WebhookSourceTests {
    static let json = "Content-Type: application/json\r\n"

    @Test func `both paths accept an event and answer with its id and queued`() async throws {
        try await WebhookFixture.run { hook in
            let documented = try await hook.post(#"{"title":"T","message":"M","priority":4,"tags":["a"]}"#, headers: Self.json)
            let short = try await hook.post("plain", to: "/n/h2", headers: "Content-Type: text/plain; charset=utf-8\r\n")
            try await eventually("both have arrived") { hook.sink.count == 2 }
            let events = hook.sink.events
            for (answer, status, event) in [(documented, 200, events[0]), (short, 201, events[1])] {
                #expect(answer.status == status)
                #expect(answer.body == "{\"id\":\"\(event.id)\",\"messageId\":\"\(event.id)\",\"status\":\"queued\"}")
                #expect(answer.head.contains("Content-Type: application/json\r\n"))
            }
            #expect(events[0].title == "T" && events[0].message == "M" && events[0].priority == 4 && events[0].tags == ["a"])
            #expect(events[0].subject == "h" && events[0].source == "hook")
            #expect(events[1].message == "plain" && events[1].subject == "h2")
        }
    }

    @Test(arguments: [
        (#"{"text":"from Slack"}"#, "Content-Type: application/json\r\n", "from Slack"),
        (#"{"body":"x"}"#, "Content-Type: APPLICATION/JSON;charset=utf-8\r\n", "x"),
        ("sent by curl -d", "Content-Type: application/x-www-form-urlencoded\r\n", "sent by curl -d"),
        (#"{"message":"sent by curl -d"}"#, "Content-Type: application/x-www-form-urlencoded\r\n", "sent by curl -d"),
        (#"{"message":"no type"}"#, "", "no type"),
        ("no type", "", "no type"),
        ("message=open+now&x=1", "Content-Type: application/x-www-form-urlencoded\r\n", "open now"),
        (
            "--b\r\nContent-Disposition: form-data; name=\"message\"\r\n\r\nopen\r\n--b--",
            "Content-Type: multipart/form-data; boundary=b\r\n", "open"
        ),
    ]) func `every content type that senders use is taken`(_ body: String, _ headers: String, _ message: String) async throws {
        try await WebhookFixture.run { hook in
            #expect(try await hook.post(body, headers: headers).status == 200)
            try await eventually("it has arrived") { hook.sink.count == 1 }
            #expect(hook.sink.events[0].message == message)
            #expect(hook.sink.events[0].raw == ByteBuffer(string: body))
        }
    }

    @Test func `headers set title, priority and tags of a text body`() async throws {
        try await WebhookFixture.run { hook in
            let headers = "Content-Type: text/plain\r\nX-Title: Door\r\nX-Priority: 5\r\nX-Tags: a, b\r\n"
            #expect(try await hook.post("open", headers: headers).status == 200)
            try await eventually("it has arrived") { hook.sink.count == 1 }
            let event = hook.sink.events[0]
            #expect(event.title == "Door" && event.priority == 5 && event.tags == ["a", "b"] && event.message == "open")
        }
    }

    @Test func `a path with a slash at the end is the same path`() async throws {
        try await WebhookFixture.run { hook in
            #expect(try await hook.post("a", to: "/api/webhooks/h/").status == 200)
            #expect(try await hook.post("b", to: "/n/h2/?x=1").status == 201)
            try await eventually("both have arrived") { hook.sink.count == 2 }
            #expect(hook.sink.events.map(\.subject) == ["h", "h2"])
            for path in ["/n/h//", "/n//h", "/n/h/x", "/n/", "//n/h"] {
                #expect(try await hook.post("c", to: path).status == 404, "\(path)")
            }
        }
    }

    @Test func `header fields become attributes, except those that hold secrets`() async throws {
        try await WebhookFixture.run { hook in
            let secret = [
                "Authorization: Bearer s3cret", "Cookie: s3cret", "Proxy-Authorization: s3cret", "X-Api-Key: s3cret",
                "X-Gitlab-Token: s3cret", "X-Auth-User: s3cret", "X-Webhook-Secret: s3cret",
            ]
            let open = [
                "X-GitHub-Event: push", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                "X-Alphorn-Trace: abc.def",
            ]
            _ = try await hook.post("x", headers: (secret + open).map { $0 + "\r\n" }.joined())
            try await eventually("it has arrived") { hook.sink.count == 1 }
            let event = hook.sink.events[0]
            #expect(event.attributes["x-github-event"] == "push")
            #expect(event.attributes["x-alphorn-trace"] == "abc.def")
            #expect(event.provenance.trace == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            #expect(!event.attributes.elements.contains { $0.value.contains("s3cret") || $0.name == "content-length" })
        }
    }

    @Test func `an idempotency key is the id, and so is the id of a body in the model's own form`() async throws {
        try await WebhookFixture.run { hook in
            let keyed = try await hook.post("x", headers: "Idempotency-Key: key-1\r\n")
            #expect(keyed.member("id") == "key-1")
            let unsafe = try await hook.post("x", headers: "Idempotency-Key: a(b)\r\n")
            #expect(unsafe.member("id")?.hasPrefix("key_") == true)
            let native = try await hook.post(
                #"{"id":"own-1","title":"","message":"m","timestamp":"2026-01-15T10:00:00.000Z"}"#, headers: Self.json
            )
            try await eventually("they have arrived") { hook.sink.count == 3 }
            #expect(hook.sink.events.map(\.id) == [keyed, unsafe, native].compactMap { $0.member("id") })
            #expect(native.member("id") == "own-1")
        }
    }

    @Test(arguments: [
        ("{\"a\":", #"{"error":"Invalid JSON body"}"#), ("[1]", #"{"error":"JSON body must be an object"}"#),
        ("null", #"{"error":"JSON body must be an object"}"#), ("", #"{"error":"JSON body must be an object"}"#),
        ("\"text\"", #"{"error":"JSON body must be an object"}"#),
    ]) func `a body declared as JSON that is not an object is refused`(_ body: String, _ error: String) async throws {
        try await WebhookFixture.run { hook in
            let answer = try await hook.post(body, headers: Self.json)
            #expect(answer.status == 400)
            #expect(answer.body == error)
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `unsupported, unknown and oversized requests are refused`() async throws {
        try await WebhookFixture.run({ $0.maxBody = 100 }) { hook in
            let mixed = try await hook.post("x", headers: "Content-Type: multipart/mixed; boundary=b\r\n")
            #expect(mixed.status == 415)
            #expect(
                mixed.body
                    == #"{"error":"Content-Type 'multipart/mixed; boundary=b' is not supported; send JSON, a form or text"}"#)
            let unknown = try await hook.post("x", to: "/n/nobody")
            #expect(unknown.status == 404)
            #expect(unknown.body == #"{"error":"Not found"}"#)
            let large = try await hook.post(String(repeating: "x", count: 101))
            #expect(large.status == 413)
            #expect(large.body == #"{"error":"Payload too large","limit":100}"#)
            let loop = try await hook.post("x", headers: "streambridge-hops: 8\r\n")
            #expect(loop.status == 508)
            #expect(loop.body == #"{"error":"Loop detected"}"#)
            let connection = try RawConnection(port: hook.port)
            try await connection.send("GET /api/webhooks/h HTTP/1.1\r\nHost: x\r\n\r\n")
            let get = try await Answer.read(from: connection)
            #expect(get.status == 405)
            #expect(get.head.contains("Allow: OPTIONS, POST, PUT\r\n"))
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `a token is required and compared whole, with the answers that senders know`() async throws {
        try await WebhookFixture.run({ $0.tokens = [Secret("alp_key")] }) { hook in
            for headers in ["", "Authorization: alp_key\r\n", "Authorization: Basic alp_key\r\n"] {
                let answer = try await hook.post("x", headers: headers)
                #expect(answer.status == 401)
                #expect(answer.body == #"{"error":"Missing or invalid Authorization header"}"#)
                #expect(answer.head.contains("WWW-Authenticate: Bearer"))
            }
            for key in ["alp_ke", "alp_key2", "ALP_KEY"] {
                let answer = try await hook.post("x", headers: "Authorization: Bearer \(key)\r\n")
                #expect(answer.status == 401)
                #expect(answer.body == #"{"error":"Invalid API key"}"#)
            }
            #expect(hook.sink.count == 0)
            #expect(try await hook.post("x", headers: "Authorization: Bearer alp_key\r\n").status == 200)
        }
    }

    @Test func `a signature is verified over the unchanged body`() async throws {
        let signature = WebhookSignature(secret: Secret("s"))
        try await WebhookFixture.run({ $0.signature = .init(secret: Secret("s")) }) { hook in
            let good = signature.sign(ByteBuffer(string: "body"))
            #expect(try await hook.post("body", headers: "X-Hub-Signature-256: \(good)\r\n").status == 200)
            let missing = try await hook.post("body")
            #expect(missing.status == 401)
            #expect(missing.body == #"{"error":"Missing X-Hub-Signature-256 header"}"#)
            let wrong = try await hook.post("body2", headers: "X-Hub-Signature-256: \(good)\r\n")
            #expect(wrong.status == 401)
            #expect(wrong.body == #"{"error":"Invalid signature"}"#)
        }
    }

    @Test func `an event is answered only after its delivery, and with 503 after the time limit`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered, { $0.timeout = .milliseconds(1500) }) { hook in
            hook.sink.hold()
            let late = try await hook.post("x")
            #expect(late.status == 503)
            #expect(late.body == #"{"error":"Not confirmed in time"}"#)
            #expect(late.head.contains("Retry-After: 5\r\n"))
            let connection = try RawConnection(port: hook.port)
            try await WebhookFixture.send("y", on: connection)
            hook.sink.hold(false)
            #expect(try await Answer.read(from: connection).status == 200)
        }
    }

    @Test func `many requests at once are answered each with its own event`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered) { hook in
            try await withThrowingTaskGroup { group in
                for client in 0..<20 {
                    group.addTask {
                        let connection = try RawConnection(port: hook.port)
                        for index in 0..<50 {
                            let name = "\(client)-\(index)"
                            try await WebhookFixture.send(name, headers: "Idempotency-Key: \(name)\r\n", on: connection)
                            let answer = try await Answer.read(from: connection)
                            #expect(answer.status == 200)
                            #expect(answer.member("id") == "\(client)-\(index)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let events = hook.sink.events
            #expect(events.count == 1000)
            for client in 0..<20 {
                let own = events.filter { $0.id.hasPrefix("\(client)-") }
                #expect(own.map(\.message) == (0..<50).map { "\(client)-\($0)" })
            }
        }
    }

    @Test(arguments: [AcknowledgePolicy.received, .delivered])
    func `requests that arrive together are answered each for itself`(acknowledge: AcknowledgePolicy) async throws {
        try await WebhookFixture.run(acknowledge: acknowledge) { hook in
            let kinds = ["", "Idempotency-Key: same\r\n", "streambridge-hops: 8\r\n", Self.json]
            let connections = try (0..<100).map { _ in try RawConnection(port: hook.port) }
            for (number, connection) in connections.enumerated() {
                let body = number % 4 == 1 ? "same" : "\(number)"
                try await WebhookFixture.send(body, headers: kinds[number % 4], on: connection)
            }
            var ids: Set<String> = []
            for (number, connection) in connections.enumerated() {
                let answer = try await Answer.read(from: connection)
                switch number % 4 {
                case 0:
                    #expect(answer.status == 200)
                    ids.insert(try #require(answer.member("id")))
                case 1: #expect(answer.status == 200 && answer.member("id") == "same")
                case 2: #expect(answer.status == 508 && answer.body == #"{"error":"Loop detected"}"#)
                default: #expect(answer.status == 400 && answer.body == #"{"error":"JSON body must be an object"}"#)
                }
            }
            try await eventually("all that are taken have arrived") { hook.sink.count == 26 }
            #expect(ids.count == 25 && Set(hook.sink.events.map(\.id)) == ids.union(["same"]))
        }
    }

    @Test func `a log that is full is answered 429 until there is room`() async throws {
        var small = DeliverySettings()
        small.events = 2
        try await WebhookFixture.run(acknowledge: .delivered, delivery: small) { hook in
            hook.sink.hold()
            var waiting: [RawConnection] = []
            var refusal: Answer?
            for _ in 0..<50 where refusal == nil {
                let connection = try RawConnection(port: hook.port)
                try await WebhookFixture.send("x", on: connection)
                waiting.append(connection)
                let probe = try await hook.post("", headers: Self.json)
                if probe.status == 429 { refusal = probe }
            }
            let answer = try #require(refusal)
            #expect(answer.body == #"{"error":"Too many requests"}"#)
            #expect(answer.head.contains("Retry-After: 1\r\n"))
            hook.sink.hold(false)
            try await eventually("requests are taken again") { try await hook.post("y").status == 200 }
            #expect(try await Answer.read(from: waiting[0]).status == 200)
        }
    }

    /// Each event fills the log and the sink empties it at once, while requests on other event loops find it full.
    @Test func `a log that is full only briefly refuses no request`() async throws {
        try await WebhookFixture.run(delivery: DeliverySettings(events: 1)) { hook in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<16 {
                    group.addTask {
                        let connection = try RawConnection(port: hook.port)
                        for number in 0..<60 {
                            try await eventually("client \(client) has posted number \(number)") {
                                try await WebhookFixture.send("\(client)/\(number)", on: connection)
                                return try await Answer.read(from: connection).status == 200
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await eventually("all have arrived") { hook.sink.count == 16 * 60 }
        }
    }

    @Test func `once it stops, new requests are answered 503, and waiting ones once their events are safe`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered) { hook in
            hook.sink.hold()
            let waiting = try RawConnection(port: hook.port)
            try await WebhookFixture.send("x", on: waiting)
            try await eventually("it is taken") { hook.sink.count == 1 }
            hook.stop()
            try await eventually("requests are refused") { try await hook.post("", headers: Self.json).status == 503 }
            let late = try await hook.post("y")
            #expect(late.body == #"{"error":"Not accepting requests now"}"#)
            #expect(late.head.contains("Retry-After: 5\r\n"))
            hook.sink.hold(false)
            #expect(try await Answer.read(from: waiting).status == 200)
        }
    }

    @Test func `an accepted answer survives an interrupted request`() async throws {
        try await WebhookFixture.run(acknowledge: .delivered) { hook in
            hook.sink.hold()
            var connection: RawConnection? = try RawConnection(port: hook.port)
            try await WebhookFixture.send("x", on: #require(connection))
            try await eventually("it is taken") { hook.sink.count == 1 }
            connection?.reset()
            connection = nil
            hook.sink.hold(false)
            #expect(try await hook.post("y").status == 200)
            #expect(hook.sink.count == 2)
        }
    }

    @Test func `curl posts a form's text and JSON`() async throws {
        try await WebhookFixture.run { hook in
            let url = "http://127.0.0.1:\(hook.port)/api/webhooks/h"
            for (arguments, message) in [
                (["-d", "hello world"], "hello world"), (["-d", #"{"message":"json"}"#], "json"),
                (
                    [
                        "-H", "Content-Type: application/json", "-H", "Transfer-Encoding: chunked", "-d",
                        #"{"message":"chunked"}"#,
                    ], "chunked"
                ),
                (["-H", "Expect: 100-continue", "--http2", "-d", "with upgrade"], "with upgrade"),
            ] {
                let before = hook.sink.count
                try await ChildProcess.with("curl", ["-sS", "-o", "/dev/stdout", "-w", " %{http_code}"] + arguments + [url]) {
                    curl in
                    let ending = try await curl.untilEnded()
                    #expect(ending == .exited(0))
                    #expect(curl.standardOutput.hasSuffix("\"status\":\"queued\"} 200"))
                }
                try await eventually("it has arrived") { hook.sink.count == before + 1 }
                #expect(hook.sink.events[before].message == message)
            }
        }
    }

    @Test(arguments: [
        ("", "id: an id is missing; set id, the last part of the path that clients post to"),
        (#""ids": []"#, "id: an id is missing; set id, the last part of the path that clients post to"),
        (#""id": "a/b""#, "id: 'a/b' is not a webhook id; 1 to 128 letters, digits, '_' and '-' are allowed"),
        (#""ids": ["a", "b c"]"#, "ids.Index 1: 'b c' is not a webhook id; 1 to 128 letters, digits, '_' and '-' are allowed"),
        (#""ids": ["a", "a"]"#, "ids: the same id is listed twice; remove one"),
        (#""id": "h", "ids": ["g"]"#, "ids: id and ids exclude each other; put every id into ids"),
        (#""id": "h", "token": """#, "token: the token is empty; write one or leave the key out"),
        (#""id": "h", "token": null"#, "token: has no value; write one or leave it out"),
        (#""id": "h", "max_body": "0""#, "max_body: 0 bytes is too small; 1B or more is allowed"),
        (#""id": "h", "timeout": "99ms""#, "timeout: must be 100ms or longer"),
    ])
    func `invalid settings are refused by name`(settings: String, expected: String) {
        let error = #expect(throws: SettingError.self) {
            try JSONDecoder().decode(WebhookSourceConfiguration.self, from: Data("{\(settings)}".utf8)).validate()
        }
        #expect(error?.description == expected)
    }

    @Test func `an id belongs to one source`() {
        #expect(
            WebhookSourceConfiguration(ids: ["a", "b"]).exclusiveResources
                == [Resource("webhook id", "a"), Resource("webhook id", "b")]
        )
    }
}
