import BridgeCore
import BridgeTesting
import Compression
import HTTPServer
import NIOCore
import Testing

@testable import SSEAdapter

@Suite struct EndpointSelectionTests {
    @Test(arguments: [
        ("?priority=4,5", [3, 4]), ("?priority=1", []), ("?tags=door", [1, 3]), ("?tags=DOOR,open", [3]),
        ("?subject=home/%2B/state", [1, 2]), ("?subject=home/a/state,other", [1, 4]), ("?source=in&priority=4&tags=door", [3]),
        ("?source=elsewhere", []), ("?tags=", [1, 2, 3, 4]),
    ]) func `a filter passes only matching events, live and from the history`(
        _ query: String, _ expected: [Int]
    ) async throws {
        try await EndpointFixture.run { endpoint in
            let events = [
                EndpointFixture.event("1", tags: ["door"], subject: "home/a/state"),
                EndpointFixture.event("2", priority: 3, subject: "home/b/state"),
                EndpointFixture.event("3", priority: 4, tags: ["open", "Door"], subject: "home/a"),
                EndpointFixture.event("4", priority: 5, subject: "other"),
            ]
            let live = try await endpoint.open(query)
            _ = try await live.cursor()
            try await endpoint.publish(events)
            let late = try await endpoint.open(query + "&since=earliest")
            try await endpoint.publish([EndpointFixture.event("gap", kind: .gap)])
            for reader in [live, late] {
                for sequence in expected {
                    #expect(try await reader.event() == (sequence, "\(sequence)"))
                }
                var last = try await reader.block()
                while last?.hasPrefix("id: ") == false { last = try await reader.block() }
                #expect(last?.contains("event: gap") == true)
            }
        }
    }

