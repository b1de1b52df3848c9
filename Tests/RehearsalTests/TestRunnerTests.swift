import BridgeConfiguration
import BridgeCore
import Rehearsal
import Testing

/// The tests of a file: what passes, and what a person reads when one fails.
@Suite(.timeLimit(.minutes(1)))
struct TestRunnerTests {
    /// Two sources, a route with a condition and one without, and a test.
    private static func file(_ test: String) -> String {
        """
        sources:
          home: { type: mqtt, url: mqtt://localhost, subscribe: "zigbee2mqtt/#" }
          hook: { type: webhook, id: demo }
        sinks:
          phone:
            type: webhook
            url: https://ntfy.example/
            token: a-very-secret-token
            json: { topic: doors, title: "{{ .title }}", message: "{{ .message }}", priority: "{{ .priority }}" }
          archive: { type: file, path: /dev/null }
        routes:
          - { name: low, from: home, match: { payload.battery: { lt: 20 } }, set: { priority: 4 }, to: phone }
          - { name: all, to: archive }
        tests:
        \(test)
        """
    }

    private static let message = """
          - name: a low battery reaches the phone
            send:
              - { source: home, topic: zigbee2mqtt/kitchen, body: { battery: 4, linkquality: 80 } }
        """

    @Test func `what sinks get is compared by members, paths, filters and by what is sent`() throws {
        let fixture = try RehearsalFixture(
            Self.file(
                """
                \(Self.message)
                    expect:
                      phone:
                        - title: kitchen
                          priority: 4
                          route: low
                          subject: zigbee2mqtt/kitchen
                          .payload.battery: 4
                          payload: { linkquality: 80 }
                          attributes: { qos: "1" }
                          match: { message: { contains: battery } }
                          sent: { method: POST, url: https://ntfy.example/, body: { topic: doors, priority: 4 } }
                      archive: 1
                """))
        let (outcomes, coverage) = fixture.run()
        #expect(outcomes.count == 1)
        #expect(fixture.failures() == [])
        #expect(coverage.unreached(of: fixture.rehearsal.plan) == [])
    }

