import BridgeCore
import BridgeTesting
import FoundationEssentials
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointTests {
    @Test func `a stream begins with a comment, the reconnection delay and the cursor, before any event`() async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open()
            #expect(reader.head.hasPrefix("HTTP/1.1 200 OK\r\n"))
            for line in [
                "Content-Type: text/event-stream", "Cache-Control: no-store, no-transform", "X-Accel-Buffering: no",
                "Transfer-Encoding: chunked",
            ] {
                #expect(reader.head.contains("\(line)\r\n"))
            }
            #expect(!reader.head.contains("Gap"))
            #expect(try await reader.block() == ": connected")
            let cursor = "\(endpoint.hub.epoch)-0"
            #expect(try await reader.block() == "retry: 2000\nevent: cursor\nid: \(cursor)\ndata:{\"cursor\":\"\(cursor)\"}")
        }
    }

    @Test func `an event is an id and one data line with a space, a gap has a type and no space`() async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open()
            _ = try await reader.cursor()
            try await endpoint.publish(["a", "b"])
            try await endpoint.publish(["c"], kind: .gap)
            let epoch = endpoint.hub.epoch
            #expect(try await reader.block() == "id: \(epoch)-1\ndata: " + #"{"id":"m","title":"","message":"a"}"#)
            #expect(try await reader.block() == "id: \(epoch)-2\ndata: " + #"{"id":"m","title":"","message":"b"}"#)
            #expect(try await reader.block() == "id: \(epoch)-3\nevent: gap\ndata:" + #"{"id":"m","title":"","message":"c"}"#)
        }
    }

    @Test func `an HTTP 1.0 client gets unframed bytes`() async throws {
        try await EndpointFixture.run { endpoint in
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send("GET /api/stream/s HTTP/1.0\r\n\r\n")
            let head = try await connection.receive(through: "\r\n\r\n")
            #expect(head.contains("Connection: close\r\n"))
            #expect(!head.contains("chunked"))
            _ = try await connection.receive(through: "data:{\"cursor\":\"\(endpoint.hub.epoch)-0\"}\n\n")
            try await endpoint.waitForSubscribers(1)
            try await endpoint.publish(["a"])
            #expect(try await connection.receive(through: "}\n\n").hasPrefix("id: \(endpoint.hub.epoch)-1\ndata: {"))
            let late = try RawConnection(port: endpoint.port)
            try await endpoint.publish(["b", "c"])
            try await late.send("GET /api/stream/s?last_event_id=\(endpoint.hub.epoch)-2 HTTP/1.0\r\n\r\n")
            _ = try await late.receive(through: "data:{\"cursor\":\"\(endpoint.hub.epoch)-2\"}\n\n")
            #expect(try await late.receive(through: "}\n\n").hasPrefix("id: \(endpoint.hub.epoch)-3\ndata: {"))
        }
    }

    @Test(arguments: [
        ("", true), ("Accept: */*\r\n", true), ("Accept: text/event-stream\r\n", true), ("Accept: text/*;q=0.5\r\n", true),
        ("Accept: text/html, */*;q=0.1\r\n", true), ("Accept: text/html\r\n", false),
        ("Accept: */*, text/event-stream;q=0\r\n", false), ("Accept: text/html\r\nAccept: text/event-stream\r\n", true),
    ]) func `Accept decides`(_ headers: String, _ isAccepted: Bool) async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open(headers: headers)
            #expect(reader.status == (isAccepted ? 200 : 406))
            if !isAccepted {
                #expect(
                    try await reader.connection.receive(through: "}")
                        == #"{"error":"This stream is text/event-stream, application/x-ndjson or application/json"}"#)
            }
        }
    }

    @Test func `a token is required, and only the right one opens the stream`() async throws {
        try await EndpointFixture.run({ $0.token = Secret("s3cret") }) { endpoint in
            for headers in [
                "", "Authorization: Bearer wrong\r\n", "Authorization: s3cret\r\n", "Authorization: Bearer s3cret2\r\n",
            ] {
                let reader = try await endpoint.open(headers: headers)
                #expect(reader.status == 401)
                #expect(reader.head.contains("WWW-Authenticate: Bearer realm=\"streambridge\"\r\n"))
                #expect(
                    try await reader.connection.receive(through: "}") == #"{"error":"Missing or invalid Authorization header"}"#
                )
            }
            #expect(try await endpoint.open(headers: "Authorization: bearer s3cret\r\n").status == 200)
        }
    }

    @Test func `HEAD, OPTIONS and other methods are answered without a stream`() async throws {
        try await EndpointFixture.run { endpoint in
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send("HEAD /api/stream/s HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await connection.receive(through: "\r\n\r\n").contains("Content-Type: text/event-stream\r\n"))
            try await connection.send("OPTIONS /api/stream/s HTTP/1.1\r\nHost: x\r\n\r\n")
            let options = try await connection.receive(through: "\r\n\r\n")
            #expect(options.hasPrefix("HTTP/1.1 204 "))
            #expect(options.contains("Allow: GET, HEAD, OPTIONS, POST, QUERY\r\n"))
            #expect(!options.contains("Access-Control"))
            try await connection.send("PUT /api/stream/s HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx")
            let post = try await connection.receive(through: "\r\n\r\n")
            #expect(post.hasPrefix("HTTP/1.1 405 "))
            #expect(post.contains("Allow: GET, HEAD, OPTIONS, POST, QUERY\r\n"))
            #expect(endpoint.sink.stream.subscribers == 0)
        }
    }

    @Test func `only origins of the list are named, never with credentials`() async throws {
        try await EndpointFixture.run({ $0.cors.origins = ["https://a.example"] }) { endpoint in
            let known = try await endpoint.open(headers: "Origin: https://a.example\r\n")
            #expect(known.head.contains("Access-Control-Allow-Origin: https://a.example\r\n"))
            #expect(known.head.contains("Access-Control-Expose-Headers: Streambridge-Gap, Streambridge-Cursor\r\n"))
            #expect(!known.head.contains("Credentials"))
            for headers in ["Origin: https://b.example\r\n", "Origin: https://a.example.evil\r\n", ""] {
                let other = try await endpoint.open(headers: headers)
                #expect(other.status == 200)
                #expect(!other.head.contains("Access-Control-Allow-Origin"))
                #expect(other.head.contains("Vary: Origin, Accept-Encoding\r\n"))
            }
            let connection = try RawConnection(port: endpoint.port)
            try await connection.send(
                "OPTIONS /api/stream/s HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\nAccess-Control-Request-Method: GET\r\n\r\n"
            )
            let preflight = try await connection.receive(through: "\r\n\r\n")
            let list = try await endpoint.request(
                "OPTIONS /api/stream", headers: "Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n")
            #expect(list.head.contains("Access-Control-Allow-Origin: https://a.example\r\n"))
            let other = try endpoint.offer("other")
            let mixed = try await endpoint.request("OPTIONS /api/stream", headers: "Origin: https://a.example\r\n")
            #expect(!mixed.head.contains("Access-Control-Allow-Origin"))
            #expect(other.stream.subscribers == 0)
            #expect(
                preflight.contains("Access-Control-Allow-Headers: Last-Event-ID, Authorization, Cache-Control, Content-Type\r\n"))
        }
    }

    @Test func `every answer of a known stream has the CORS fields, including refusals`() async throws {
        let origin = "Origin: https://a.example\r\n"
        func isNamed(_ reader: StreamReader) -> Bool {
            reader.head.contains("Access-Control-Allow-Origin: https://a.example\r\n") && reader.head.contains("Vary: Origin")
        }
        try await EndpointFixture.run({
            $0.cors.origins = ["https://a.example"]
            $0.maxConnections = 1
        }) { endpoint in
            let secret = try endpoint.offer("secret") {
                $0.cors.origins = ["https://a.example"]
                $0.token = Secret("t")
            }
            let rooms = try endpoint.offer("rooms/{{ $subject }}") { $0.cors.origins = ["https://a.example"] }
            for (line, status) in [
                ("GET /api/stream/s?ref=100%", 200), ("HEAD /api/stream/s?ref=100%", 200), ("OPTIONS /api/stream/s?%", 204),
                ("GET /api/stream/s?tags=%", 400), ("GET /api/stream/s?priority=6", 400), ("GET /api/stream/s?since=x", 400),
                ("GET /api/stream/s?padding=-1", 400), ("GET /api/stream/s?format=xml", 406), ("GET /api/stream/secret", 401),
                ("GET /api/stream/s,rooms/%2B", 403), ("GET /api/stream/s?format=json&limit=0", 400),
                ("GET /api/stream/s?\(Array(repeating: "tags=a", count: 65).joined(separator: "&"))", 400),
            ] {
                let reader = try await endpoint.request(line, headers: origin)
                #expect(reader.status == status, "\(line)")
                #expect(isNamed(reader), "\(line): \(reader.head)")
                reader.connection.finishSending()
                try await endpoint.waitForSubscribers(0)
            }
            let first = try await endpoint.open(headers: origin)
            #expect(first.status == 200)
            for headers in [origin, origin + "Accept: text/event-stream\r\n"] {
                let refused = try await endpoint.open(headers: headers)
                #expect(refused.status == (headers == origin ? 429 : 200))
                #expect(isNamed(refused))
            }
            await endpoint.close()
            let late = try await endpoint.open(headers: origin)
            #expect(late.status == 503)
            #expect(isNamed(late))
            #expect(secret.stream.subscribers == 0 && rooms.stream.subscribers == 0)
        }
    }

    @Test func `excess connections are answered 429, and a closed one frees its slot`() async throws {
        try await EndpointFixture.run({ $0.maxConnections = 2 }) { endpoint in
            var readers = [try await endpoint.open(), try await endpoint.open()]
            let third = try await endpoint.open()
            #expect(third.status == 429)
            #expect(third.head.contains("Retry-After: "))
            #expect(try await third.connection.receive(through: "}") == #"{"error":"Too many connections"}"#)
            readers.removeLast()
            try await endpoint.waitForSubscribers(1)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="client""#) == 1)
            #expect(try await endpoint.open().status == 200)
        }
    }

    @Test func `a client that closes or resets its connection is removed`() async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open()
            try await endpoint.waitForSubscribers(1)
            reader.connection.finishSending()
            try await endpoint.waitForSubscribers(0)
            var other: StreamReader? = try await endpoint.open()
            other?.connection.reset()
            other = nil
            try await endpoint.waitForSubscribers(0)
            try await eventually { endpoint.counter("sse_subscribers") == 0 }
            #expect(endpoint.counter("sse_connections_opened_total") == 2)
        }
    }

    @Test func `a quiet stream carries comments`() async throws {
        try await EndpointFixture.run({ $0.heartbeat = .milliseconds(160) }) { endpoint in
            let start = ContinuousClock.now
            let reader = try await endpoint.open()
            _ = try await reader.cursor()
            // No blank line: it would be an empty message to some.
            #expect(try await reader.connection.receive(count: 7) == "2\r\n:\n\r\n")
            #expect(try await reader.block() == ":")
            #expect(start.duration(to: .now) > .milliseconds(150))
        }
    }

    @Test func `heartbeats of quiet clients are spread over time`() async throws {
        try await EndpointFixture.run { endpoint in
            var readers: [StreamReader] = []
            for _ in 0..<64 { readers.append(try await endpoint.open()) }
            for reader in readers { _ = try await reader.cursor() }
            let phases = try await endpoint.hub.collect { $0.members.map(\.machine.phase) }.get().flatMap { $0 }
            #expect(phases.count == 64)
            #expect(Set(phases).count >= 8)
        }
    }

    @Test func `traffic postpones the comment`() async throws {
        try await EndpointFixture.run({ $0.heartbeat = .seconds(8) }) { endpoint in
            let reader = try await endpoint.open()
            for index in 1...20 {
                try await endpoint.publish(["\(index)"])
                #expect(try await reader.event().sequence == index)
            }
            #expect(reader.connection.received.isEmpty)
        }
    }

    @Test func `a stream that ends sends the reconnection delay and ends its body`() async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open()
            _ = try await reader.cursor()
            try await endpoint.publish(["last"])
            await endpoint.close()
            #expect(try await reader.event().message == "last")
            let retry = try #require(try await reader.block())
            #expect(retry.hasPrefix("retry: "))
            let cursor = "\(endpoint.hub.epoch)-1"
            #expect(retry.hasSuffix("\nevent: cursor\nid: \(cursor)\ndata:{\"cursor\":\"\(cursor)\"}"))
            #expect(try await reader.block() == nil)
            #expect(reader.hasEnded)
            #expect(try await reader.connection.receiveToEnd() == "")
            #expect(endpoint.sink.stream.subscribers == 0)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="stopped""#) == 1)
        }
    }

    @Test func `a connection that is old enough ends, each at its own time`() async throws {
        try await EndpointFixture.run({ $0.maxAge = .seconds(1) }) { endpoint in
            let start = ContinuousClock.now
            var readers: [StreamReader] = []
            for _ in 0..<20 { readers.append(try await endpoint.open()) }
            for reader in readers { _ = try await reader.cursor() }
            var ends: [Duration] = []
            for reader in readers {
                #expect(try #require(try await reader.block()).hasPrefix("retry: "))
                ends.append(start.duration(to: .now))
            }
            #expect(try #require(ends.max()) < .seconds(20))
            #expect(try #require(ends.max()) > .milliseconds(700))
            try await endpoint.waitForSubscribers(0)
            #expect(endpoint.counter("sse_connections_closed_total", #"reason="aged""#) == 20)
        }
    }

    @Test func `a client that resumes a stream that is gone is answered 204`() async throws {
        try await EndpointFixture.run { endpoint in
            var other: SSESink? = try endpoint.offer("other")
            let reader = try await endpoint.request("GET /api/stream/other")
            #expect(reader.status == 200)
            #expect(other?.stream.subscribers == 1)
            reader.connection.finishSending()
            try await eventually("it has left") { other?.stream.subscribers == 0 }
            other = nil
            #expect(try await endpoint.request("GET /api/stream/other").status == 404)
            let back = try await endpoint.request("GET /api/stream/other", headers: "Last-Event-ID: e-1\r\n")
            #expect(back.status == 204)
        }
    }

    @Test func `a thousand subscribers get every event once and in order`() async throws {
        try await EndpointFixture.run { endpoint in
            var readers: [StreamReader] = []
            for _ in 0..<1000 {
                readers.append(try await endpoint.open())
            }
            try await endpoint.waitForSubscribers(1000)
            for batch in 0..<5 {
                try await endpoint.publish((1...8).map { "\(batch * 8 + $0)" })
            }
            for reader in readers {
                for sequence in 1...40 {
                    let event = try await reader.event()
                    guard event == (sequence, "\(sequence)") else {
                        Issue.record("\(event) came in place of \(sequence)")
                        return
                    }
                }
            }
            #expect(endpoint.counter("sse_deliveries_total") == 40_000)
        }
    }

    @Test(arguments: [
        ("a b", "stream: 'a b' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"),
        ("a//b", "stream: 'a//b' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"),
        ("", "stream: '' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"),
        ("..", "stream: '..' is not a stream name; letters, digits, '_', '.' and '-' are allowed, with '/' between parts"),
    ]) func `a stream name that cannot be a path is refused`(_ name: String, _ message: String) {
        let error = #expect(throws: SettingError.self) { try SSESinkConfiguration(stream: name).validate() }
        #expect(error?.description == message)
    }

    @Test(arguments: ["{{ .payload.name }}", "{{ $subject }}/x"])
    func `a stream whose name begins with a value of the event is refused without any_stream`(_ name: String) throws {
        var configuration = try SSESinkConfiguration(stream: name)
        let error = #expect(throws: SettingError.self) { try configuration.validate() }
        #expect(
            error?.description
                == "stream: the name begins with a value of the event, so an event could choose any stream; begin it with fixed text such as rooms/, or write any_stream: true"
        )
        configuration.mayBeAnyStream = true
        try configuration.validate()
        try SSESinkConfiguration(stream: "rooms-" + name).validate()
    }

    @Test(arguments: [
        ("users/{{ $subject }}", false, "bob/private", "users/bob_private"),
        ("users/{{ $subject }}", true, "bob/private", "users/bob/private"),
        ("{{ $subject }}", false, "$presence/demo", "_presence_demo"),
        ("{{ $subject }}", true, "$presence/demo", "_presence/demo"),
        ("users/{{ $subject }}", true, "$presence", "users/$presence"),
        ("users/{{ $subject }}", true, "a,b/+/#", "users/a_b/_/_"),
        ("users/{{ $subject }}", false, "a\u{0}\u{1B}\u{9F}b", "users/a___b"),
        ("at/{{ $subject }}/x", false, "caf\u{E9} 1", "at/caf\u{E9} 1/x"),
    ])
    func `a value of an event chooses only its own level of a stream's name`(
        _ template: String, _ keepsSlashes: Bool, _ subject: String, _ name: String
    ) throws {
        var configuration = try SSESinkConfiguration(stream: template)
        configuration.keepsSlashes = keepsSlashes
        let stream = SSEStream(
            number: 1, settings: configuration,
            metrics: SSEMetrics(ComponentMetrics(component: "s", kind: "sse", direction: "sink", metrics: Metrics()))
        )
        #expect(try stream.name(of: EndpointFixture.event("x", subject: subject), EventReader()).hasBytes(of: name))
    }

    @Test(arguments: [
        (#""heartbeat": "99ms""#, "heartbeat: must be 100ms or longer"),
        (#""slow_client": {"bytes": "4095B"}"#, "slow_client.bytes: 4095 bytes is too small; 4KiB or more is allowed"),
        (#""slow_client": {"stall": "0s"}"#, "slow_client.stall: must be 100ms or longer"),
        (#""slow_client": {"dead": "2h"}"#, "slow_client.dead: is out of range; 100ms to 1h is allowed"),
        (#""slow_client": {"polcy": "conflate"}"#, "slow_client.polcy: unknown key 'polcy'; did you mean 'policy'?"),
        (#""max_age": "999ms""#, "max_age: must be 1s or longer"),
        (#""token": """#, "token: the token is empty; write one or leave the key out"),
        (
            #""cors": {"origins": ["*", "a.example/x"]}"#,
            "cors.origins: entry 2, 'a.example/x', is not an origin; write scheme and host without a path, such as https://dash.example"
        ),
    ])
    func `invalid settings are refused by name`(settings: String, expected: String) {
        let error = #expect(throws: SettingError.self) {
            let json = Data(#"{"stream": "s", \#(settings)}"#.utf8)
            try JSONDecoder().decode(SSESinkConfiguration.self, from: json).validate()
        }
        #expect(error?.description == expected)
    }

    @Test func `a stream belongs to one sink`() throws {
        #expect(try SSESinkConfiguration(stream: "s").exclusiveResources == [Resource("stream", "s")])
    }
}