    @Test(arguments: [
        ("?priority=6", "'6' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word listed"),
        ("?priority=5,huge", "'huge' is not a priority; write 1 to 5, or "),
        ("?subject=a/%23/b", "subject 'a/#/b': "),
        ("?when=true", "this stream does not support 'when'; its 'expressions' setting is off"),
        ("?tags=%zz", "the parameter tags is not percent-encoded UTF-8"),
        ("?ref=100%&since=%C3", "the parameter since is not percent-encoded UTF-8"),
        ("?padding=9000", "padding must be a whole number from 0 to 8192"),
        ("?whenn=true", "unknown parameter 'whenn'; did you mean 'when'?"),
        ("?_=1&Last-Event-Id=3", "unknown parameter 'Last-Event-Id'; did you mean 'last_event_id'?"),
        ("?priority=5&tag%73%5B%5D=x", "unknown parameter 'tags[]'; did you mean 'tags'?"),
        (",", "'' is not a stream name: a subject cannot be empty"), ("/%23/x", "'s/#/x' is not a stream name: "),
    ]) func `an invalid request is refused with the remedy`(_ target: String, _ message: String) async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open(target)
            #expect(reader.status == 400)
            #expect(try await reader.body().hasPrefix("{\"error\":\"\(message)"))
        }
    }

    @Test(
        arguments: [
            ("whenn", "when"), ("WHEN", "when"), ("wen", "when"), ("poll_", "poll"), ("hwen", "when"), ("tag", "tags"),
            ("Tags", "tags"),
            ("tags[]", "tags"),
            ("tags[0]", "tags"), ("priorty", "priority"), ("prio", "priority"), ("subjects", "subject"), ("subj", "subject"),
            ("sources", "source"), ("sinse", "since"), ("form", "format"), ("fromat", "format"), ("stream[]", "streams"),
            ("Last-Event-Id", "last_event_id"), ("lasteventid", "last_event_id"), ("LastEventID", "last_event_id"),
            ("last_event", "last_event_id"), ("polling", nil), ("pol", "poll"), ("limits", "limit"), ("time_out", "timeout"),
            ("access-token", "access_token"),
            ("_", nil), ("t", nil), ("ts", nil), ("v", nil), ("r", nil), ("cb", nil), ("rnd", nil), ("nocache", nil),
            ("user", nil), ("from", nil),
            ("tabs", nil), ("pool", nil), ("then", nil), ("resource", nil), ("time", nil), ("page", nil), ("lang", nil),
            ("id", nil), ("token", nil), ("utm_source", nil),
            ("where", nil),
            ("topic", nil), ("", nil), ("[]", nil), ("when", nil), ("access_token", nil),
            (String(repeating: "when", count: 1000), nil),
        ] as [(String, String?)]) func `a misspelt parameter name is recognised`(_ name: String, _ meant: String?)
    {
        #expect(SSEParameterName.meant(by: name) == meant)
    }

    @Test func `only the first unknown names are compared, in queries and bodies`() async throws {
        let names = (0..<4000).map { "unknow\($0)" }
        let form = "Content-Type: application/x-www-form-urlencoded\r\n", json = "Content-Type: application/json\r\n"
        try await EndpointFixture.run { endpoint in
            for (type, body, status) in [
                (form, names.joined(separator: "&"), 200), (form, "whenn=1&" + names.joined(separator: "&"), 400),
                (json, "{\"Tags\":[\"a\"],\"limit\":5}", 400), (json, "{\"_\":1,\"nonce\":{}}", 200),
                (json, "{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}", 200),
            ] {
                let reader = try await endpoint.request("POST /api/stream/s?format=json", headers: type, body: body)
                #expect(reader.status == status, "\(body.prefix(40))")
            }
        }
    }

    @Test func `the length of a condition is limited`() throws {
        struct Everything: ExpressionCompiler, Expression {
            func compile(_ text: String) -> any Expression { self }
            func evaluate(_ input: ExpressionInput) -> ExpressionValue { .bool(true) }
        }
        let query = "when=" + String(repeating: "x", count: SSEFilter.longestCondition)
        _ = try SSEFilter.condition(SSEParameters(query: query), compiler: Everything())
        let error = #expect(throws: SSERequestError.self) {
            _ = try SSEFilter.condition(SSEParameters(query: query + "x"), compiler: Everything())
        }
        #expect(error?.message == "when is 1025 bytes long; 1024 are allowed")
    }

    @Test func `a quiet filtered stream reports its cursor`() async throws {
        try await EndpointFixture.run({ $0.heartbeat = .milliseconds(160) }) { endpoint in
            let reader = try await endpoint.open("?priority=5")
            #expect(try await reader.cursor() == 0)
            try await endpoint.publish(["1", "2", "3"])
            #expect(try await reader.cursor() == 3)
            #expect(try await reader.block() == ":")
            try await endpoint.publish([EndpointFixture.event("4", priority: 5)])
            #expect(try await reader.event() == (4, "4"))
        }
    }

    @Test func `many streams come over one connection in the order of their events, and one id resumes them all`()
        async throws
    {
        try await EndpointFixture.run { endpoint in
            let others = try (1...7).map { try endpoint.offer("t\($0)") }
            let names = "s," + (1...7).map { "t\($0)" }.joined(separator: ",")
            let reader = try await endpoint.request("GET /api/stream/\(names)")
            _ = try await reader.cursor()
            var count = 0
            for round in 1...3 {
                for sink in [endpoint.sink] + others {
                    try await endpoint.publish([EndpointFixture.event("\(round)")], to: sink)
                    count += 1
                    #expect(try await reader.event() == (count, "\(round)"))
                }
            }
            for known in [0, 5, 23, 24] {
                let again = try await endpoint.request(
                    "GET /api/stream/\(names)", headers: "Last-Event-ID: \(endpoint.hub.epoch)-\(known)\r\n")
                #expect(!again.head.contains("Streambridge-Gap"))
                #expect(try await again.cursor() == known)
                for sequence in stride(from: known + 1, through: 24, by: 1) {
                    #expect(try await again.event().sequence == sequence)
                }
            }
            let one = try await endpoint.request("GET /api/stream/t7?since=1")
            #expect(try await one.event() == (24, "3"))
            let two = try await endpoint.request("GET /api/stream/t1,t2?since=3")
            for sequence in [11, 18, 19] { #expect(try await two.event().sequence == sequence) }
            let missing = try await endpoint.request("GET /api/stream/s,none")
            #expect(missing.status == 404)
            #expect(try await missing.body() == #"{"error":"There is no stream 'none'"}"#)
        }
    }

    @Test(arguments: ["POST", "QUERY"]) func `a long list can be in the body`(_ method: String) async throws {
        try await EndpointFixture.run { endpoint in
            let other = try endpoint.offer("t")
            for (type, body) in [
                ("application/json", #"{"streams":["s","t"],"since":"earliest","priority":[4,5]}"#),
                ("application/x-www-form-urlencoded; charset=utf-8", "streams=s,t&since=earliest&priority=4&priority=5"),
            ] {
                let reader = try await endpoint.request(
                    "\(method) /api/stream", headers: "Content-Type: \(type)\r\n", body: body)
                #expect(reader.status == 200)
                _ = try await reader.cursor()
                try await endpoint.publish([EndpointFixture.event("no")])
                try await endpoint.publish([EndpointFixture.event("yes", priority: 5)], to: other)
                var message = ""
                while message != "yes" { message = try await reader.event().message }
            }
            for (type, body, message) in [
                ("text/plain", "s", "the body must be application/json or application/x-www-form-urlencoded"),
                ("application/json", "[1]", "the body must be a JSON object"),
                ("application/json", "{}", "The request names no stream"),
                (
                    "application/json", #"{"streams":"\#(Array(repeating: "s", count: 65).joined(separator: ","))"}"#,
                    "65 streams are too many for one connection; 64 at most"
                ),
            ] {
                let refused = try await endpoint.request(
                    "\(method) /api/stream", headers: "Content-Type: \(type)\r\n", body: body)
                #expect(refused.status == 400)
                #expect(try await refused.body() == "{\"error\":\"\(message)\"}")
            }
            let large = try await endpoint.request("\(method) /api/stream", body: String(repeating: "x", count: 65 << 10))
            #expect(large.status == 413)
        }
    }

    @Test func `events choose the names of streams, and patterns select many`() async throws {
        try await EndpointFixture.run { endpoint in
            let users = try endpoint.offer("users/{{ $subject }}") { $0.patterns = true }
            let one = try await endpoint.request("GET /api/stream/users/1/mail")
            let all = try await endpoint.request("GET /api/stream/users/%2B/mail")
            let everything = try await endpoint.request("GET /api/stream/users/%23")
            for reader in [one, all, everything] { _ = try await reader.cursor() }
            try await endpoint.publish(
                ["a", "b", "c"].map { EndpointFixture.event($0) }, names: ["users/1/mail", "users/2/mail", "users/2/news"],
                to: users
            )
            #expect(try await one.event() == (1, "a"))
            for sequence in 1...2 { #expect(try await all.event().sequence == sequence) }
            for sequence in 1...3 { #expect(try await everything.event().sequence == sequence) }
            let late = try await endpoint.request("GET /api/stream/users/2/news?since=earliest")
            #expect(try await late.event() == (3, "c"))
            #expect(try await endpoint.request("GET /api/stream/other/1").status == 404)
            let refused = try await endpoint.request("GET /api/stream/%2B")
            #expect(refused.status == 403)
            #expect(try await refused.body() == #"{"error":"The pattern '+' is not allowed here"}"#)
        }
    }

    @Test(arguments: [
        ("tags=a%01b", "tags=a,b"), ("tags=caf%C3%A9", "tags=cafe%CC%81"), ("source=a%01b", "source=a,b"),
        ("source=%C3%A9", "source=e%CC%81"), ("subject=a%01b", "subject=a,b"), ("subject=%C3%A9/%2B", "subject=e%CC%81/%2B"),
        ("when=a%02b", "when=a"), ("when=%22%C3%A9%22", "when=%22e%CC%81%22"), ("tags=a%02b", "tags=a&source=b"),
        ("tags=a&source=b", "source=a&tags=b"), ("tags=a&subject=b", "tags=a,b"), ("tags=living%20room", "tags=livingroom"),
        ("priority=1", "tags=1"), ("tags=K", "tags=%E2%84%AA"),
    ]) func `two filters share a view only when they are the same bytes`(_ one: String, _ other: String) throws {
        struct Everything: Expression {
            func evaluate(_ input: ExpressionInput) -> ExpressionValue { .bool(true) }
        }
        func selection(_ query: String) throws -> SSESelection {
            SSESelection(
                streams: [1], names: [], filter: try SSEFilter(SSEParameters(query: query), condition: Everything()),
                format: .events, coding: .identity)
        }
        #expect(try selection(one) != selection(other))
        #expect(try selection(one) == selection(one))
        #expect(try Set([selection(one), selection(other), selection(one)]).count == 2)
    }

    @Test func `subscribers whose filters only look alike each get their own events`() async throws {
        try await EndpointFixture.run { endpoint in
            let odd = try await endpoint.open("?tags=a%01b")
            let both = try await endpoint.open("?tags=a,b")
            let composed = try await endpoint.open("?subject=caf%C3%A9")
            let decomposed = try await endpoint.open("?subject=cafe%CC%81")
            for reader in [odd, both, composed, decomposed] { _ = try await reader.cursor() }
            try await endpoint.publish([
                EndpointFixture.event("1", tags: ["a\u{1}b"]), EndpointFixture.event("2", tags: ["a", "b"]),
                EndpointFixture.event("3", subject: "caf\u{E9}"), EndpointFixture.event("4", subject: "cafe\u{301}"),
            ])
            for (sequence, reader) in zip(1..., [odd, both, composed, decomposed]) {
                #expect(try await reader.event() == (sequence, "\(sequence)"))
            }
        }
    }

    @Test func `names of streams are distinguished by their bytes, in streams, in patterns and in what is granted`() async throws
    {
        try await EndpointFixture.run { endpoint in
            let rooms = try endpoint.offer("rooms/{{ $subject }}") { $0.patterns = true }
            let readers = [
                try await endpoint.request("GET /api/stream/rooms/caf%C3%A9"),
                try await endpoint.request("GET /api/stream/rooms/cafe%CC%81"),
                // For a reader of characters the slash and the mark after it are one.
                try await endpoint.request("GET /api/stream/rooms/%CC%81x"),
                try await endpoint.request("GET /api/stream/rooms/%CC%81x/%2B"),
            ]
            for reader in readers {
                #expect(reader.status == 200)
                _ = try await reader.cursor()
            }
            let names = ["rooms/caf\u{E9}", "rooms/cafe\u{301}", "rooms/\u{301}x", "rooms/\u{301}x/y"]
            try await endpoint.publish((1...4).map { EndpointFixture.event("\($0)") }, names: names, to: rooms)
            for (sequence, reader) in zip(1..., readers) {
                #expect(try await reader.event() == (sequence, "\(sequence)"))
            }
        }
        let granted = SSEPermission(HTTPGrant(subscribe: ["a/+/+", "rooms/caf\u{E9}"]))
        for name in ["a/b/\u{301}c/+", "rooms/cafe\u{301}", "a/b/c/d"] {
            let asked = try SSEName.pattern(name)
            try await EndpointFixture.run { endpoint in
                let stream = try endpoint.offer("{{ $subject }}").stream
                #expect(throws: SSERefusal.self) { try granted.check([asked], [stream]) }
            }
        }
    }

    @Test func `a filter is evaluated once for all clients that share it`() async throws {
        try await EndpointFixture.run { endpoint in
            var readers: [StreamReader] = []
            for index in 0..<50 {
                readers.append(try await endpoint.open(index % 2 == 0 ? "?priority=5,4" : "?priority=4,5&tags="))
            }
            #expect(endpoint.hub.views == 1)
            try await endpoint.publish([EndpointFixture.event("1", priority: 5)])
            for reader in readers { #expect(try await reader.event() == (1, "1")) }
        }
    }
}
