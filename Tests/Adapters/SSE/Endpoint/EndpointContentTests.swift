import BridgeCore
import BridgeTesting
import NIOCore
import Testing

@testable import SSEAdapter

/// What subscribers get of an event: `format`, `event`, `include`, `cloudevents` and `?fields=`.
@Suite struct EndpointContentTests {
    /// An event with a body, and all that subscribers may get of it.
    private static func event(
        _ raw: [UInt8], payload: String? = nil, title: String? = nil, subject: String = "home/door", kind: Event.Kind = .message
    ) -> Event {
        Event(
            id: "a1", title: title, message: "open", priority: 4, tags: ["door"], timestamp: Timestamp(milliseconds: 0),
            payload: payload.map { ByteBuffer(string: $0) }, source: "mqtt", subject: subject,
            attributes: Attributes([("qos", "1"), ("room", "k\u{2028}")]), raw: ByteBuffer(bytes: raw), kind: kind,
            limits: EventLimits()
        )
    }

    private static let json =
        #"{"id":"a1","title":"","message":"open","priority":4,"tags":["door"],"timestamp":"1970-01-01T00:00:00.000Z""#

    /// The lines of the first event after the cursor.
    private func lines(_ reader: StreamReader) async throws -> [String] {
        while let block = try await reader.block() {
            guard block.contains("\ndata: ") else { continue }
            return block.split(separator: "\n").map(String.init).filter { !$0.hasPrefix("id: ") }
        }
        throw PeerError("the stream has ended")
    }

