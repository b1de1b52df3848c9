import Testing

@testable import BridgeCore

/// What `check` says of cases that cannot be meant, word for word.
struct CaseSettingsTests {
    @Test(arguments: [
        (#"[]"#, "cases: is empty; write a case, or leave it out"),
        (#"[{}]"#, "cases.Index 0: does nothing; add set: with fields, or drop: true"),
        (#"[{"match":{"subject":"a"}}]"#, "cases.Index 0: does nothing; add set: with fields, or drop: true"),
        (#"[{"drop":true}]"#, "cases.Index 0: drops every message of the source; add match: with those to drop"),
        (#"[{"match":{"subject":"a"},"drop":false}]"#, "cases.Index 0.drop: is false, which changes nothing; leave it out"),
        (
            #"[{"drop":true,"set":{"title":"x"}}]"#,
            "cases.Index 0.set: sets fields of what drop makes no event; keep one of the two"
        ),
        (#"[{"matches":{},"drop":true}]"#, "cases.Index 0.matches: unknown key 'matches'; there are drop, match, set"),
        (
            #"[{"match":{"subjct":"a"},"drop":true}]"#,
            "cases.Index 0.match.subjct: a filter has no key 'subjct'; did you mean 'subject'?"
        ),
        (#"[{"match":{"source":"a"},"drop":true}]"#, "cases.Index 0.match.source: is the source itself here; leave it out"),
        (
            #"[{"match":{"subject":"a"},"drop":true},{"set":{"title":"x"}},{"match":{"subject":"b"},"drop":true}]"#,
            "cases.Index 2: is never reached, because the case before it matches every message; add match: there, or move it to the end"
        ),
        (
            #"[{"set":{}}]"#,
            "cases.Index 0.set: sets nothing; there are title, message, priority, tags, timestamp, id, payload, subject"
        ),
        (#"[{"set":{"titel":"x"}}]"#, "cases.Index 0.set.titel: unknown key 'titel'; did you mean 'title'?"),
    ])
    func `a meaningless case is refused`(cases: String, expected: String) {
        #expect(NormaliseSample.refusal(#"{"cases":\#(cases)}"#) == expected)
    }

    @Test(arguments: [
        (#"{"title":""}"#, "title: is empty, which changes nothing; write null to remove the field, or leave it out"),
        (
            #"{"title":".payload.name"}"#,
            "title: '.payload.name' is a constant text; write '{{ .payload.name }}' or { from: '.payload.name' } for the value"
        ),
        (
            #"{"title":"{{ .titel }}"}"#,
            "title: in '{{ .titel }}': an event has no field 'titel'; it has id, title, message, priority, tags, timestamp, payload"
        ),
        (#"{"title":["a"]}"#, #"title: is a list, which only tags take; write { join: [ … ], with: ", " }"#),
        (#"{"title":{}}"#, "title: needs one of from, fields, join and json"),
        (#"{"title":{"from":".title","join":["a"]}}"#, "title: has from and join; write only one of them"),
        (#"{"title":{"form":".title"}}"#, "title.form: unknown key 'form'; did you mean 'from'?"),
        (#"{"title":{"from":"{{ .title }}"}}"#, "title.from: '{{ .title }}' is a template; write the path alone, such as .title"),
        (
            #"{"title":{"from":".titel"}}"#,
            "title.from: in '.titel': an event has no field 'titel'; it has id, title, message, priority, tags, timestamp, payload"
        ),
        (
            #"{"title":{"from":"upper"}}"#,
            "title.from: in 'upper': this needs jq, which is not available here; plain paths such as .title work"
        ),
        (#"{"title":{"map":{"a":"b"},"join":["x"]}}"#, "title.map: has nothing to look up; add from: with the path of the value"),
        (
            #"{"title":{"from":".title","map":{}}}"#,
            "title.map: is empty; write what each value stands for, such as { offline: 4 }"
        ),
        (
            #"{"title":{"from":".title","map":{"on":"a","ON":"b"}}}"#,
            "title.map: has two keys that differ only by case, which does not matter; remove one"
        ),
        (#"{"title":{"from":".title","zone":"UTC"}}"#, "title.zone: is for timestamp only; leave it out"),
        (#"{"title":{"json":{}}}"#, "title: json is for payload only; write a text, or { from: … }"),
        (#"{"title":{"join":[]}}"#, "title.join: is empty; write the texts to put together"),
        (#"{"title":{"join":["a",["b"]]}}"#, "title.join.Index 1: is a list in a list; write its items in the outer one"),
        (#"{"title":{"join":["a",null]}}"#, "title.join.Index 1: has no value; write a text, or leave it out"),
        (#"{"title":{"join":["a"],"only":["b"]}}"#, "title.only: belongs to fields; add fields: .payload"),
        (
            #"{"message":{"fields":".title"}}"#,
            "message.fields: '.title' is not a path in the payload; write .payload, or one such as .payload.body"
        ),
        (
            #"{"message":{"fields":".payload | keys"}}"#,
            "message.fields: '.payload | keys' is not a path in the payload; write .payload, or one such as .payload.body"
        ),
        (
            #"{"message":{"fields":".payload","only":["a..b"]}}"#,
            "message.only: 'a..b' is not a path; write names with dots between them, such as ENERGY.Power"
        ),
        (
            #"{"message":{"fields":".payload","only":["a"],"except":["b"]}}"#,
            "message.only: names what is written already; leave except out"
        ),
        (
            #"{"priority":9}"#,
            "priority: '9' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word listed on the page Templates"
        ),
        (
            #"{"priority":{"from":".payload.a","map":{"on":"loud"}}}"#,
            "priority.map.on: 'loud' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word listed on the page Templates"
        ),
        (
            #"{"priority":{"from":".payload.a","default":0}}"#,
            "priority.default: '0' is not a priority; write 1 to 5, or low, normal, high, urgent, or another word listed on the page Templates"
        ),
        (
            #"{"priority":{"fields":".payload"}}"#,
            "priority: fields writes words such as 'battery: 87', which are no priority; write { from: .payload.priority }"
        ),
        (#"{"tags":5}"#, "tags: must be text; write it in quotes if it is meant as a tag"),
        (#"{"timestamp":"soon"}"#, "timestamp: 'soon' is not a time; write { from: .payload.time }"),
        (
            #"{"timestamp":{"from":".payload.time","zone":"Europe/Berln"}}"#,
            "timestamp.zone: 'Europe/Berln' is not a time zone; write a name such as Europe/Berlin or UTC"
        ),
        (
            #"{"timestamp":{"from":".payload.time","zone":"../../../etc/passwd"}}"#,
            "timestamp.zone: '../../../etc/passwd' is not a time zone; write a name such as Europe/Berlin or UTC"
        ),
        (
            #"{"id":"x"}"#,
            "id: gives every event the same id, so that all but the first count as duplicates; write { from: .payload.id }"
        ),
    ])
    func `a source that the field cannot have is refused`(set: String, expected: String) {
        #expect(NormaliseSample.refusal(#"{"cases":[{"set":\#(set)}]}"#) == "cases.Index 0.set.\(expected)")
    }

    @Test(arguments: [
        (
            #"{"decode":"gzp"}"#,
            "decode: 'gzp' is not a way to decode; there are json, form, msgpack, base64, gzip, deflate, zstd and text/CHARSET, such as text/iso-8859-1"
        ),
        (
            #"{"decode":["base64","text/klingon"]}"#,
            "decode.Index 1: 'text/klingon' is not a way to decode; there are json, form, msgpack, base64, gzip, deflate, zstd and text/CHARSET, such as text/iso-8859-1"
        ),
        (
            #"{"decode":["json","gzip"]}"#,
            "decode.Index 1: gzip cannot follow json, which makes JSON; write it before, or leave it out"
        ),
        (#"{"decode":[]}"#, "decode: is empty; leave it out"),
        (
            #"{"root":"payload.body"}"#,
            "root: 'payload.body' is not a path in the payload; write .payload, or one such as .payload.body"
        ),
        (
            #"{"split":"$segments"}"#,
            "split: '$segments' is not a path in the payload; write .payload, or one such as .payload.body"
        ),
    ])
    func `a message that cannot be opened so is refused`(json: String, expected: String) {
        #expect(NormaliseSample.refusal(json) == expected)
    }

    @Test func `a condition that never holds is a warning at its place`() throws {
        let json = #"{"cases":[{"match":{"priority":{"gt":7}},"drop":true}]}"#
        let warnings = try decode(NormaliseSample.self, json).settings.warnings
        #expect(
            warnings.map(\.description) == [
                "cases.Index 0.match.priority: never holds, because a priority is 1 to 5; correct it or leave it out"
            ])
    }
}
