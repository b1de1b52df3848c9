import BridgeConfiguration
import BridgeCore
import BridgeTesting
import Curl
import Expressions
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import StreamBridge
import Testing

@testable import WebhookAdapter

/// Each preset for a receiver, with the few keys that a user writes, sends exactly what the receiver documents.
///
/// `Receivers/NAME.json` holds the requests for the events of `Receivers/events.json`.
@Suite struct ReceiverPresetTests {
    struct Receiver: CustomTestStringConvertible, Sendable {
        let preset: String
        /// The file of its requests.
        let file: String
        /// What the user writes beside the preset.
        let settings: String

        init(_ preset: String, file: String? = nil, _ settings: String) {
            self.preset = preset
            self.file = file ?? preset
            self.settings = settings
        }

        var testDescription: String { self.preset }
    }

    static let receivers = [
        Receiver("ntfy", file: "ntfy-json", "url: https://ntfy.example/, token: tk_x, json: { topic: alerts }"),
        Receiver("ntfy-headers", "url: https://ntfy.example/alerts"),
        Receiver("gotify", "url: https://gotify.example/message, headers: { x-gotify-key: Akey }"),
        Receiver("apprise", "url: http://apprise.example/notify/home"),
        Receiver("slack", "url: https://hooks.slack.example/services/T0/B0/xyz"),
        Receiver("discord", "url: https://discord.example/api/webhooks/1/tok"),
        Receiver(
            "teams",
            "url: 'https://teams.example/workflows/abc/triggers/manual/paths/invoke?api-version=2016-06-01&sig=s%2Bx'"),
        Receiver("telegram", "url: 'https://telegram.example/bot123:ABC/sendMessage', json: { chat_id: '-100123' }"),
        Receiver(
            "matrix",
            """
            url: 'https://matrix.example/_matrix/client/v3/rooms/%21room%3Amatrix.example/send/m.room.message/{{ .id }}', \
            token: syt_x
            """),
        Receiver("pushover", "json: { token: app, user: usr }"),
        Receiver("pagerduty", "json: { routing_key: RRRRRRRRRRRRRRRRRRRRRRRRRRRRRRRR }"),
        Receiver("alphorn", "url: https://alphorn.example/n/V1StGXR8_Z5jdHi6B-myT, token: alp_x"),
    ]

    @Test(arguments: Self.receivers, ["full", "bare", "long"])
    func `the request is exact`(_ receiver: Receiver, _ event: String) throws {
        let expected = try #require(try Self.file(Requests.self, receiver.file).requests[event])
        let request = try Self.request(receiver, Self.event(named: event))
        #expect(request.method == expected.method)
        #expect(request.url.dropFirst(CurlRequest.origin(of: request.url).count) == expected.path)
        for (name, value) in expected.headers {
            #expect(request.headers.filter { $0.name.lowercased() == name }.map(\.value) == (value.map { [$0] } ?? []))
        }
        let body = try #require(request.body)
        if case .text(let text) = expected.body {
            #expect(String(buffer: body) == text)
        } else {
            #expect(try JSONDecoder().decode(Body.self, from: Data(body.readableBytesView)) == expected.body)
        }
    }