    @Test func `the body is sent as it came, line by line`() async throws {
        try await EndpointFixture.run({ $0.format = .raw }) { endpoint in
            let live = try await endpoint.open()
            _ = try await live.cursor()
            let bodies = ["one\ntwo\r\nthree\rid: 5", "", " spaced", "end\n"]
            for body in bodies { try await endpoint.publish([Self.event(Array(body.utf8), subject: "")]) }
            let expected = [
                ["data: one", "data: two", "data: three", "data: id: 5"],
                // An event without a body has its message.
                ["data: open"], ["data:  spaced"], ["data: end", "data: "],
            ]
            let late = try await endpoint.open("?since=earliest")
            for reader in [live, late] {
                for lines in expected { #expect(try await self.lines(reader) == lines) }
            }
            let page = try await endpoint.open("?format=json")
            let text = try await page.body()
            #expect(
                text.hasSuffix(
                    #""events":[{"data":"one\ntwo\r\nthree\rid: 5"},{"data":"open"},{"data":" spaced"},{"data":"end\n"}]}"#))
            let ndjson = try await endpoint.open("?format=ndjson&since=4")
            _ = try await ndjson.block()
            let line = #"{"cursor":"\#(endpoint.hub.epoch)-1","data":"one\ntwo\r\nthree\rid: 5"}"#
            #expect(try await ndjson.block()?.split(separator: "\n").first.map(String.init) == line)
        }
    }

    @Test func `a body that is not text is repaired, or sent in base64`() async throws {
        for (format, data) in [(SSESinkConfiguration.Format.raw, "data: a\u{FFFD}b"), (.base64, "data: Yf9i")] {
            try await EndpointFixture.run({ $0.format = format }) { endpoint in
                try await endpoint.publish([Self.event([0x61, 0xFF, 0x62])])
                #expect(try await self.lines(endpoint.open("?since=earliest")) == [data])
            }
        }
    }

    @Test func `a CloudEvent has the attributes of the event and its payload`() async throws {
        try await EndpointFixture.run({
            $0.format = .cloudEvents
            $0.cloudEvents.source = "https://home.example/"
            $0.event = try! Template("{{ .title }}", compiler: nil)
        }) { endpoint in
            let start = #"{"specversion":"1.0","id":"a1","source":"https://home.example/mqtt","type":"#
            let middle = #","time":"1970-01-01T00:00:00.000Z","subject":"home/door","datacontenttype":"#
            try await endpoint.publish(
                [
                    Self.event(Array(#"{"open":true}"#.utf8), payload: #"{"open":true}"#, title: "door.opened"),
                    Self.event(Array("on\u{2028}\n".utf8)), Self.event([0xFF]), Self.event([], kind: .deadLetter),
                    Self.event(Array(#"{"message":"open"}"#.utf8)),
                ], types: ["door.opened", nil, nil, nil, nil])
            let reader = try await endpoint.open("?since=earliest")
            let expected = [
                ["event: door.opened", #"data: \#(start)"door.opened"\#(middle)"application/json","data":{"open":true}}"#],
                [#"data: \#(start)"streambridge.event"\#(middle)"text/plain","data":"on\u2028\n"}"#],
                [#"data: \#(start)"streambridge.event"\#(middle)"application/octet-stream","data_base64":"/w=="}"#],
                [#"data: \#(start)"streambridge.dead-letter"\#(middle)"text/plain","data":"open"}"#],
                [#"data: \#(start)"streambridge.event"\#(middle)"application/json","data":\#(Self.json)}}"#],
            ]
            for lines in expected { #expect(try await self.lines(reader) == lines) }
            let page = try await endpoint.open("?format=json&limit=1").body()
            #expect(page.hasSuffix(#""events":[\#(start)"door.opened"\#(middle)"application/json","data":{"open":true}}]}"#))
        }
    }

    @Test func `data of a CloudEvent can be the whole event`() async throws {
        try await EndpointFixture.run({
            $0.format = .cloudEvents
            $0.cloudEvents.data = .event
        }) { endpoint in
            try await endpoint.publish([Self.event(Array("1".utf8), payload: "1", subject: "")])
            let lines = try await self.lines(endpoint.open("?since=earliest"))
            #expect(lines[0].hasSuffix(#","datacontenttype":"application/json","data":\#(Self.json),"payload":1}}"#))
            #expect(lines[0].contains(#""source":"/mqtt""#) && !lines[0].contains("subject"))
        }
    }

    @Test func `members are added for all clients, or for those that ask for them`() async throws {
        try await EndpointFixture.run({
            $0.include = [.source]
            $0.includeOnRequest = [.subject, .attributes]
        }) { endpoint in
            try await endpoint.publish([Self.event([])])
            for (query, members) in [
                ("", #","source":"mqtt""#), ("&fields=", #","source":"mqtt""#),
                ("&fields=subject,source", #","source":"mqtt","subject":"home/door""#),
                ("&fields=attributes", #","source":"mqtt","attributes":{"qos":"1","room":"k\u2028"}"#),
            ] {
                let reader = try await endpoint.open("?since=earliest\(query)")
                #expect(try await self.lines(reader) == ["data: \(Self.json)\(members)}"])
                let page = try await endpoint.open("?format=json\(query)").body()
                #expect(page.hasSuffix("\"events\":[\(Self.json)\(members)}]}"))
            }
        }
    }

    @Test(arguments: ["gzip", "zstd"]) func `curl decodes each format in each coding`(_ coding: String) async throws {
        for format in SSESinkConfiguration.Format.allCases {
            try await EndpointFixture.run({ $0.format = format }) { endpoint in
                let url = "http://127.0.0.1:\(endpoint.port)/api/stream/s"
                let arguments = ["-sSN", "--compressed", "-H", "Accept-Encoding: \(coding)", url]
                try await ChildProcess.with("curl", arguments) { curl in
                    try await endpoint.waitForSubscribers(1)
                    try await endpoint.publish([Self.event(Array("a\nb".utf8))], types: ["door"])
                    let data =
                        switch format {
                        case .json: "\(Self.json)}"
                        case .raw: "a\ndata: b"
                        case .base64: "YQpi"
                        case .cloudEvents:
                            #"{"specversion":"1.0","id":"a1","source":"/mqtt","type":"door","time":"1970-01-01T00:00:00.000Z","#
                                + #""subject":"home/door","datacontenttype":"text/plain","data":"a\nb"}"#
                        }
                    try await eventually("curl has it") {
                        curl.standardOutput.hasSuffix("-1\nevent: door\ndata: \(data)\n\n")
                    }
                }
            }
        }
    }

    @Test func `streams of one connection keep their formats, and a gap is one in each`() async throws {
        try await EndpointFixture.run({ $0.format = .raw }) { endpoint in
            let other = try endpoint.offer("t") { $0.event = try! Template("door", compiler: nil) }
            let reader = try await endpoint.open(",t")
            _ = try await reader.cursor()
            try await endpoint.publish([Self.event(Array("x".utf8))])
            try await endpoint.publish([Self.event(Array("y".utf8))], to: other)
            try await endpoint.publish([Self.event(Array("z".utf8), kind: .gap)])
            #expect(try await self.lines(reader) == ["data: x"])
            #expect(try await self.lines(reader) == ["event: door", "data: \(Self.json)}"])
            #expect(try await reader.block() == "id: \(endpoint.hub.epoch)-3\nevent: gap\ndata:\(Self.json)}")
            withExtendedLifetime(other) {}
        }
    }

    @Test(
        arguments: [
            ("", nil), ("door", "door"), ("a\nid: 1\r\u{85}\u{2028}b", "a_id: 1___b"), ("gap", "gap_"), ("cursor", "cursor_"),
            ("snapshot", "snapshot_"), ("error", "error_"), ("open", "open_"), ("Open", "Open"),
            (String(repeating: "\u{E4}", count: 100), String(repeating: "\u{E4}", count: 64)),
        ] as [(String, String?)]) func `a type is one short line that is not a control event's`(_ text: String, _ type: String?)
    {
        #expect(SSEEventType.type(text) == type)
    }

    @Test(arguments: [
        ("fields=sorce", "'sorce' is not a field; write one or more of source, subject, attributes, with commas between them"),
        ("fields=attributes", "this stream does not send 'attributes'; its 'include_on_request' setting does not have it"),
        ("field=source", "unknown parameter 'field'; did you mean 'fields'?"),
        (
            "fields=" + Array(repeating: "source", count: 17).joined(separator: ","),
            "17 fields are too many for one request; 16 are allowed"
        ),
    ]) func `an invalid field is refused with the remedy`(_ query: String, _ message: String) async throws {
        try await EndpointFixture.run { endpoint in
            let reader = try await endpoint.open("?\(query)")
            #expect(reader.status == 400)
            #expect(try await reader.body() == "{\"error\":\"\(message)\"}")
        }
    }

    @Test func `a stream of bodies has no fields`() async throws {
        try await EndpointFixture.run({ $0.format = .raw }) { endpoint in
            let reader = try await endpoint.open("?fields=source")
            #expect(reader.status == 400)
            #expect(try await reader.body() == #"{"error":"this stream has no fields; its 'format' setting is raw"}"#)
        }
    }

    @Test(arguments: [
        ("event", "'gap' is a type of control events; write another, such as gap-event"),
        ("event", "'a\u{FFFD}b' is not an event type; it has a line break or another control character"),
        ("event", "is 129 bytes long; an event type has at most 128"),
        ("include", "adds members to the event's JSON, which format: raw does not send; remove one of them"),
        ("cloudevents", "needs format: cloudevents"),
    ]) func `contradictory settings are refused`(_ key: String, _ message: String) throws {
        let changes: [(inout SSESinkConfiguration) throws -> Void] = [
            { $0.event = try Template("gap", compiler: nil) },
            { $0.event = try Template("a\nb", compiler: nil) },
            { $0.event = try Template(String(repeating: "x", count: 129), compiler: nil) },
            {
                $0.format = .raw
                $0.include = [.source]
            },
            { $0.cloudEvents.data = .event },
        ]
        let messages = try changes.map { change in
            var settings = try SSESinkConfiguration(stream: "s")
            try change(&settings)
            let error = #expect(throws: SettingError.self) { try settings.validate() }
            return "\(error?.path.map(\.stringValue).joined() ?? "") \(error?.message ?? "")"
        }
        #expect(messages.contains("\(key) \(message)"))
    }
}
