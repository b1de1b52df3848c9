import BridgeConfiguration
import Rehearsal
import Testing

/// Mistakes in `tests:`, each with its place and the remedy.
struct TestMistakeTests {
    private static func mistakes(_ tests: String) -> [String] {
        RehearsalFixture.mistakes(
            """
            sources:
              home: { type: mqtt, url: mqtt://localhost, subscribe: "#" }
              hook: { type: webhook, id: demo }
            sinks: { phone: { type: file, path: /dev/null } }
            routes: [{ to: phone }]
            tests:
            \(tests)
            """)
    }

    @Test(arguments: [
        ("  - { name: a, expect: { phone: 1 } }", "7:5: error: tests[0]: 'send' is missing; write the messages that arrive"),
        (
            "  - { name: a, send: [{ source: hook }] }",
            "7:5: error: tests[0]: 'expect' is missing; name a sink and what it gets, such as phone: [{ title: … }]"
        ),
        (
            "  - { send: [{ source: hok }], expect: { phone: 1 } }",
            "7:24: error: tests[0].send[0].source: no source is called 'hok'; did you mean 'hook'?"
        ),
        (
            "  - { send: [{ body: a }], expect: { phone: 1 } }",
            "7:14: error: tests[0].send[0]: 'source' is missing; there are home, hook"
        ),
        (
            "  - { send: [{ source: home, body: a }], expect: { phone: 1 } }",
            "7:14: error: tests[0].send[0]: 'topic' is missing"
        ),
        (
            "  - { send: [{ source: hook, topc: a }], expect: { phone: 1 } }",
            "7:30: error: tests[0].send[0]: unknown key 'topc'; there are after, at, body, body_base64, body_file, headers, id, method,"
                + " query, source"
        ),
        (
            "  - { send: [{ source: home, topic: a, qos: 3 }], expect: { phone: 1 } }",
            "7:45: error: tests[0].send[0].qos: 3 is not a quality of service; write 0 or 1"
        ),
        (
            "  - { send: [{ source: hook, body: a, body_file: b }], expect: { phone: 1 } }",
            "7:50: error: tests[0].send[0].body_file: a message has one body; leave the others out"
        ),
        (
            "  - { send: [{ source: hook, body_file: none.json }], expect: { phone: 1 } }",
            "7:41: error: tests[0].send[0].body_file: the file none.json cannot be read: no such file"
        ),
        (
            "  - { at: yesterday, send: [{ source: hook }], expect: { phone: 1 } }",
            "7:11: error: tests[0].at: 'yesterday' is not a time with its offset; write one such as 2026-01-01T08:00:00+01:00"
        ),
        (
            "  - { send: [{ source: hook, at: 2020-01-01T00:00:00Z }], expect: { phone: 1 } }",
            "7:34: error: tests[0].send[0].at: is before 2026-01-01T12:00:00.000Z, the time of the message above"
        ),
        (
            "  - { send: [{ source: hook }], expect: { phne: 1 } }",
            "7:49: error: tests[0].expect.phne: no sink is called 'phne'; did you mean 'phone'?"
        ),
        (
            "  - { send: [{ source: hook }], expect: { phone: some } }",
            "7:50: error: tests[0].expect.phone: must be a list of events, [] for none, or a number of events"
        ),
        (
            "  - { send: [{ source: hook }], expect: { phone: [{ titel: a }] } }",
            "7:60: error: tests[0].expect.phone[0].titel: an expected event has no key 'titel'; did you mean 'title'?; a path begins with a"
                + " dot, such as .payload.titel"
        ),
        (
            "  - { send: [{ source: hook }], expect: { phone: [{ .titel: a }] } }",
            "7:61: error: tests[0].expect.phone[0]..titel: an event has no field 'titel'; it has id, title, message, priority, tags,"
                + " timestamp, payload"
        ),
        (
            "  - { send: [{ source: hook }], expect: { phone: [{ match: { prio: 1 } }] } }",
            "7:68: error: tests[0].expect.phone[0].match.prio: a filter has no key 'prio'; there are source, subject, priority, tags, title,"
                + " message, payload.<path>, attributes.<name>, any, all, not"
        ),
        (
            "  - { name: a, send: [{ source: hook }], expect: { phone: 1 } }\n  - { name: a, send: [{ source: hook }], expect: { phone: 1 } }",
            "8:13: error: tests[1].name: the name 'a' is used twice; give each test its own"
        ),
        ("  x: 1", "7:3: error: tests: must be a list of tests; begin each with '- name: '"),
    ])
    func `a mistake names its place and the remedy`(tests: String, mistake: String) {
        let found = Self.mistakes(tests)
        #expect(found == ["bridges.yaml:\(mistake)"])
    }

    @Test func `the texts of tests are as they are written`() throws {
        let fixture = try RehearsalFixture(
            """
            sources: { hook: { type: webhook, id: demo } }
            sinks: { out: { type: file, path: /dev/null } }
            routes: [{ to: out }]
            tests:
              - { send: [{ body: "costs ${env:NOTHING} $$5" }], expect: { out: [{ message: "costs ${env:NOTHING} $$5" }] } }
              - { send: [{ body: { state: ON, level: 4 } }], expect: { out: [{ payload: { state: ON, level: 4.0 } }] } }
              - { send: [{ body_file: a.json }], expect: { out: [{ .payload.a: 1 }] } }
              - { send: [{ body_base64: "/w==" }], expect: { out: [{ payload: /w==, title: demo }] } }
            """, files: ["a.json": "{\"a\": 1}"])
        #expect(fixture.failures() == [])
    }

    @Test func `a file of tests alone is read for a plan`() throws {
        let fixture = try RehearsalFixture(
            "sources: { hook: { type: webhook, id: demo } }\nsinks: { out: { type: file, path: a } }\nroutes: [{ to: out }]\n")
        #expect(
            try fixture.tests("tests: [{ send: [{ body: a }], expect: { out: 1 } }]").map { "\($0.place)" } == ["more.yaml:1"])
        #expect(throws: ConfigurationErrors.self) { try fixture.tests("sources: {}") }
    }
}
