import BridgeCore
import Curl
import FoundationEssentials
import NIOCore
import Testing

@testable import WebhookAdapter

/// A text that is too long for a receiver is cut to what the receiver documents, and says so by its end.
@Suite struct ReceiverLimitTests {
    private typealias Receiver = ReceiverPresetTests.Receiver

    private static func event(title: String, message: String) -> Event {
        Event(
            id: "e", title: title, message: message, priority: nil, tags: [], timestamp: Timestamp(milliseconds: 0),
            payload: nil, source: "in", subject: "", attributes: Attributes(), raw: ByteBuffer(),
            limits: EventLimits(title: 1_000_000, message: 1_000_000))
    }

    private static func title(_ count: Int) -> String { String(repeating: "T", count: count) }
    private static func words(_ count: Int) -> String { String(repeating: "m", count: count) }

    private static func body(_ receiver: Receiver, _ event: Event) throws -> ReceiverPresetTests.Body {
        let body = try #require(try ReceiverPresetTests.request(receiver, event).body)
        return try JSONDecoder().decode(ReceiverPresetTests.Body.self, from: Data(body.readableBytesView))
    }

    static let cut = [
        (
            ReceiverPresetTests.Receiver("ntfy", "json: { topic: a }"),
            #"{"topic":"a","title":"\#(title(509))…","message":"\#(words(4093))…"}"#
        ),
        (
            ReceiverPresetTests.Receiver("slack", "url: https://slack.example/services/T0/B0/k"),
            #"""
            {"text":"\#(title(2999))…","blocks":[
            {"type":"header","text":{"type":"plain_text","text":"\#(title(149))…","emoji":true}},
            {"type":"section","text":{"type":"mrkdwn","text":"\#(words(2999))…"}}]}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("mattermost", "url: https://chat.example/hooks/k"),
            #"{"text":"**\#(title(3000))**\n\#(words(13298))…"}"#
        ),
        (
            ReceiverPresetTests.Receiver("discord", "url: https://discord.example/api/webhooks/1/t"),
            #"""
            {"embeds":[{"title":"\#(title(255))…","description":"\#(words(4095))…","color":3447003,
            "timestamp":"1970-01-01T00:00:00.000Z"}],"allowed_mentions":{"parse":[]}}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("teams", "url: https://teams.example/workflows/a"),
            #"""
            {"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":
            {"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":[
            {"type":"TextBlock","text":"\#(title(1021))…","weight":"Bolder","size":"Large","wrap":true,"color":"Default"},
            {"type":"TextBlock","text":"\#(words(11997))…","wrap":true}],"msteams":{"width":"full"}}}]}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("telegram", "url: https://telegram.example/bot1:A/sendMessage, json: { chat_id: '1' }"),
            #"""
            {"chat_id":"1","text":"<b>\#(title(3000))</b>\n\#(words(1094))…","parse_mode":"HTML","disable_notification":false}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("matrix", "url: 'https://m.example/rooms/r/send/m.room.message/{{ .id }}', token: t"),
            #"""
            {"msgtype":"m.text","body":"\#(title(3000))\n\#(words(8996))…","format":"org.matrix.custom.html",
            "formatted_body":"<strong>\#(title(3000))</strong><br>\#(words(14993))…"}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("pushover", "json: { token: a, user: u }"),
            #"{"token":"a","user":"u","title":"\#(title(249))…","message":"\#(words(1023))…","timestamp":0}"#
        ),
        (
            ReceiverPresetTests.Receiver("pagerduty", "json: { routing_key: k }"),
            #"""
            {"routing_key":"k","event_action":"trigger","dedup_key":"\#(title(255))","payload":{"summary":"\#(title(1023))…",
            "source":"in","severity":"warning","timestamp":"1970-01-01T00:00:00.000Z"}}
            """#
        ),
    ]

    @Test(arguments: Self.cut)
    func `a text that is too long is cut`(receiver: ReceiverPresetTests.Receiver, expected: String) throws {
        let sent = try Self.body(receiver, Self.event(title: Self.title(3000), message: Self.words(70_000)))
        #expect(try sent == JSONDecoder().decode(ReceiverPresetTests.Body.self, from: Data(expected.utf8)))
    }

    /// Their documentation names no limit on texts, and the server cuts or divides what is too long for its clients.
    @Test(arguments: [
        (ReceiverPresetTests.Receiver("gotify", "url: https://gotify.example/message, headers: { x-gotify-key: k }"), "message"),
        (ReceiverPresetTests.Receiver("apprise", "url: http://apprise.example/notify/home"), "body"),
        (ReceiverPresetTests.Receiver("alphorn", "url: https://alphorn.example/n/k"), "message"),
        (ReceiverPresetTests.Receiver("home-assistant", "url: http://ha.example:8123/api/webhook/x"), "message"),
    ])
    func `a receiver without a limit has the whole text`(receiver: ReceiverPresetTests.Receiver, member: String) throws {
        let sent = try Self.body(receiver, Self.event(title: Self.title(3000), message: Self.words(70_000)))
        guard case .table(let members) = sent else {
            Issue.record("\(sent) is no object")
            return
        }
        #expect(members["title"] == .text(Self.title(3000)) && members[member] == .text(Self.words(70_000)))
    }

    @Test func `headers of ntfy are cut, and the body is not`() throws {
        let request = try ReceiverPresetTests.request(
            ReceiverPresetTests.Receiver("ntfy-headers", "url: https://ntfy.example/alerts"),
            Self.event(title: Self.title(3000), message: Self.words(70_000)))
        #expect(request.headers.first { $0.name.lowercased() == "x-title" }?.value == "\(Self.title(1021))…")
        #expect(try String(buffer: #require(request.body)) == Self.words(70_000))
    }

    @Test(arguments: ["\"", "<", "&", "\n", "🔥", "\\"])
    func `an event of Matrix has room for what its server adds, whatever the text is`(character: String) throws {
        let request = try ReceiverPresetTests.request(
            ReceiverPresetTests.Receiver("matrix", "url: 'https://m.example/rooms/r/send/m.room.message/{{ .id }}', token: t"),
            Self.event(title: "t", message: String(repeating: character, count: 40_000)))
        #expect(try #require(request.body).readableBytes <= 61_000)
    }

    @Test(arguments: ["\"", "\n", "🔥", "\\"])
    func `a message of Teams has at most 28 KB, whatever the text is`(character: String) throws {
        let request = try ReceiverPresetTests.request(
            ReceiverPresetTests.Receiver("teams", "url: https://teams.example/workflows/a"),
            Self.event(title: String(repeating: character, count: 3000), message: String(repeating: character, count: 40_000)))
        #expect(try #require(request.body).readableBytes <= 28 << 10)
    }

    /// A text of white space or control characters alone is refused as an empty one, so the title or the subject counts in its place.
    static let blank = [
        (ReceiverPresetTests.Receiver("ntfy", "json: { topic: a }"), #"{"topic":"a","title":"Door"}"#),
        (
            ReceiverPresetTests.Receiver("gotify", "url: https://gotify.example/message, headers: { x-gotify-key: k }"),
            #"{"title":"Door","message":"Door","priority":5,"extras":{"client::display":{"contentType":"text/plain"}}}"#
        ),
        (
            ReceiverPresetTests.Receiver("slack", "url: https://slack.example/services/T0/B0/k"),
            #"""
            {"text":"Door","blocks":[{"type":"header","text":{"type":"plain_text","text":"Door","emoji":true}},
            {"type":"section","text":{"type":"mrkdwn","text":"Door"}}]}
            """#
        ),
        (ReceiverPresetTests.Receiver("mattermost", "url: https://chat.example/hooks/k"), #"{"text":"**Door**"}"#),
        (
            ReceiverPresetTests.Receiver("discord", "url: https://discord.example/api/webhooks/1/t"),
            #"""
            {"embeds":[{"title":"Door","color":3447003,"timestamp":"1970-01-01T00:00:00.000Z"}],"allowed_mentions":{"parse":[]}}
            """#
        ),
        (
            ReceiverPresetTests.Receiver("telegram", "url: https://telegram.example/bot1:A/sendMessage, json: { chat_id: '1' }"),
            #"{"chat_id":"1","text":"<b>Door</b>","parse_mode":"HTML","disable_notification":false}"#
        ),
        (
            ReceiverPresetTests.Receiver("pushover", "json: { token: a, user: u }"),
            #"{"token":"a","user":"u","title":"Door","message":"Door","timestamp":0}"#
        ),
        (
            ReceiverPresetTests.Receiver("pagerduty", "json: { routing_key: k }"),
            #"""
            {"routing_key":"k","event_action":"trigger","dedup_key":"Door","payload":{"summary":"Door","source":"in",
            "severity":"warning","timestamp":"1970-01-01T00:00:00.000Z"}}
            """#
        ),
    ]

    @Test(arguments: Self.blank, [" \n", "\u{0}\u{7}", "\u{A0}\u{200B}\u{3000}"])
    func `a message without anything to read is left out`(
        receiver: (ReceiverPresetTests.Receiver, String), message: String
    ) throws {
        let sent = try Self.body(receiver.0, Self.event(title: "Door", message: message))
        #expect(try sent == JSONDecoder().decode(ReceiverPresetTests.Body.self, from: Data(receiver.1.utf8)))
    }

    @Test func `an event without anything to read has a text in chats`() throws {
        let event = Self.event(title: "\t", message: " \n")
        let telegram = ReceiverPresetTests.Receiver(
            "telegram", "url: https://telegram.example/bot1:A/sendMessage, json: { chat_id: '1' }")
        let expected = #"{"chat_id":"1","text":"(no text)","parse_mode":"HTML","disable_notification":false}"#
        #expect(
            try Self.body(telegram, event) == JSONDecoder().decode(ReceiverPresetTests.Body.self, from: Data(expected.utf8)))
        let pushover = ReceiverPresetTests.Receiver("pushover", "json: { token: a, user: u }")
        #expect(
            try Self.body(pushover, event)
                == JSONDecoder().decode(
                    ReceiverPresetTests.Body.self,
                    from: Data(#"{"token":"a","user":"u","message":"(no text)","timestamp":0}"#.utf8)))
    }
}
