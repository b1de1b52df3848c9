import NIOCore
import Testing

@testable import BridgeCore

/// The forms in which a case says where a field comes from.
struct FieldSourceTests {
    private static let body = #"""
        {"state":"ON","level":"Warning","battery":87,"occupancy":true,"energy":{"power":12.5,"total":null},"names":["a","","b"],
        "linkquality":120,"ok":false,"zero":0,"local":"2026-07-01T12:00:00","dotted":{"a.b":1,"c":{"d":2}}}
        """#

    private func message(_ source: String) throws -> String {
        try NormaliseSample.event(set: #"{"message":\#(source)}"#, Self.body).message
    }

    @Test(arguments: [
        (#"{"from":".payload.state"}"#, "ON"), (#"{"from":".payload.battery"}"#, "87"), (#"{"from":".payload.ok"}"#, "false"),
        (#"{"from":".payload.zero"}"#, "0"), (#"{"from":".payload.names"}"#, "a, b"),
        (#"{"from":".payload.energy"}"#, #"{"power":12.5,"total":null}"#), (#"{"from":"$segments[1]"}"#, "hall_motion"),
        (#"{"from":".payload.state","map":{"on":"is on","off":"is off"}}"#, "is on"),
        (#"{"from":".payload.occupancy","map":{"true":"seen","false":"gone"}}"#, "seen"),
        (#"{"from":".payload.battery","map":{"1":"low"},"default":"{{ .payload.battery }} %"}"#, "87 %"),
        (#"{"from":".payload.absent","map":{"1":"low"},"default":"none"}"#, "none"),
        (#"{"from":".payload.absent","default":5}"#, "5"),
        (#"{"from":".payload.names","map":{"a":"A","b":"B"}}"#, "A, B"),
        (#"{"fields":".payload.energy"}"#, "power: 12.5"), (#"{"fields":".payload.battery"}"#, "87"),
        (
            #"{"fields":".payload","only":["occupancy","energy.power","absent","battery"]}"#,
            "occupancy: true, energy power: 12.5, battery: 87"
        ),
        (#"{"fields":".payload","only":"names"}"#, "names: a, b"),
        (#"{"fields":".payload.dotted","only":["a.b","c.d"]}"#, "a b: 1, c d: 2"),
        (#"{"fields":".payload.dotted","except":["a.b"]}"#, "c d: 2"),
        (#"{"fields":".payload.dotted","except":["c.d"]}"#, "a.b: 1"),
        (
            #"{"fields":".payload","except":["linkquality","names","local","dotted","ok","zero","power"]}"#,
            "state: ON, level: Warning, battery: 87, occupancy: true"
        ),
        (#"{"join":["{{ .payload.state }}",{"from":".payload.absent"},{"from":".payload.battery"}]}"#, "ON, 87"),
        (#"{"join":[{"from":".payload.names"},"end"],"with":" | "}"#, "a | b | end"),
    ])
    func `a text comes from its source`(source: String, expected: String) throws {
        #expect(try self.message(source) == expected)
    }

    @Test(arguments: [
        #"{"from":".payload.absent"}"#, #"{"from":".payload.energy.total"}"#, #"{"fields":".payload.absent"}"#,
        #"{"join":["{{ .payload.absent }}"]}"#, #""{{ .payload.absent }}""#,
    ])
    func `without a value the field is read automatically`(source: String) throws {
        let outcome = try NormaliseSample.outcome(#"{"cases":[{"set":{"title":\#(source)}}]}"#, Self.body)
        #expect(outcome.event.title == "hall_motion" && outcome.failures.isEmpty)
    }

    @Test(arguments: [
        (#""high""#, 4), ("2", 2), (#"{"from":".payload.level"}"#, 4),
        (#"{"from":".payload.state","map":{"on":"critical"}}"#, 5),
        (#"{"from":".payload.state","map":{"on":"firing"}}"#, 4), (#"{"from":".payload.battery"}"#, 5),
        (#"{"from":".payload.absent","default":"low"}"#, 2), (#""{{ .payload.zero }}""#, 1),
    ])
    func `a priority is a number or a word`(source: String, expected: Int) throws {
        #expect(try NormaliseSample.event(set: #"{"priority":\#(source)}"#, Self.body).priority == expected)
    }

    @Test(arguments: [
        (#""a, b""#, ["a", "b"]), (#"["a, b","{{ .payload.state }}"]"#, ["a, b", "ON"]), ("[]", []),
        (#"{"from":".payload.names"}"#, ["a", "b"]), (#"["x",{"from":".payload.names"}]"#, ["x", "a", "b"]),
        (#""{{ .payload.names }}""#, ["a", "b"]),
    ])
    func `tags are a list or a text with commas`(source: String, expected: [String]) throws {
        #expect(try NormaliseSample.event(set: #"{"tags":\#(source)}"#, Self.body).tags == expected)
    }

    @Test(arguments: [
        (#"{"from":".payload.local","zone":"Europe/Berlin"}"#, "2026-07-01T10:00:00.000Z"),
        (#"{"from":".payload.local","zone":"UTC"}"#, "2026-07-01T12:00:00.000Z"),
        (#"{"from":".payload.local"}"#, "2026-07-01T12:00:00.000Z"),
        (#""1990-01-01T00:00:00Z""#, "1990-01-01T00:00:00.000Z"), (#""2026-01-01T00:00:00+01:00""#, "2025-12-31T23:00:00.000Z"),
    ])
    func `a local time has a zone`(source: String, expected: String) throws {
        #expect(try NormaliseSample.event(set: #"{"timestamp":\#(source)}"#, Self.body).timestamp.description == expected)
    }

    @Test(arguments: ["zero", "early", "late"])
    func `a time before 2000 is that of a clock which is not set`(member: String) throws {
        let body = #"{"zero":0,"early":"1970-01-01T00:00:12","late":"2107-01-01T00:00:00Z"}"#
        let outcome = try NormaliseSample.outcome(
            #"{"cases":[{"set":{"timestamp":{"from":".payload.\#(member)","zone":"Europe/Berlin"}}}]}"#, body)
        #expect(outcome.event.timestamp == NormaliseSample.now)
        #expect(outcome.failures.map(\.field) == ["cases[0].set.timestamp"])
        #expect(outcome.failures[0].reason.hasSuffix("is not a time from 2000 to 2099; the sender's clock may not be set"))
    }

    private static let lists = #"""
        {"ref":"refs/heads/feature/a","id":"binary_sensor-door","alerts":[{"labels":{"alertname":"A","n":1}},{"labels":{}},
        {"labels":{"alertname":"B"}}],"cmps":{"soil":{"p":"s"},"door":1,"ts":2},"one":{"name":"x","tags":["a","b"]}}
        """#

    @Test(arguments: [
        (#"{"from":".payload.ref","part":"refs/*/{}"}"#, "feature/a"),
        (#"{"from":".payload.id","part":["x-{}","binary_sensor-{}"]}"#, "door"),
        (#"{"from":".payload.id","part":"x-{}","default":{"from":".payload.ref","part":"{}/*"}}"#, "refs"),
        (#"{"from":".payload.ref","part":"refs/{}/*","map":{"heads":"branch","tags":"tag"}}"#, "branch"),
        (#"{"from":".payload.alerts","member":"labels.alertname"}"#, "A, B"),
        (#"{"from":".payload.alerts","member":".labels.alertname","with":" + "}"#, "A + B"),
        (#"{"from":".payload.alerts","member":"labels.alertname","map":{"a":"first"},"default":"other"}"#, "first, other"),
        (#"{"from":".payload.one","member":"tags"}"#, "a, b"), (#"{"from":".payload.one","member":"none","default":"no"}"#, "no"),
        (#"{"from":".payload.cmps","names":true}"#, "soil, door, ts"),
        (#"{"from":".payload.cmps","names":true,"except":"ts","with":"/"}"#, "soil/door"),
        (#"{"from":".payload.ref","names":true,"default":"none"}"#, "none"),
        (#"{"join":[{"join":["a","b"],"with":"-"},"c"],"with":"+"}"#, "a-b+c"),
        (#"{"join":[{"from":".payload.cmps","names":true,"with":"-"},"c"]}"#, "soil-door-ts, c"),
    ])
    func `a part, a member or a name is taken`(source: String, expected: String) throws {
        #expect(try NormaliseSample.event(set: #"{"message":\#(source)}"#, Self.lists).message == expected)
    }

    @Test func `tags have the names of an object, and a member of each item`() throws {
        let tags = #"{"tags":["x",{"from":".payload.cmps","names":true},{"from":".payload.alerts","member":"labels.alertname"}]}"#
        #expect(try NormaliseSample.event(set: tags, Self.lists).tags == ["x", "soil", "door", "ts", "A", "B"])
    }

    @Test(arguments: [
        (#"{"from":".payload.a","part":"refs"}"#, "part: 'refs' has no {}; write {} once, where the part is, such as refs/*/{}"),
        (#"{"from":".payload.a","part":["{}{}"]}"#, "part.Index 0: '{}{}' has two wildcards side by side"),
        (#"{"from":".payload.a","part":"{}"}"#, "part: '{}' takes the whole text; leave part out"),
        (#"{"from":".payload.a","part":[]}"#, "part: is empty; leave it out"),
        (#"{"join":["a"],"part":"x{}"}"#, "part: belongs to from; add from: with the path of the text"),
        (#"{"from":".title","member":"a"}"#, "member: needs a plain path in the payload"),
        (#"{"from":".payload.a","member":"a..b"}"#, "member: 'a..b' is not a path; write names with dots"),
        (#"{"from":".payload.a","member":"a","names":true}"#, "names: takes names, and member takes values; keep one of the two"),
        (#"{"from":".payload.a","names":false}"#, "names: is false, which changes nothing; leave it out"),
        (#"{"from":".payload.a","except":"x"}"#, "except: belongs to fields; add fields: .payload"),
        (#"{"fields":".payload.a","with":"x"}"#, "with: belongs to join; add join: with a list of texts"),
    ])
    func `a form that means nothing is refused`(source: String, message: String) {
        let refusal = NormaliseSample.refusal(#"{"cases":[{"set":{"title":\#(source)}}]}"#)
        #expect(refusal.contains("set.title.\(message)"), "\(refusal)")
    }

    @Test(arguments: [
        (#"{"from":".payload.energy"}"#, #"{"power":12.5,"total":null}"#),
        (#""{{ .payload.energy }}""#, #"{"power":12.5,"total":null}"#),
        (#""{{ .payload.battery }}""#, "87"), (#""{{ .payload.battery }} %""#, #""87 %""#),
        (#"{"from":".payload.state"}"#, #""ON""#),
        (#"{"from":".payload.state","map":{"on":"1"}}"#, #""1""#),
        (#"{"json":{"on":"{{ .payload.occupancy }}","absent":"{{ .payload.absent }}"}}"#, #"{"on":true}"#),
        (#"{"fields":".payload.energy"}"#, #""power: 12.5""#),
    ])
    func `a payload keeps its type`(source: String, expected: String) throws {
        let payload = try NormaliseSample.event(set: #"{"payload":\#(source)}"#, Self.body).payload
        #expect(payload.map { String(buffer: $0) } == expected)
    }

    @Test func `a subject has no line breaks, and an id can be a header`() throws {
        let event = try NormaliseSample.event(
            set: #"{"subject":{"from":".payload.s"},"id":{"from":".payload.id"}}"#, #"{"s":"a\nb","id":"urn:uuid:7"}"#)
        #expect(!event.subject.contains("\n") && event.subject.hasPrefix("a"))
        #expect(event.id == "urn%3Auuid%3A7")
    }
}
