import BridgeConfiguration
import BridgeCore
import NIOCore
import Rehearsal
import StreamBridge
import Testing

/// Every kind of source reads messages of tests, and every kind of sink shows what it sends.
@Suite(.timeLimit(.minutes(1)))
struct EveryKindTests {
    @Test func `every kind that ships can be rehearsed`() {
        #expect(AdapterCatalog.shipped.sources.values.filter { $0.sample == nil }.map(\.kind) == [])
        #expect(AdapterCatalog.shipped.sinks.values.filter { $0.preview == nil }.map(\.kind) == [])
    }

    /// A file with one source and a sink that shows the event.
    private static func sources(_ source: String, _ send: String, _ expected: String) -> String {
        """
        sources: { in: \(source) }
        sinks: { out: { type: file, path: /dev/null } }
        routes: [{ to: out }]
        tests: [{ name: a, send: [\(send)], expect: { out: \(expected) } }]
        """
    }

    @Test(arguments: [
        (
            "{ type: mqtt, url: mqtt://h, protocol: 5, subscribe: [{ topic: a/#, qos: 0 }] }",
            "{ topic: a/b, retained: true, properties: { content_type: text/plain, user: { room: kitchen } }, body: open }",
            "[{ subject: a/b, message: open, attributes: { qos: '0', retained: 'true', content-type: text/plain, room: kitchen } }]"
        ),
        (
            "{ type: mqtt, url: mqtt://h, subscribe: [{ topic: a/#, retained: ignore }] }",
            "{ topic: a/b, retained: true, body: x }", "[]"
        ),
        (
            "{ type: redis, url: redis://h, patterns: 'a:*' }", "{ channel: 'a:b', body: x }",
            "[{ subject: 'a:b', attributes: { pattern: 'a:*' } }]"
        ),
        ("{ type: redis, url: redis://h, channels: [news] }", "{ body: x }", "[{ subject: news, attributes: {} }]"),
        ("{ type: redis, url: redis://h, lists: [jobs] }", "{ list: jobs, body: x }", "[{ subject: jobs }]"),
        (
            "{ type: redis-stream, url: redis://h, stream: orders }",
            "{ id: 1767268800000-0, fields: { title: Order, total: 12 } }",
            "[{ subject: orders, title: Order, timestamp: '2026-01-01T12:00:00.000Z', payload: { total: '12' }, attributes: { redis-id: 1767268800000-0 } }]"
        ),
        ("{ type: redis-stream, url: redis://h, stream: orders }", "{ body: { title: A } }", "[{ title: A }]"),
        (
            "{ type: webhook, id: a, batch: split }", "{ body: [{ title: A }, { title: B }] }",
            "[{ title: A }, { title: B }]"
        ),
        (
            "{ type: webhook, id: a }",
            "{ headers: { Content-Type: application/x-www-form-urlencoded }, body: 'title=Front+Door&priority=4' }",
            "[{ title: Front Door, priority: 4 }]"
        ),
        ("{ type: webhook, id: a, methods: [GET] }", "{ method: GET, query: 'title=Door' }", "[{ title: Door }]"),
        (
            "{ type: webhook, id: a, signature: { scheme: slack, secret: s } }", "{ body: { title: A } }",
            "[{ title: A }]"
        ),
        (
            "{ type: sse, url: 'http://h' }", "{ event: alarm, id: '7', body: fire }",
            "[{ subject: alarm, message: fire, attributes: { sse-id: '7' } }]"
        ),
        ("{ type: sse, url: 'http://h', events: [alarm] }", "{ event: other, body: fire }", "[]"),
        (
            "{ type: file, path: /var/log/a }", "{ body: \"one\\ntwo\" }",
            "[{ message: one, subject: /var/log/a }, { message: two }]"
        ),
    ])
    func `a message is read as the source reads it`(source: String, send: String, expected: String) throws {
        #expect(try RehearsalFixture(Self.sources(source, send, expected)).failures() == [])
    }

    @Test(arguments: [
        (
            "{ type: mqtt, url: mqtt://h, protocol: 5, topic: 'to/{{ .payload.room }}', qos: 0, retain: true, json: { a: '{{ .title }}' } }",
            "{ topic: to/kitchen, qos: 0, retain: true, payload: { a: Door }, properties: { content_type: application/json } }"
        ),
        (
            "{ type: redis, url: redis://h, channel: out, body: '{{ .title }}' }",
            "{ command: PUBLISH, channel: out, message: Door }"
        ),
        (
            "{ type: redis-stream, url: redis://h, stream: s, maxlen: 10, fields: { a: '{{ .title }}' } }",
            "{ command: XADD, stream: s, trim: 'MAXLEN ~ 10', fields: { a: Door } }"
        ),
        (
            "{ type: webhook, url: 'https://h/{{ .payload.room }}', method: PUT, headers: { X-A: b }, user: u, password: pass }",
            "{ method: PUT, url: https://h/kitchen, headers: { x-a: b, Authorization: 'Basic u:pass' }, body: { title: Door } }"
        ),
        (
            "{ type: sse, stream: 's/{{ .payload.room }}', event: alarm }",
            "{ stream: s/kitchen, event: alarm, data: { title: Door } }"
        ),
        (
            "{ type: smtp, url: smtp://h, from: a@h, to: b@h, headers: { X-A: c } }",
            "{ from: a@h, to: [b@h], subject: Door, headers: { X-A: c, X-Priority: '2' }, text: open }"
        ),
        ("{ type: file, path: /dev/null, body: '{{ .title }}!' }", "{ path: /dev/null, line: Door! }"),
        (
            "{ type: home-assistant, url: mqtt://h, entities: { door: { platform: sensor } } }",
            "{ messages: [{ payload: { state: open }, retain: true }] }"
        ),
    ])
    func `what a sink sends is shown as it sends it`(sink: String, sent: String) throws {
        let fixture = try RehearsalFixture(
            """
            sources: { in: { type: webhook, id: a } }
            sinks: { out: \(sink) }
            routes: [{ to: out }]
            tests:
              - send: [{ body: { title: Door, message: open, priority: 4, payload: { room: kitchen } } }]
                expect: { out: [{ sent: \(sent) }] }
            """)
        #expect(fixture.failures() == [])
    }
}
