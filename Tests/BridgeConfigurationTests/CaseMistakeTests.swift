import BridgeConfiguration
import Testing

/// Mistakes in the cases of `normalise`, with their place in the file.
struct CaseMistakeTests {
    private static func file(_ cases: String) -> String {
        """
        sources:
          in:
            type: fake
            url: x
            normalise:
              cases:
        \(cases)
        sinks: { out: { type: fake } }
        routes: [{ to: out }]
        """
    }

    @Test func `every mistake of the cases is reported at its place`() {
        let found = mistakes(
            Self.file(
                """
                        - match: { subject: a/# }
                          set: { title: .payload.name }
                        - match: { subject: b }
                          drop: true
                          set: { title: x }
                        - set: { priority: { from: .payload.s, map: { on: loud } } }
                """))
        #expect(
            found.contains(
                "bridges.yaml:8:25: error: sources.in.normalise.cases[0].set.title: '.payload.name' is a constant text; "
                    + "write '{{ .payload.name }}' or { from: '.payload.name' } for the value"),
            "\(found)")
    }

    @Test func `all mistakes of a case are reported together`() {
        let found = mistakes(
            Self.file(
                """
                        - match: { subject: a/b, payload.x: { lik: 3 }, priorit: 3 }
                          set:
                            titel: x
                            title: { from: .payload.s, mapp: { a: b } }
                            priority: { from: .payload.s, map: { on: loud, off: quiet } }
                            timestamp: { from: .payload.t, zone: Europe/Berln }
                            tags: [.payload.x, { from: .payload.y, part: zzz }]
                          dropp: true
                        - match: { tags: { som: x } }
                          set: { id: fixed, message: .payload.m }
                """))
        let places = [
            "[0]: unknown key 'dropp'", "[0].match.payload.x.lik: there is no operator", "[0].match.priorit: a filter has no key",
            "[0].set: unknown key 'titel'", "[0].set.title: unknown key 'mapp'", "[0].set.priority.map.off: 'quiet'",
            "[0].set.timestamp.zone",
            "[0].set.tags[0]: '.payload.x' is a constant", "[1].match.tags.som: there is no operator",
            "[1].set.id: gives every event", "[1].set.message: '.payload.m' is a constant",
        ]
        for place in places {
            #expect(found.contains { $0.contains("sources.in.normalise.cases\(place)") }, "\(place): \(found)")
        }
        #expect(Set(found).count == found.count)
    }

    @Test(arguments: [
        ("set: { titel: x }", "7:18", "[0].set: unknown key 'titel'; did you mean 'title'?"),
        (
            "set: { timestamp: { from: .payload.t, zone: Europe/Berln } }", "7:55",
            "[0].set.timestamp.zone: 'Europe/Berln' is not a time zone; write a name such as Europe/Berlin or UTC"
        ),
        (
            "set: { tags: [door, .payload.room] }", "7:31",
            "[0].set.tags[1]: '.payload.room' is a constant text; write '{{ .payload.room }}' or { from: '.payload.room' } for the value"
        ),
        (
            "set: { title: '{ .payload.room }' }", "7:25",
            "[0].set.title: '{ .payload.room }' is a constant text; write '{{ .payload.room }}' or { from: '.payload.room' } for the value"
        ),
        (
            "set: { title: { from: .payload.s, map: { a: null } } }", "7:55",
            "[0].set.title.map.a: has no value; write one, or '' for an empty text"
        ),
        (
            "set: { title: { from: .payload.s, default: null } }", "7:54",
            "[0].set.title.default: has no value; write one or leave it out"
        ),
        ("drop: true", "7:11", "[0]: drops every message of the source; add match: with those to drop"),
        (
            "set: { priority: { from: .payload.s, map: { ON: loud } } }", "7:59",
            "[0].set.priority.map.ON: 'loud' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word listed "
                + "on the page Templates"
        ),
    ])
    func `a mistake has a line and a column`(key: String, place: String, message: String) {
        #expect(mistakes(Self.file("        - \(key)")) == ["bridges.yaml:\(place): error: sources.in.normalise.cases\(message)"])
    }

    @Test func `numbers, booleans and null need no quotes`() throws {
        let plan = try load(
            Self.file(
                """
                        - match: { subject: a }
                          set:
                            title: 5
                            priority: { from: .payload.on, map: { true: 4, 0: low }, default: 2 }
                            message: null
                            tags: [a, b]
                """))
        #expect(plan.warnings.isEmpty, "\(plan.warnings)")
    }

    @Test func `what means something else is a warning`() throws {
        let plan = try load(
            Self.file(
                """
                        - match: { subject: a, priority: { gt: 7 } }
                          set:
                            title:
                """))
        #expect(
            plan.warnings.map(\.description) == [
                "bridges.yaml:7:42: warning: sources.in.normalise.cases[0].match.priority: never holds, because a priority is 1 to 5; "
                    + "correct it or leave it out",
                "bridges.yaml:9:19: warning: sources.in.normalise.cases[0].set.title: has no value, which removes the field; write null "
                    + "to say so",
            ])
    }
}
