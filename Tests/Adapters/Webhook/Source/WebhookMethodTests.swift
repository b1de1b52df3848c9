import BridgeCore
import BridgeTesting
import FoundationEssentials
import NIOCore
import Testing

@testable import WebhookAdapter

/// `methods`: POST and PUT, and GET where the file allows it.
struct WebhookMethodTests {
    private static func send(_ method: String, _ target: String, _ headers: String = "", body: String = "", to port: Int)
        async throws -> Answer
    {
        let connection = try RawConnection(port: port)
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        try await connection.send("\(method) \(target) HTTP/1.1\r\nHost: x\r\n\(length)\(headers)\r\n\(body)")
        return try await Answer.read(from: connection)
    }

    @Test func `PUT is the same as POST`() async throws {
        try await WebhookFixture.run { hook in
            #expect(try await Self.send("PUT", "/api/webhooks/h", body: "a", to: hook.port).status == 200)
            #expect(try await Self.send("PUT", "/n/h", body: "b", to: hook.port).status == 201)
            try await eventually("both have arrived") { hook.sink.count == 2 }
            #expect(hook.sink.events.map(\.message) == ["a", "b"])
            let get = try await Self.send("GET", "/n/h?message=x", to: hook.port)
            #expect(get.status == 405 && get.head.contains("Allow: OPTIONS, POST, PUT\r\n"))
        }
    }

    @Test func `only the methods of the file are accepted`() async throws {
        try await WebhookFixture.run({ $0.methods = [.post] }) { hook in
            let put = try await Self.send("PUT", "/n/h", body: "a", to: hook.port)
            #expect(put.status == 405 && put.head.contains("Allow: OPTIONS, POST\r\n"))
            #expect(try await hook.post("a").status == 200)
        }
    }

    @Test(arguments: [
        ("message=open+now&title=Door&priority=4", "Door", "open now"), ("disk%20almost%20full", "h", "disk almost full"),
        ("payload=%7B%22text%22%3A%22hi%22%7D", "h", "hi"), ("payload=%7Bopen&more=1", "h", "{open"),
    ]) func `the fields of the query of a GET are the body`(query: String, title: String, message: String) async throws {
        try await WebhookFixture.run({ $0.methods = [.get] }) { hook in
            let answer = try await Self.send("GET", "/n/h?\(query)", "X-Custom: c\r\n", body: "ignored", to: hook.port)
            #expect(answer.status == 201)
            try await eventually("it has arrived") { hook.sink.count == 1 }
            let event = hook.sink.events[0]
            #expect(event.message == message && event.title == title && event.attributes["x-custom"] == "c")
            #expect(answer.member("id") == event.id)
        }
    }

    @Test func `a token in the query is not part of the event`() async throws {
        try await WebhookFixture.run({
            $0.methods = [.post, .get]
            $0.tokens = [Secret("s3cret")]
            $0.tokenQuery = "key"
        }) { hook in
            #expect(try await Self.send("GET", "/n/h?message=m", to: hook.port).status == 401)
            #expect(try await Self.send("GET", "/n/h?key=s3cret&message=m&a=1&a=2", to: hook.port).status == 201)
            #expect(try await Self.send("GET", "/n/h?key=s3cret&text", to: hook.port).status == 201)
            try await eventually("both have arrived") { hook.sink.count == 2 }
            let raw = hook.sink.events.map { String(buffer: $0.raw) }
            #expect(raw == [#"{"message":"m","a":["1","2"]}"#, #"{"text":""}"#])
            let empty = try await Self.send("GET", "/n/h?key=s3cret", to: hook.port)
            #expect(empty.status == 400)
            #expect(empty.body == #"{"error":"A GET without query fields has no event; add some, such as ?message=…"}"#)
        }
    }

    @Test func `a query that cannot be read, or has too many fields, is refused`() async throws {
        try await WebhookFixture.run({ $0.methods = [.get] }) { hook in
            for query in ["a=%FF", "%FF=a", "a=%2"] {
                let answer = try await Self.send("GET", "/n/h?\(query)", to: hook.port)
                #expect(answer.status == 400)
                #expect(answer.body == #"{"error":"The query is not valid percent-encoded UTF-8"}"#)
            }
            let most = Array(repeating: "a=1", count: WebhookForm.fieldLimit).joined(separator: "&")
            #expect(try await Self.send("GET", "/n/h?\(most)", to: hook.port).status == 201)
            let more = try await Self.send("GET", "/n/h?\(most)&a=1", to: hook.port)
            #expect(more.status == 400)
            #expect(more.body == #"{"error":"The query has 501 fields; at most 500 are allowed"}"#)
        }
    }

    @Test func `HEAD, by which clients look at a link, makes no event`() async throws {
        try await WebhookFixture.run({ $0.methods = [.get, .put] }) { hook in
            let connection = try RawConnection(port: hook.port)
            try await connection.send("HEAD /n/h?message=x HTTP/1.1\r\nHost: x\r\n\r\n")
            let head = try await connection.receive(through: "\r\n\r\n")
            #expect(head.hasPrefix("HTTP/1.1 405 ") && head.contains("Allow: GET, PUT\r\n"))
            #expect(hook.sink.count == 0)
        }
    }

    @Test func `a page of another origin cannot send by GET`() async throws {
        try await WebhookFixture.run({ $0.methods = [.get] }) { hook in
            let answer = try await Self.send("GET", "/n/h?message=x", "Sec-Fetch-Site: cross-site\r\n", to: hook.port)
            #expect(answer.status == 403)
            #expect(hook.sink.count == 0)
        }
    }

    @Test(arguments: [
        (#""methods": []"#, "methods: the list is empty; write POST, PUT or GET"),
        (#""methods": ["POST", "POST"]"#, "methods: the same method is listed twice; remove one"),
        (#""methods": ["post"]"#, "methods.Index 0: 'post' is not one of POST, PUT, GET"),
        (
            #""methods": ["GET"], "signature": {"secret": "s"}"#,
            "methods: a signature covers the body, and GET has none; leave GET out, or write a token in place of the signature"
        ),
    ]) func `methods that make no sense are refused`(settings: String, expected: String) {
        let error = #expect(throws: SettingError.self) {
            try WebhookFixture.configuration("{\"id\": \"h\", \(settings)}")
        }
        #expect(error?.description == expected)
    }
}