    @Test func `a wrong value is shown with its place, what is expected and what came`() throws {
        let fixture = try RehearsalFixture(
            Self.file(
                """
                \(Self.message)
                    expect:
                      phone:
                        - title: Kitchen
                          sent: { body: { priority: "4" }, headers: { Authorization: wrong } }
                """))
        let lines = fixture.failures()
        #expect(lines[0] == "bridges.yaml:20: the event of phone is not as expected")
        #expect(
            Array(lines[1...9]) == [
                "  title", "    - \"Kitchen\"", "    + \"kitchen\"", "  sent.body.priority", "    - \"4\"", "    + 4",
                "  sent.headers.Authorization", "    - \"wrong\"", "    + \"***\"",
            ])
        #expect(lines[10].hasPrefix("it got: {\"id\":\"") && lines.count == 11, "\(lines)")
    }

    @Test func `an event that is missing, or one too many, is said in words`() throws {
        let fixture = try RehearsalFixture(
            Self.file(
                """
                \(Self.message)
                    expect: { archive: [], phone: 2 }
                """))
        let lines = fixture.failures().filter { !$0.hasPrefix("it got: ") }
        #expect(
            lines == [
                "bridges.yaml:18: no event is expected at archive, and one arrives",
                "bridges.yaml:18: 2 events are expected at phone, and one arrives",
            ])
    }

    @Test func `a message that does not arrive fails the test with the reason`() throws {
        let fixture = try RehearsalFixture(
            Self.file(
                """
                  - name: another topic
                    send: [{ source: home, topic: esphome/door, body: open }]
                    expect: { archive: 1 }
                  - name: not an object
                    send: [{ source: hook, body: "[1", headers: { Content-Type: application/json } }]
                    expect: { archive: 1 }
                """))
        #expect(
            fixture.failures() == [
                "bridges.yaml:16: the message does not arrive at home: the topic esphome/door matches no filter of subscribe, which has"
                    + " zigbee2mqtt/#",
                "bridges.yaml:19: the message does not arrive at hook: the source answers 400 Bad Request: {\"error\":\"Invalid JSON body\"}",
            ])
    }

    @Test func `a sink that refuses an event says why, and its dead letter can be expected`() throws {
        func file(_ expectation: String) -> String {
            """
            sources: { hook: { type: webhook, id: demo } }
            sinks:
              out: { type: redis, url: redis://h, channel: "to-{{ .payload.room }}", dead_letter: lost }
              lost: { type: file, path: /dev/null }
            routes: [{ to: out }]
            tests: [{ name: no room, send: [{ body: { a: 1 } }], expect: { \(expectation) } }]
            """
        }
        let reason =
            "the message cannot be rendered: to-{{ .payload.room }} has no result: {{ .payload.room }} has no value in this event"
        #expect(try RehearsalFixture(file("lost: [{ message: \"\(reason)\", .payload.sink: out }]")).failures() == [])
        #expect(try RehearsalFixture(file("out: [], lost: 1")).failures() == [])
        let refusal = "bridges.yaml:6: out refuses the event: \(reason)"
        #expect(try RehearsalFixture(file("out: []")).failures() == [refusal])
        #expect(
            try RehearsalFixture(file("out: 1")).failures() == [
                "bridges.yaml:6: one event is expected at out, and none arrives", refusal,
            ])
        #expect(
            try RehearsalFixture(file("out: 1, lost: 1")).failures() == [
                "bridges.yaml:6: one event is expected at out, and none arrives"
            ])
    }

    @Test func `a refusal by a sink that no expectation names fails a test`() throws {
        let fixture = try RehearsalFixture(
            """
            sources: { hook: { type: webhook, id: demo } }
            sinks:
              out: { type: redis, url: redis://h, channel: "to-{{ .payload.room }}" }
              other: { type: file, path: /dev/null }
            routes: [{ to: [out, other] }]
            tests: [{ name: no room, send: [{ body: { a: 1 } }], expect: { other: 1 } }]
            """)
        let failures = fixture.failures()
        #expect(failures.count == 1 && failures[0].hasPrefix("bridges.yaml:6: out refuses the event: "), "\(failures)")
    }

    @Test func `secrets of a sink and values of references are not shown`() throws {
        let fixture = try RehearsalFixture(
            """
            sources: { hook: { type: webhook, id: demo } }
            sinks: { out: { type: webhook, url: "https://hooks.example/services/T0AAAAAA/xyzzyxyzzyxyzzy?key=querysecret" } }
            routes: [{ to: out }]
            tests: [{ name: other, send: [{ body: { a: 1 } }], expect: { out: [{ title: x, sent: { url: y } }] } }]
            """)
        let (outcomes, _) = fixture.run()
        let text = "\(outcomes.flatMap { $0.failures.flatMap { [$0.message] + $0.details } })"
        #expect(text.contains("https://hooks.example"))
        #expect(!text.contains("xyzzy") && !text.contains("querysecret"), "\(text)")
    }

    @Test func `the tools of routes follow the clock of the test`() throws {
        let fixture = try RehearsalFixture(
            """
            sources: { hook: { type: webhook, id: demo } }
            sinks:
              once: { type: file, path: /dev/null }
              summary: { type: file, path: /dev/zero }
              alarm: { type: file, path: /dev/full }
              night: { type: redis, url: redis://h, channel: night }
            routes:
              - { name: once, dedupe: { key: "{{ .title }}", window: 10m }, to: once }
              - { name: summary, digest: { window: 1h }, to: summary }
              - { name: silence, expect: { every: 30m }, to: alarm }
              - { name: night, quiet_hours: { from: "22:00", to: "07:00", zone: UTC, then: hold }, to: night }
            tests:
              - name: duplicates, a digest, an absence and quiet hours
                at: 2026-01-01T21:55:00Z
                send:
                  - body: { title: door, message: open }
                  - { after: 9m, body: { title: door, message: open } }
                  - { after: 2m, body: { title: door, message: open } }
                  - after: 9h
                expect:
                  once: 2
                  summary: [{ .payload.count: 3 }]
                  alarm: [{ tags: [missing] }]
                  night: [{ title: door }, { title: door }, { title: door }]
            """)
        #expect(fixture.failures() == [])
    }

    @Test func `what no test reaches is named`() throws {
        let fixture = try RehearsalFixture(
            """
            sources:
              hook:
                type: webhook
                id: demo
                normalise:
                  cases:
                    - { match: { payload.kind: a }, set: { title: A } }
                    - { match: { payload.kind: b }, set: { title: B } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ name: urgent, match: { priority: 5 }, to: out }, { name: all, to: out }]
            tests: [{ send: [{ body: { kind: b } }], expect: { out: [{ title: B }] } }]
            """)
        let (_, coverage) = fixture.run()
        #expect(
            coverage.unreached(of: fixture.rehearsal.plan) == ["route urgent", "source hook normalise.cases[0]"])
        #expect(TestCoverage.count(in: fixture.rehearsal.plan) == 4)
    }

    @Test func `blocks that no test reaches are named, and those of presets are not`() throws {
        let fixture = try RehearsalFixture(
            """
            sources:
              home:
                preset: [zigbee2mqtt, tasmota]
                url: mqtt://localhost
                normalise:
                  - { match: { subject: tele/pump/# }, preset: tasmota, cases: [{ match: { subject: +/+/LWT }, drop: true }] }
                  - { match: { subject: stat/pump/# }, title: Pump }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ name: all, to: out }]
            tests:
              - send: [{ topic: stat/pump/POWER, body: "ON" }, { topic: zigbee2mqtt/lamp, body: { state: "ON" } }]
                expect: { out: [{ title: Pump }, { title: lamp }] }
            """)
        #expect(fixture.failures() == [])
        let (_, coverage) = fixture.run()
        #expect(
            coverage.unreached(of: fixture.rehearsal.plan) == ["source home normalise[0]", "source home normalise[0].cases[0]"])
        #expect(TestCoverage.count(in: fixture.rehearsal.plan) == 4)
    }

    @Test func `hundreds of tests take little time, because nothing waits`() throws {
        let test =
            "  - { send: [{ source: home, topic: zigbee2mqtt/a, body: { battery: 4 } }], expect: { phone: [{ priority: 4 }] } }"
        let fixture = try RehearsalFixture(Self.file(Array(repeating: test, count: 300).joined(separator: "\n")))
        let clock = ContinuousClock.now
        #expect(fixture.run().outcomes.allSatisfy { $0.failures.isEmpty })
        // A debug build on a busy machine; a release build needs a tenth of a second.
        #expect(ContinuousClock.now - clock < .seconds(30))
    }
}
