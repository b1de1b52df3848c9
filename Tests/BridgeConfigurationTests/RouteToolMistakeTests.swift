import BridgeConfiguration
import BridgeCore
import Testing

/// Mistakes in the tools of routes: what is refused, and what is only a warning.
struct RouteToolMistakeTests {
    private static func file(_ route: String, log: String = "kind: sqlite, path: events.db") -> String {
        """
        log: { \(log) }
        sources: { in: { type: fake, url: x } }
        sinks: { out: { type: fake } }
        routes: [{ to: out, \(route) }]

        """
    }

    @Test(arguments: [
        ("throttle: 5", ".throttle: "), ("throttle:", ".throttle: "), ("throttle: {}", ".throttle: 'per' is missing"),
        ("throttle: { per: 5 }", ".throttle.per: invalid duration '5'"),
        ("throttle: { per: 10ms }", ".throttle.per: is out of range; 1s to 31d is allowed"),
        ("throttle: { per: 1m, max: 0 }", ".throttle.max: 0 is out of range"),
        ("throttle: { per: 1m, key: title }", ".throttle.key: 'title' is the same for every event; write a template such as"),
        ("throttle: { per: 1m, key: '' }", ".throttle.key: is empty; write a template"),
        ("throttle: { per: 1m, bypass: { prority: 4 } }", ".throttle.bypass"),
        ("throttle: { per: 1m, limit: 4 }", ".throttle: unknown key 'limit'"),
        ("changed: {}", ".changed: 'of' is missing"),
        ("changed: { of: on }", ".changed.of: 'on' is the same for every event"),
        ("sample: {}", ".sample: needs one_in or every; write one_in: 10, or every: 1m"),
        ("sample: { one_in: 2, every: 1m }", ".sample.one_in: cannot be used together with every; leave one of them out"),
        ("sample: { one_in: 1 }", ".sample.one_in: 1 is out of range"),
        ("quiet_hours: { from: \"22:00\", to: \"07:00\" }", ".quiet_hours: 'zone' is missing"),
        (
            "quiet_hours: { from: 22h, to: \"07:00\", zone: UTC }",
            ".quiet_hours.from: '22h' is not a time of day; write hours and minutes, such as 22:00"
        ),
        ("quiet_hours: { from: \"24:00\", to: \"07:00\", zone: UTC }", ".quiet_hours.from: '24:00' is not a time of day"),
        ("quiet_hours: { from: \"7:5\", to: \"07:00\", zone: UTC }", ".quiet_hours.from: '7:5' is not a time of day"),
        (
            "quiet_hours: { from: \"07:00\", to: \"7:00\", zone: UTC }",
            ".quiet_hours.to: is the same time as from; write another one"
        ),
        (
            "quiet_hours: { from: \"22:00\", to: \"07:00\", zone: Berlin }",
            ".quiet_hours.zone: 'Berlin' is not a time zone; write a name such as Europe/Berlin or UTC"
        ),
        (
            "quiet_hours: { from: \"22:00\", to: \"07:00\", zone: UTC, then: wait }",
            ".quiet_hours.then: 'wait' is not one of hold, digest, drop, lower"
        ),
        (
            "quiet_hours: { from: \"22:00\", to: \"07:00\", zone: UTC, priority: 2 }",
            ".quiet_hours.priority: has no effect without 'then: lower'; add it or leave this out"
        ),
        (
            "quiet_hours: { from: \"22:00\", to: \"07:00\", zone: UTC, days: [] }",
            ".quiet_hours.days: is empty; write days such as [sat, sun]"
        ),
        (
            "quiet_hours: { from: \"22:00\", to: \"07:00\", zone: UTC, days: [saturday] }",
            ".quiet_hours.days[0]: 'saturday' is not one of mon, tue, wed, thu, fri, sat, sun"
        ),
        ("digest: {}", ".digest: 'window' is missing"), ("digest: { window: 10m, lines: 0 }", ".digest.lines: 0 is out of range"),
        ("digest: { window: 10m, title: \"\" }", ".digest.title: is empty; write a title"),
        (
            "digest: { window: 10m, title: '{{ .title }}' }",
            ".digest.title: cannot have '{{', because a digest has several events; write fixed text, or leave it out"
        ),
        ("throttle: { per: 100000000d }", ".throttle.per: is out of range; 1s to 31d is allowed"),
        ("replace_key: x", ".replace_key: 'x' is the same for every event; write a template"),
        ("replace_key:", ".replace_key: "),
        (
            "replace_key: '{{ .title }}', dedupe: { key: '{{ .id }}' }",
            ".replace_key: cannot be used together with dedupe; leave one of them out"
        ),
        ("expect: {}", ".expect: 'every' is missing"),
        ("expect: { every: 1m, priority: 9 }", ".expect.priority: 9 is out of range"),
        (
            "expect: { every: 1m }, throttle: { per: 1m }",
            ".throttle: has no effect with 'expect', because the events of such a route do not pass; move it to another route"
        ),
    ])
    func `a mistake is refused, with the place and the remedy`(route: String, expected: String) {
        let found = mistakes(Self.file(route))
        #expect(found.count == 1 && found[0].contains("routes[0]\(expected)"), "\(found)")
    }

