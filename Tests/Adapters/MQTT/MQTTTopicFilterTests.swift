import Testing

@testable import MQTTAdapter

struct MQTTTopicFilterTests {
    @Test(
        arguments: [
            ("a/b", "a/b", true), ("a/b", "a/c", false), ("a/b", "a", false), ("a/b", "a/b/c", false), ("a", "a/b", false),
            ("a/+", "a/b", true), ("a/+", "a", false), ("a/+", "a/b/c", false), ("a/+", "a/", true), ("+", "a", true),
            ("+", "/a", false), ("+/+", "/a", true), ("/+", "/a", true), ("+/b/+", "a/b/c", true), ("+/b/+", "a/x/c", false),
            ("#", "a", true), ("#", "a/b/c", true), ("a/#", "a", true), ("a/#", "a/b/c", true), ("a/#", "ab", false),
            ("a/+/#", "a", false), ("a/+/#", "a/b", true), ("a//b", "a//b", true), ("a//b", "a/b", false),
            ("#", "$SYS/uptime", false), ("+/uptime", "$SYS/uptime", false), ("$SYS/#", "$SYS/uptime", true),
            ("ä/+", "ä/ö", true), ("a/b/", "a/b", false), ("a/b", "a/b/", false),
        ]
    )
    func `a filter matches as MQTT 4·7 says`(filter: String, topic: String, isMatch: Bool) throws {
        #expect(try MQTTTopicFilter(filter).matches(topic) == isMatch)
    }

    @Test(
        arguments: [
            ("#", "a", true), ("#", "a/+", true), ("#", "#", true), ("#", "$SYS/#", false), ("a/#", "a", true),
            ("a/#", "a/b/#", true),
            ("a/#", "a/+", true), ("a/+", "a/b", true), ("a/+", "a/#", false), ("a/+", "+/b", false), ("a/b", "a/+", false),
            ("+/b", "a/b", true), ("+/b", "$SYS/b", false), ("a/+", "a/b/c", false), ("a/+/#", "a", false), ("a/b", "a/c", false),
        ]
    )
    func `a filter covers another`(one: String, other: String, isCovered: Bool) throws {
        #expect(try MQTTTopicFilter(one).covers(MQTTTopicFilter(other)) == isCovered)
    }

    @Test(
        arguments: [
            ("a/+", "+/b", true), ("a/#", "+/b/c", true), ("a/#", "a", true), ("a/+/c", "a/b/+", true), ("a/b", "a/b", true),
            ("a/+", "b/+", false), ("a", "a/b", false), ("a/+/c", "a/+/d", false), ("#", "$SYS/a", false), ("a/b/#", "+", false),
            ("$SYS/#", "$SYS/+", true), ("a/#", "b/#", false), ("+/+", "a", false),
        ]
    )
    func `filters overlap, whichever comes first`(one: String, other: String, isOverlap: Bool) throws {
        let (one, other) = (try MQTTTopicFilter(one), try MQTTTopicFilter(other))
        #expect(one.overlaps(other) == isOverlap)
        #expect(other.overlaps(one) == isOverlap)
    }

    @Test(
        arguments: [
            (
                "",
                "a topic filter has at least one character; write \"#\" in quotes for all topics, since # begins a comment in YAML"
            ),
            ("a#", "'a#': '#' must be the whole last level"),
            ("#/a", "'#/a': '#' must be the whole last level"),
            ("a/b+", "'a/b+': '+' must be a whole level"),
            ("a\0b", "a topic filter must not contain NUL"),
            ("$share/group/a", "a shared subscription is written with the key share: topic: alerts/#, share: group"),
            (String(repeating: "x", count: 65_536), "a topic filter has at most 65535 bytes"),
        ]
    )
    func `an invalid filter is refused with the reason`(text: String, message: String) {
        let error = #expect(throws: MQTTTextError.self) { try MQTTTopicFilter(text) }
        #expect(error?.description == message)
    }

    @Test func `filters compare bytes`() throws {
        let composed = try MQTTTopicFilter("caf\u{e9}/+")
        let decomposed = try MQTTTopicFilter("cafe\u{301}/+")
        #expect(composed != decomposed && Set([composed, decomposed]).count == 2)
        #expect(!composed.covers(decomposed) && !composed.overlaps(decomposed))
        #expect(composed.covers(composed) && composed.overlaps(composed))
    }
}