    @Test(arguments: [
        (Receiver("slack", "url: http://a"), #"{"type":"section","text":{"type":"mrkdwn","text":"lamp"}}"#),
        (Receiver("pushover", "json: { token: a, user: b }"), #""message":"lamp""#),
        (Receiver("gotify", "url: http://a/message, headers: { x-gotify-key: k }"), #""message":"lamp""#),
        (Receiver("apprise", "url: http://a/notify/k"), #""body":"lamp""#),
        (Receiver("teams", "url: http://a"), #"{"type":"TextBlock","text":"lamp","weight":"Bolder""#),
    ])
    func `an event without a message has its title there`(receiver: Receiver, part: String) throws {
        let event = Event(
            id: "e", title: "lamp", message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
            source: "in", subject: "", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
        let text = String(buffer: try #require(try Self.request(receiver, event).body))
        #expect(text.contains(part), "\(text)")
        #expect(text.ranges(of: "TextBlock").count <= 1, "no part without a text")
    }

    @Test(arguments: [
        (Receiver("slack", "url: http://a"), #"{"type":"section","text":{"type":"mrkdwn","text":"TEXT"}}"#),
        (Receiver("pushover", "json: { token: a, user: b }"), #""message":"TEXT""#),
        (Receiver("gotify", "url: http://a/message, headers: { x-gotify-key: k }"), #""message":"TEXT""#),
        (Receiver("apprise", "url: http://a/notify/k"), #""body":"TEXT""#),
        (Receiver("mattermost", "url: http://a/hooks/k"), #""text":"TEXT""#),
        (Receiver("telegram", "url: http://a/bot1/sendMessage, json: { chat_id: '1' }"), #""text":"TEXT""#),
        (Receiver("discord", "url: http://a/api/webhooks/1/t"), #""title":"TEXT""#),
        (Receiver("pagerduty", "json: { routing_key: k }"), #""summary":"TEXT""#),
        (Receiver("matrix", "url: 'http://a/send/m.room.message/{{ .id }}', token: t"), #""body":"TEXT""#),
    ])
    func `an event without texts has its subject, or says that there is no text`(receiver: Receiver, part: String) throws {
        for (subject, expected) in [("home/lamp", "home/lamp"), ("", "(no text)")] {
            let event = Event(
                id: "e", title: nil, message: "", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0), payload: nil,
                source: "in", subject: subject, attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
            let text = String(buffer: try #require(try Self.request(receiver, event).body))
            #expect(text.contains(part.replacing("TEXT", with: expected)), "\(text)")
        }
    }

    @Test func `mentions and line breaks do no harm`() throws {
        let event = Event(
            id: "e", title: "a\nb", message: "@channel @all", priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: nil, source: "in", subject: "", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
        let chat = String(buffer: try #require(try Self.request(Receiver("mattermost", "url: http://a/hooks/k"), event).body))
        #expect(!chat.contains("@channel") && chat.contains("@\u{200B}channel @\u{200B}all"), "\(chat)")
        let phone = try Self.request(Receiver("ntfy-headers", "url: https://ntfy.example/alerts"), event)
        #expect(phone.headers.first { $0.name.lowercased() == "x-title" }?.value == "a b")
    }

    @Test(arguments: [("firing", "trigger"), ("resolved", "resolve")])
    func `PagerDuty resolves what Alertmanager has resolved`(status: String, action: String) throws {
        let event = Event(
            id: "e", title: "[1] Disk", message: "full", priority: 5, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: ByteBuffer(string: #"{"status":"\#(status)","groupKey":"{}:{alertname=\"Disk\"}"}"#), source: "in",
            subject: "",
            attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
        let request = try Self.request(Receiver("pagerduty", "json: { routing_key: k }"), event)
        let text = String(buffer: try #require(request.body))
        #expect(text.contains(#""event_action":"\#(action)","dedup_key":"{}:{alertname=\"Disk\"}""#), "\(text)")
    }

    @Test func `other receivers get their own form`() throws {
        let event = try Self.event(named: "full")
        let mattermost = try Self.request(Receiver("mattermost", "url: https://mattermost.example/hooks/x"), event)
        #expect(
            String(buffer: try #require(mattermost.body))
                == #"{"text":"**Front door**\nIt's \"open\" <b>& unlocked</b>\nsince 18:00 ✓ — Größe 3"}"#)
        let house = try Self.request(Receiver("home-assistant", "url: http://ha.example:8123/api/webhook/x"), event)
        let text = String(buffer: try #require(house.body))
        #expect(text.contains(#""title":"Front door""#) && text.contains(#""priority":5,"tags":["door","alarm"]"#))
        #expect(text.contains(#""payload":{"room":"hall","name":"web-01"}"#) && text.contains(#""source":"in""#))
        let bare = try Self.request(
            Receiver("home-assistant", "url: http://ha.example:8123/api/webhook/x"), Self.event(named: "bare"))
        #expect(!String(buffer: try #require(bare.body)).contains("priority"))
    }

    @Test(arguments: [
        ("ntfy", "", "sinks.out.json.topic: has no value; write the topic, such as alerts"),
        ("ntfy-headers", "", "sinks.out: 'url' is missing"),
        ("gotify", "url: http://a/message", "sinks.out.headers.x-gotify-key: has no value; write the token of an application"),
        ("slack", "", "sinks.out: 'url' is missing"),
        (
            "telegram", "url: http://a/bot1/sendMessage",
            "sinks.out.json.chat_id: has no value; write the chat, such as '-100123' or '@channel'"
        ),
        ("pushover", "json: { token: a }", "sinks.out.json.user: has no value; write the key of a user or a group"),
        ("pagerduty", "", "sinks.out.json.routing_key: has no value; write the integration key of a service"),
    ])
    func `a missing key is named`(preset: String, settings: String, message: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.configuration(Receiver(preset, settings)) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        ("ntfy", "json: {}", "bridges.yaml:2:37: error: sinks.out.json.topic: has no value; write the topic, such as alerts"),
        ("ntfy", "", "bridges.yaml:2:15: error: sinks.out.json.topic: has no value; write the topic, such as alerts"),
        (
            "gotify", "url: http://a/message",
            "bridges.yaml:2:15: error: sinks.out.headers.x-gotify-key: has no value; write the token"
        ),
        (
            "ntfy", "url: https://ntfy.sh/alerts, json: { topic: alerts }",
            "bridges.yaml:2:36: error: sinks.out.url: names the topic 'alerts'; write json: { topic: alerts }, and end the address at"
        ),
        ("ntfy-headers", "url: https://ntfy.sh/", "bridges.yaml:2:44: error: sinks.out.url: has no topic; write it as the path"),
        ("ntfy-headers", "url: 'https://ntfy.sh?a=b/c'", "bridges.yaml:2:44: error: sinks.out.url: has no topic"),
        ("matrix", "url: https://m.example/x", "bridges.yaml:2:38: error: sinks.out.url: has no /send/; end it with"),
        (
            "matrix", "url: https://m.example/rooms/r/send/m.room.message/",
            "bridges.yaml:2:38: error: sinks.out.url: has no {{ .id }} at its end; write /send/m.room.message/{{ .id }}, because"
        ),
        (
            "matrix", "url: 'https://m.example/rooms/r/send/m.room.message/{{ .payload.id }}'",
            "bridges.yaml:2:38: error: sinks.out.url: has no {{ .id }} at its end"
        ),
        (
            "telegram", "url: https://api.telegram.org/bot1:A, json: { chat_id: '1' }",
            "bridges.yaml:2:40: error: sinks.out.url: does not end with /sendMessage; write https://api.telegram.org/bot"
        ),
        (
            "telegram", "url: https://api.telegram.org/1:A/sendMessage, json: { chat_id: '1' }",
            "sinks.out.url: has no token; write 'bot' and the token in front of /sendMessage, such as /bot123:ABC/sendMessage"
        ),
        (
            "gotify", "url: https://gotify.example/, headers: { x-gotify-key: k }",
            "sinks.out.url: does not end with /message; write the address of the server and /message, such as https://gotify"
        ),
        (
            "apprise", "url: http://apprise.example/notify",
            "sinks.out.url: does not end with /notify/KEY; write the key of a configuration, such as http://apprise.example:8000"
        ),
        (
            "discord", "url: https://discord.com/channels/1/2",
            "sinks.out.url: is no webhook of Discord; copy the whole address, such as https://discord.com/api/webhooks/ID/TOKEN"
        ),
        (
            "discord", "url: https://discord.com/api/webhooks/1/t/slack",
            "sinks.out.url: ends with /slack, which takes the messages of another program; end it at the token"
        ),
        (
            "slack", "url: https://hooks.slack.com/triggers/T0/1/k",
            "sinks.out.url: is no incoming webhook; write one such as https://hooks.slack.com/services/T0/B0/KEY"
        ),
        (
            "mattermost", "url: https://chat.example/",
            "sinks.out.url: does not end with /hooks/KEY; copy the address of the incoming webhook, such as https://chat.example"
        ),
        (
            "teams", "url: https://teams.example/workflows/a/triggers/manual/paths/invoke?api-version=2016-06-01",
            "sinks.out.url: has no sig=; copy the whole address of the workflow, and write it in quotes"
        ),
        (
            "pagerduty", "url: https://events.pagerduty.com/v2/change/enqueue, json: { routing_key: k }",
            "sinks.out.url: is no address of Events API v2; leave it out, or write https://events.eu.pagerduty.com/v2/enqueue"
        ),
        (
            "pushover", "url: https://api.pushover.net/, json: { token: a, user: b }",
            "sinks.out.url: does not end with /1/messages.json; leave it out"
        ),
        (
            "home-assistant", "url: http://ha.example:8123/api/services/notify/x",
            "sinks.out.url: does not end with /api/webhook/ID; write the id of a webhook trigger, such as http://homeassistant"
        ),
        ("alphorn", "url: https://alphorn.example/x", "sinks.out.url: does not end with /n/ID; copy the address of the webhook"),
        (
            "ntfy", "json: null",
            "bridges.yaml:2:37: error: sinks.out.json: removes what the preset 'ntfy' needs, such as json.topic; leave it out, or "
                + "write the whole body as body: or json:"
        ),
        (
            "gotify", "url: http://a/message, headers: null",
            "sinks.out.headers: removes what the preset 'gotify' needs, such as headers.x-gotify-key; leave it out"
        ),
    ])
    func `a mistake is reported in the user's file`(preset: String, settings: String, message: String) {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.configuration(Receiver(preset, settings)) }
        #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: [
        Receiver("ntfy", "url: https://ntfy.example, json: { topic: a }"),
        Receiver("ntfy", "url: 'https://ntfy.example/?auth=x', json: { topic: a }"),
        Receiver("ntfy-headers", "url: 'https://ntfy.sh/{{ .payload.topic }}'"),
        Receiver("matrix", "url: 'https://m.example/rooms/r/send/m.room.message/a-{{.id}}', token: t"),
        Receiver("telegram", "url: 'https://bots.example/tg/bot1:A/sendMessage?x=1', json: { chat_id: '1' }"),
        Receiver("mattermost", "url: 'https://chat.example/hooks/{{ .payload.hook // \"a/b\" }}'"),
        Receiver("slack", "url: https://chat.example/hooks/slack"),
        Receiver("ntfy", "json: null, body: '{{ .message }}'"),
    ])
    func `an address of the documented form is accepted`(receiver: Receiver) throws {
        _ = try Self.configuration(receiver)
    }

    @Test(arguments: [
        (
            "url: https://ntfy.sh/alerts", "sinks.out.url",
            "names the topic 'alerts'; write json: { topic: alerts }, and end the address"
        ),
        ("json: null", "json", "removes what the preset 'ntfy' needs, such as json.topic; leave it out"),
    ])
    func `what a route overrides is checked too`(with: String, key: String, message: String) {
        let text = """
            sources: { in: { type: webhook, id: in } }
            sinks: { out: { preset: ntfy, json: { topic: a } } }
            routes: [{ to: { sink: out, with: { \(with) } } }]
            """
        let loader = BridgeLoader(catalog: .shipped, expressions: JQCompiler(), environment: [:], readFile: { _ in "" })
        let error = #expect(throws: ConfigurationErrors.self) { try loader.load(text: text, file: "bridges.yaml") }
        #expect(error?.description.contains("bridges.yaml:3:") == true && error?.description.contains(message) == true)
    }

    @Test(arguments: [
        ("Shop is down", "{}", "trigger", "Shop"), ("Shop is up", "{}", "resolve", "Shop"),
        ("pump is Offline", "{}", "trigger", "pump"), ("pump is Online", "{}", "resolve", "pump"),
        ("Too many errors", #"{"action":"resolved","data":{"metric_alert":{"id":"7"}}}"#, "resolve", "7"),
        ("TypeError", #"{"action":"triggered","data":{"event":{"issue_id":"9"}}}"#, "trigger", "9"),
        ("x: resolved: TypeError", #"{"action":"resolved","data":{"issue":{"id":"9"}}}"#, "resolve", "9"),
        ("Front door is open", "{}", "trigger", "Front door is open"),
    ])
    func `PagerDuty resolves the incident that the sender began`(title: String, payload: String, action: String, key: String)
        throws
    {
        let event = Event(
            id: "e", title: title, message: "m", priority: 5, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: ByteBuffer(string: payload), source: "in", subject: "", attributes: Attributes(), raw: ByteBuffer(),
            limits: EventLimits())
        let request = try Self.request(Receiver("pagerduty", "json: { routing_key: k }"), event)
        let text = String(buffer: try #require(request.body))
        #expect(text.contains(#""event_action":"\#(action)","dedup_key":"\#(key)""#), "\(text)")
    }

    @Test func `long texts and details keep the limits of their receivers`() throws {
        let event = Event(
            id: "e", title: String(repeating: "ü", count: 1000), message: String(repeating: "ü", count: 4000), priority: nil,
            tags: [],
            timestamp: Timestamp(milliseconds: 0),
            payload: ByteBuffer(string: "\"\(String(repeating: "\\\"", count: 150_000))\""),
            source: "in", subject: "", attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
        let headers = try Self.request(Receiver("ntfy-headers", "url: http://a/t"), event).headers
        #expect(headers.first { $0.name == "x-title" }.map { $0.value.utf8.count <= 1024 } == true)
        let cut = Receiver("ntfy-headers", "url: http://a/t, body: { from: .message, limit_bytes: 4096, ellipsis: … }")
        let body = try #require(try Self.request(cut, event).body)
        #expect(body.readableBytes <= 4096 && body.readableBytes > 4090 && String(buffer: body).hasSuffix("ü…"))
        let request = try Self.request(Receiver("pagerduty", "json: { routing_key: k }"), event)
        let text = String(buffer: try #require(request.body))
        #expect(text.utf8.count > 200_000 && text.utf8.count < 512 << 10)
        #expect(text.hasSuffix(#"…"}}"#) && text.contains(#""custom_details":""#))
    }

    @Test func `missing keys are named together, and nothing else is`() throws {
        let error = #expect(throws: ConfigurationErrors.self) { try Self.configuration(Receiver("gotify", "")) }
        let messages = try #require(error).diagnostics.map(\.message)
        #expect(Set(messages) == ["'url' is missing", "has no value; write the token of an application"], "\(messages)")
    }

    @Test func `the case of a header does not matter`() throws {
        let receiver = Receiver("gotify", "url: https://gotify.example/message, headers: { X-Gotify-Key: Akey }")
        let request = try Self.request(receiver, Self.event(named: "bare"))
        #expect(request.headers.filter { $0.name.lowercased() == "x-gotify-key" }.map(\.value) == ["Akey"])
    }

    @Test func `the answers of some receivers are read`() throws {
        let telegram = try Self.configuration(Receiver("telegram", "url: http://a/bot1/sendMessage, json: { chat_id: x }"))
            .answerReading
        #expect(telegram.success != nil && telegram.wait != nil)
        #expect(try Self.configuration(Receiver("discord", "url: http://a/api/webhooks/1/t")).answerReading.wait != nil)
        #expect(try Self.configuration(Receiver("pushover", "json: { token: a, user: b }")).answerReading.success != nil)
    }

    // MARK: Making a request

    private static func configuration(_ receiver: Receiver) throws -> WebhookSink.Configuration {
        let settings = receiver.settings.isEmpty ? "" : ", \(receiver.settings)"
        let text = """
            sources: { in: { type: webhook, id: a } }
            sinks: { out: { preset: \(receiver.preset)\(settings) } }
            routes: [{ to: out }]
            """
        let loader = BridgeLoader(
            catalog: .shipped, expressions: JQCompiler(executable: BridgeProcess.executable), environment: [:],
            readFile: { _ in "" })
        let plan = try loader.load(text: text, file: "bridges.yaml")
        return try #require(plan.sinks[0].variants[0] as? WebhookSink.Configuration)
    }

    static func request(_ receiver: Receiver, _ event: Event) throws -> CurlRequest {
        let metrics = ComponentMetrics(component: "out", kind: "webhook", direction: "sink", metrics: Metrics())
        let context = ComponentContext(
            name: "out", logger: Logger(label: "out"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton, bridge: "b",
            cursors: MemoryCursorStore(), metrics: metrics, shared: SharedServices(), redaction: Redaction([], references: []))
        let failures = OmissionReport(context, counter: "failed", help: "", message: "failed")
        let requests = WebhookRequest(try Self.configuration(receiver), headerFailures: failures)
        let delivery = Delivery(event: event, variant: 0, route: "all", attempts: 0, position: Position(1), ticket: 1)
        return try requests.request(for: delivery, EventReader())
    }

    private static func event(named name: String) throws -> Event {
        let sample = try #require(try Self.file([String: Sample].self, "events")[name])
        let payload = sample.payload.map { ByteBuffer(string: #"{"room":"\#($0["room"] ?? "")","name":"\#($0["name"] ?? "")"}"#) }
        return Event(
            id: sample.id, title: sample.title, message: sample.message, priority: sample.priority, tags: sample.tags ?? [],
            timestamp: try #require(Timestamp(rfc3339: sample.timestamp)), payload: payload, source: "in", subject: "",
            attributes: Attributes(), raw: ByteBuffer(), limits: EventLimits())
    }

    private static func file<Contents: Decodable>(_ type: Contents.Type, _ name: String) throws -> Contents {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Receivers")
        return try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: "\(name).json")))
    }

    private struct Sample: Decodable {
        let id: String
        let title: String?
        let message: String
        let priority: Int?
        let tags: [String]?
        let timestamp: String
        let payload: [String: String]?
    }

    private struct Requests: Decodable {
        struct Request: Decodable {
            let method: String
            let path: String
            let headers: [String: String?]
            let body: Body
        }

        let requests: [String: Request]
    }

    indirect enum Body: Decodable, Equatable {
        case nothing
        case flag(Bool)
        case number(Double)
        case text(String)
        case list([Body])
        case table([String: Body])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .nothing
            } else if let flag = try? container.decode(Bool.self) {
                self = .flag(flag)
            } else if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else if let list = try? container.decode([Body].self) {
                self = .list(list)
            } else {
                self = .table(try container.decode([String: Body].self))
            }
        }
    }
}