    @Test func `complete settings are accepted without a warning`() throws {
        let plan = try load(
            Self.file(
                """
                changed: { of: "{{ .payload.state }}", key: "{{ .title }}" }, sample: { every: 1m, key: "{{ .title }}" },
                throttle: { max: 3, per: 1h, key: "{{ .title }}", bypass: { priority: { gte: 4 } } },
                quiet_hours: { from: 22:00, to: "7:30", zone: Europe/Berlin, days: [sat, sun], then: hold, except: { tags: fire } },
                digest: { window: 10m, key: "{{ .title }}", lines: 5, title: News, bypass: { priority: 5 } }
                """))
        #expect(plan.warnings.isEmpty)
        #expect(plan.routes[0].tools?.holding == ["sample", "quiet_hours", "digest"])
        #expect(try load(Self.file("replace_key: '{{ $subject }}'")).routes[0].dedupe?.replaces == true)
        #expect(try load(Self.file("dedupe: { key: '{{ $subject }}' }")).routes[0].dedupe?.replaces == false)
        let lowering = "quiet_hours: { from: 22:00, to: 7:00, zone: UTC, days: sat, then: lower }"
        #expect(try load(Self.file(lowering)).warnings.isEmpty)
        let expecting = try load(Self.file("expect: { every: 15m, key: '{{ $subject }}', priority: 5 }"))
        #expect(expecting.routes[0].tools?.expect != nil)
    }

    @Test func `a route without a name keeps its identity when its tools change`() throws {
        func identities(_ routes: String) throws -> [String] {
            let head = "sources: { in: { type: fake, url: x } }\nsinks: { out: { type: fake } }\n"
            return try load("\(head)routes: [\(routes)]\n").routes.map(\.identity)
        }
        let one = try identities("{ to: out, throttle: { per: 1m } }")
        #expect(try identities("{ to: out, throttle: { per: 2m }, sample: { one_in: 2 } }") == one)
        #expect(try identities("{ to: out, stop: true, throttle: { per: 1m } }") != one)
        let two = try identities("{ to: out, throttle: { per: 1m } }, { to: out, throttle: { per: 2m } }")
        #expect(Set(two).count == 2)
    }

    @Test(
        arguments: [
            ("digest: { window: 10m }", "so events kept by digest are lost if the program is killed; add"),
            ("throttle: { per: 1m }", "so the state of throttle is lost at each restart; add"),
            (
                "digest: { window: 10m }, changed: { of: '{{ .title }}' }, throttle: { per: 1m }, sample: { one_in: 2 }",
                "so events kept by digest are lost if the program is killed, and the state of changed, sample and throttle is lost at each restart; add"
            ),
            (
                "expect: { every: 1m } }, { to: out, sample: { every: 1m }",
                "events kept by sample are lost if the program is killed, and the state of expect is"
            ),
            ("replace_key: '{{ .title }}'", nil), ("quiet_hours: { from: 22:00, to: 7:00, zone: UTC, then: drop }", nil),
        ] as [(String, String?)]) func `a log in memory is one warning that names the tools`(routes: String, expected: String?)
        throws
    {
        let warnings = try load(Self.file(routes, log: "kind: memory")).warnings.map(\.description)
        let found = warnings.filter { $0.contains("the log is in memory") }
        #expect(found.count == (expected == nil ? 0 : 1), "\(warnings)")
        if let expected { #expect(found[0].contains("routes: ") && found[0].contains(expected), "\(found)") }
        #expect(try load(Self.file(routes)).warnings.isEmpty)
    }

    @Test func `a filter of a tool that never holds is a warning at its place`() throws {
        let plan = try load(Self.file("throttle: { per: 1m, bypass: { priority: 7 } }"))
        #expect(plan.warnings.map(\.description).contains { $0.contains("routes[0].throttle.bypass.priority: never holds") })
    }
}
